"""Events that came lately: how many a rule is for, and which it is tried on."""

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from notifications.admin.words import short
from notifications.cases.facts import facts_of_task
from notifications.models import Engine, Event, EventType, RouteCondition
from notifications.routing.conditions import holds
from notifications.types import InboundEvent, Json, object_in, text_in
from notifications.wording.formats import as_instant
from notifications.wording.known_paths import AT_ONCE, SECONDS, newest_in_time

COUNTED = 200
OFFERED = 20
SAMPLE = "sample"
TIMES = ("due_at", "expires_at")


@dataclass(frozen=True)
class Recent:
    """An event that came, and whether it meets the conditions."""

    event: Event
    meets: bool

    def __str__(self) -> str:
        data = self.event.data
        name = text_in(object_in(data, "task"), "name", 80) or text_in(object_in(data, "case"), "title", 80)
        placeholders = {"name": name or self.event.type, "time": short(self.event.received_at)}
        text = _("%(name)s, %(time)s") if self.meets else _("%(name)s, %(time)s (does not meet the conditions)")
        return text % placeholders


def recent(types: Sequence[str], engine: Engine | None, conditions: Sequence[RouteCondition]) -> list[Recent]:
    """The newest events of these types (none: of any), at most COUNTED; none if they cannot be found in time."""
    event_ids, until = newest_in_time(engine, set(types), COUNTED), time.monotonic() + SECONDS
    rows = Event.objects.select_related("engine").defer("plan").order_by("-id")
    events: list[Event] = []
    while event_ids and time.monotonic() < until:  # they may be large
        events += rows.filter(pk__in=event_ids[:AT_ONCE])
        del event_ids[:AT_ONCE]
    return [
        Recent(event, all(holds(each, facts_of_task(None, None, event)) for each in conditions)) for event in events
    ]


# --- an event to try the rule on --------------------------------------------------------------------------------------
def sample_of(types: Sequence[str]) -> EventType | None:
    described = EventType.objects.exclude(sample={})
    return (described.filter(name__in=types).order_by("name").first() if types else None) or described.first()


def as_if_new(event: Event, now: datetime) -> InboundEvent:
    """The event as if it came now, about a task of its own: whoever has the old one would not be told again. Its
    times are as far ahead as they were."""
    data: Json = deepcopy(event.data)
    task = object_in(data, "task")
    if task:
        task["id"] = f"{text_in(task, 'id', 180)} (tried)"
        for name in TIMES:
            if (then := as_instant(task.get(name))) is not None:
                task[name] = (then + (now - event.received_at)).isoformat()
    return InboundEvent(
        id=f"{event.event_id[:180]} (tried)",
        source=event.source,
        type=event.type,
        data=data,
        digest="",
        subject=event.subject,
        extensions=event.extensions,
    )


def of_sample(event_type: EventType) -> InboundEvent:
    return InboundEvent(id="sample", source="sample", type=event_type.name, data=event_type.sample, digest="")
