"""What a list can be narrowed down to: switches that can be pressed, and choices with their counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from notifications.inbox.finding import DUE, Finding
from notifications.inbox.listing import Listing, group_name, of_tab
from notifications.models import Case, Engine, Notification, Recipient, Task, Team

MOST_CHOICES = 100
MOST_READ = 2_000
"""Items of which it is read what can be chosen."""


@dataclass(frozen=True)
class Chip:
    """A switch: `query` is the address's query of the list when it is pressed."""

    label: str
    query: str
    on: bool
    count: int | None = None
    """Of unread items, which the page keeps up to date."""


def chips_of(listing: Listing, reader: Recipient) -> Iterator[Chip]:
    """Yield the switches of a list."""
    finding = listing.finding
    if finding.tab == "waiting":
        for due in DUE:
            on = finding.due == due
            if on or due == "overdue":
                yield Chip(group_name(due), finding.but(due="" if on else due).address, on)
    yield _switch(finding, "urgent", _("Urgent"))
    if finding.tab == "waiting":
        yield _switch(finding, "escalated", _("Escalated to me"))
        if listing.snoozed or finding.snoozed:
            yield _switch(finding, "snoozed", _("Snoozed"))
    if finding.case:
        case = Case.objects.filter(pk=finding.case, notifications__recipient=reader).first()
        yield Chip(str(case) if case else _("Case"), finding.but(case="").address, True)
    unread = finding.but(unread=not finding.unread, tab=finding.tab if finding.unread else "all")
    yield Chip(_("Unread"), unread.address, finding.unread, listing.unread)


def _switch(finding: Finding, name: str, label: str) -> Chip:
    on = bool(getattr(finding, name))
    return Chip(label, finding.but(**{name: not on}).address, on)


@dataclass(frozen=True)
class Filter:
    """One list to choose from. `name`: of its field in the address; `choices`: each value, and what it is called."""

    name: str
    label: str
    chosen: str
    choices: Sequence[tuple[str, str]]


def filters_of(reader: Recipient, finding: Finding) -> list[Filter]:
    """Return the filters of the tab, with choices from its newest items. A filter without choices is left out."""
    newest = of_tab(Notification.objects.filter(recipient=reader), finding.tab).order_by("-created_at")[:MOST_READ]
    tasks = Task.objects.filter(pk__in=newest.values("task"))
    # Together, for it is the tasks that take long to read. Teams would multiply them.
    combinations = tasks.order_by().values_list("kind", "initiator", "engine").distinct()
    kinds, starters, engines = [{*each} for each in zip(*combinations, strict=True)] or [set(), set(), set()]
    filters = [
        Filter("kind", _("Kind"), finding.kind, [(kind, kind) for kind in sorted(kinds - {""})[:MOST_CHOICES]]),
        Filter("from", _("Started by"), finding.sender, _choices(Recipient.objects.filter(pk__in=starters), "pk")),
        Filter("team", _("Team"), finding.team, _choices(Team.objects.filter(tasks__in=tasks), "slug")),
        Filter("engine", _("System"), finding.engine, _choices(Engine.objects.filter(pk__in=engines), "slug")),
    ]
    return [each for each in filters if each.choices]


def _choices(rows: QuerySet[Any], value: str) -> list[tuple[str, str]]:
    pairs = rows.order_by("name").values_list(value, "name").distinct()
    return [(str(key), name or str(key)) for key, name in pairs[:MOST_CHOICES]]
