"""What a new rule starts from: the rule that such tasks follow now, and the words for reminders and escalations."""

from typing import Any

from notifications.models import Route, Template, VersionState
from notifications.starter.routes import WAITING

REMINDER, ESCALATION = "task-reminder", "task-late"
"""Templates of the starter configuration."""
FIRST = 100
STEP = 10


def starting_values() -> dict[str, Any]:
    """The category and template of the route that tells of most tasks now."""
    routes = Route.objects.filter(enabled=True, event_types__name=WAITING[0], conditions=None)
    now = routes.select_related("category", "template").order_by("priority").first()
    now = now or Route.objects.filter(enabled=True).select_related("category", "template").first()
    return {"category": now.category, "template": now.template} if now is not None else {}


def words_for(escalates: bool) -> Template | None:
    """The published template for a step's message, unless it was deleted."""
    slug = ESCALATION if escalates else REMINDER
    return Template.objects.filter(slug=slug, versions__state=VersionState.PUBLISHED).first()


def first_place(rows: Any, name: str) -> int:
    """The place before all rows that are on: a rule of its own goes before those that are for everything."""
    lowest = rows.filter(enabled=True).order_by(name).values_list(name, flat=True).first()
    return FIRST if lowest is None else min(FIRST, lowest - STEP)
