"""The state of an engine's first event: whether it came, or why a call was refused."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications.admin.desk.display import change_url, short
from notifications.engines import health
from notifications.intake import last_call
from notifications.intake.last_call import ENDED_KEY, OTHER_KEY, UNKNOWN_KEY, LastCall
from notifications.models import Engine, Event, Poll
from notifications.types import object_in


@dataclass(frozen=True)
class Refusal:
    at: datetime
    says: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Light:
    """`event`: the engine's newest event. `refused`: a call refused after that event. `lacking`: why none can come."""

    event: Event | None
    refused: Refusal | None
    lacking: Sequence[str]

    @property
    def is_green(self) -> bool:
        return self.event is not None and self.refused is None

    @property
    def task(self) -> str:
        """The name of the event's task; empty if the event has none."""
        task = object_in(self.event.data, "task") if self.event is not None else {}
        return str(task.get("name") or task.get("id") or "")

    @property
    def address(self) -> str:
        return change_url(self.event) if self.event is not None else ""


def light_of(engine: Engine) -> Light:
    event = Event.objects.filter(engine=engine).select_related("engine").order_by("-id").first()
    call = last_call.last_of(engine)
    refused = None
    if call is not None and call.refused and (event is None or call.at > event.received_at):
        refused = Refusal(call.at, _refusal_sentence(call), call.sentences)
    return Light(event, refused, [] if event is not None else list(_obstacles(engine)))


@dataclass(frozen=True)
class LastBody:
    at: datetime
    body: str


def received_of(engine: Engine) -> LastBody | None:
    """Return the last JSON from the engine, or None. Calls are stored while somebody watches; CloudEvents are always
    stored."""
    call, event = last_call.last_of(engine), Event.objects.filter(engine=engine).order_by("-id").first()
    if call is not None and call.body and (event is None or call.at >= event.received_at):
        return LastBody(call.at, call.body)
    if event is None or engine.event_mappings.exists():  # the mapping's result is not the engine's JSON
        return None
    return LastBody(event.received_at, json.dumps(_as_cloudevent(event), ensure_ascii=False, indent=1))


def _as_cloudevent(event: Event) -> dict[str, Any]:
    cloudevent = {"specversion": "1.0", "id": event.event_id, "source": event.source, "type": event.type}
    optional = {"subject": event.subject, "time": event.time and event.time.isoformat()}
    return {**cloudevent, **{name: value for name, value in optional.items() if value}, "data": event.data}


def _refusal_sentence(call: LastCall) -> str:
    return {
        UNKNOWN_KEY: _("A call had the wrong key or signature: 401."),
        ENDED_KEY: _("Its key has ended, or the engine is switched off: 401."),
        OTHER_KEY: _("A call had the key of another engine: 404."),
        "": _("An event was refused: %(status)s.") % {"status": call.status},
    }[call.fault]


def has_key(engine: Engine) -> bool:
    usable = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return engine.api_keys.filter(usable, revoked_at=None).exists()


def _obstacles(engine: Engine) -> Iterator[str]:
    """Yield why no event can come."""
    [state] = health.health_of([engine], timezone.now()).values()
    yield from (fault.sentence(short) for fault in state.faults if fault.code in (health.OFF, health.NOT_POLLED))
    if not Poll.objects.filter(engine=engine, enabled=True).exists() and not has_key(engine):
        yield _("It has no valid key yet, and is not polled.")
