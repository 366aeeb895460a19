"""Events to try a rule on: those that came, and the samples of their types."""

import time
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.admin.desk.display import short
from notifications.admin.ledger.timeline import Line
from notifications.cases.facts import facts_of_task
from notifications.models import Engine, Event, EventType, RouteCondition
from notifications.routing.conditions import holds
from notifications.types import InboundEvent, Json, lookup, object_in, text_in
from notifications.wording.formats import as_instant
from notifications.wording.known_paths import AT_ONCE, SECONDS, newest_in_time

COUNTED = 200
"""The number of newest events that the rule's conditions are tried on."""
TIMES = ("due_at", "expires_at")


@dataclass(frozen=True)
class Recent:
    """An event that came, whether it meets the conditions, and the number of paths that the rule uses and it lacks."""

    event: Event
    meets: bool
    lacking: int

    def __str__(self) -> str:
        data = self.event.data
        name = text_in(object_in(data, "task"), "name") or text_in(object_in(data, "case"), "title")
        placeholders = {"name": Truncator(name or self.event.type).chars(80), "time": short(self.event.received_at)}
        text = _("%(name)s, %(time)s") if self.meets else _("%(name)s, %(time)s (does not meet the conditions)")
        return text % placeholders


def recent(
    types: Sequence[str], engine: Engine | None, conditions: Sequence[RouteCondition], used: Collection[str]
) -> list[Recent]:
    """Return the newest events of these types (none: of any), at most COUNTED, or none if the search takes too long.
    `used`: the paths that the rule uses."""
    event_ids, until = newest_in_time(engine, set(types), COUNTED), time.monotonic() + SECONDS
    rows = Event.objects.select_related("engine").defer("plan").order_by("-id")
    events: list[Event] = []
    while event_ids and time.monotonic() < until:  # in batches: events may be large
        events += rows.filter(pk__in=event_ids[:AT_ONCE])
        del event_ids[:AT_ONCE]
    return [_recent(event, facts_of_task(None, None, event), conditions, used) for event in events]


def _recent(event: Event, facts: Json, conditions: Sequence[RouteCondition], used: Collection[str]) -> Recent:
    lacking = sum(lookup(facts, path) is None for path in used)
    return Recent(event, all(holds(each, facts) for each in conditions), lacking)


def sample_of(types: Sequence[str]) -> EventType | None:
    described = EventType.objects.exclude(sample={})
    return (described.filter(name__in=types).order_by("name").first() if types else None) or described.first()


def as_if_new(event: Event, now: datetime) -> InboundEvent:
    """Return the event as if it came now, with times as far ahead as they were. It is about a new task, because
    recipients of the old task would not be told again."""
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


def event_lines(came: Sequence[Recent]) -> Iterator[Line]:
    meant = [each for each in came if each.meets]
    if not came:
        yield Line(_("No such event was received recently."), "wait")
    elif not meant:
        text = ngettext("It does not match the %(count)d such event received recently.",
                        "It matches none of the last %(count)d such events.", len(came))  # fmt: skip
        yield Line(text % {"count": len(came)}, "wait")
    else:
        text = ngettext("It matches %(meant)d of the last %(count)d such event. The newest: %(newest)s.",
                        "It matches %(meant)d of the last %(count)d such events. The newest: %(newest)s.",
                        len(came))  # fmt: skip
        yield Line(text % {"meant": len(meant), "count": len(came), "newest": meant[0]}, "ok")
