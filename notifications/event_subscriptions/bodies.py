"""Writes the bodies of outgoing events: CloudEvents without texts, and with no data of people but refs."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from notifications.event_subscriptions.models import OutgoingEvent, OutgoingKind
from notifications.items.representation import iso_utc
from notifications.models import Callback, CallbackState, Case, Delivery, Event, Notification, Task
from notifications.types import Json, object_in
from wfpush.net import trace_context

RETRACTED = (CallbackState.TAKEN_BACK, CallbackState.RETURNED)
"""States of answers that were taken back, or returned to their giver, before anybody was told."""


def bodies_of(rows: Sequence[OutgoingEvent]) -> dict[UUID, bytes]:
    """Return the body of each event by its key. Left out are events about rows that are gone, such as those of an
    erased person, and about answers that were taken back."""
    bodies: dict[UUID, bytes] = {}
    for kind in {row.kind for row in rows}:
        of_kind = [row for row in rows if row.kind == kind]
        subjects, body = _KINDS[kind]
        by_key = {subject.pk: subject for subject in subjects([row.subject_key for row in of_kind])}
        bodies |= {row.pk: body(row, by_key[row.subject_key]) for row in of_kind if row.subject_key in by_key}
    return bodies


def _event(row: OutgoingEvent, task: Task | None, case: Case | None, cause: Event | None, data: Json) -> bytes:
    """Return the CloudEvent. `cause`: the event from which it followed."""
    origin = cause if cause is not None and cause.source != "wfpush" else _assigned(task) or cause
    subject = task.task_id if task is not None else case.case_id if case is not None else str(row.subject_key)
    event: Json = {
        "specversion": "1.0",
        "id": str(row.pk),
        "source": settings.BASE_URL,
        "type": row.kind,
        "subject": subject,
        "time": iso_utc(row.occurred_at),
        "datacontenttype": "application/json",
        **trace_context.attribute(origin.extensions if origin is not None else {}),
        "data": {
            "engine": origin.engine.slug if origin is not None else task.engine.slug if task is not None else None,
            "task_id": task.task_id if task is not None else None,
            "case_id": case.case_id if case is not None else None,
            "event": {"id": origin.event_id, "source": origin.source} if origin is not None else None,
            **data,
        },
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _assigned(task: Task | None) -> Event | None:
    return task.assigned_event if task is not None else None


# --- messages ---------------------------------------------------------------------------------------------------------
_OF_TASK = ("engine", "case", "assigned_event__engine")


def _with_task(rows: QuerySet[Any], *paths: str) -> QuerySet[Any]:
    return rows.select_related(*paths, *(f"task__{name}" for name in _OF_TASK))


def _deliveries(keys: Iterable[UUID]) -> Iterable[Delivery]:
    of_task = (f"notification__task__{name}" for name in _OF_TASK)
    related = ("event__engine", "recipient", "notification__case", *of_task)
    return Delivery.objects.filter(pk__in=keys).select_related(*related)


def _delivery_body(row: OutgoingEvent, delivery: Delivery) -> bytes:
    item = delivery.notification
    data = {
        "notification_id": str(item.pk),
        "recipient": {"ref": delivery.recipient.ref},
        "channel": delivery.channel,
        **row.circumstances,
    }
    return _event(row, item.task, item.task.case if item.task else item.case, delivery.event, data)


def _items(keys: Iterable[UUID]) -> Iterable[Notification]:
    return _with_task(Notification.objects.filter(pk__in=keys), "event__engine", "recipient", "case")


def _read_body(row: OutgoingEvent, item: Notification) -> bytes:
    data = {"notification_id": str(item.pk), "recipient": {"ref": item.recipient.ref}, **row.circumstances}
    return _event(row, item.task, item.task.case if item.task else item.case, item.event, data)


# --- tasks ------------------------------------------------------------------------------------------------------------
def _answers(keys: Iterable[UUID]) -> Iterable[Callback]:
    return _with_task(Callback.objects.filter(pk__in=keys).exclude(state__in=RETRACTED), "response__recipient")


def _answer_body(row: OutgoingEvent, callback: Callback) -> bytes:
    response = callback.response
    assert response is not None
    data = {
        "answer_id": str(response.pk),
        "action": response.action,
        "effect": response.effect,
        "responded_by": {"ref": response.recipient.ref},
        "via": response.via,
    }
    return _event(row, callback.task, callback.task.case, None, data)


def _own_events(keys: Iterable[UUID]) -> Iterable[Event]:
    return _with_task(Event.objects.filter(pk__in=keys, task__isnull=False), "engine")


def _step_body(row: OutgoingEvent, event: Event) -> bytes:
    assert event.task is not None
    step = object_in(event.data, "escalation")
    data = {name: step.get(name) for name in ("policy", "step", "number", "due_at")}
    return _event(row, event.task, event.task.case, event, data)


def _unreachable_body(row: OutgoingEvent, event: Event) -> bytes:
    assert event.task is not None
    data = {"state": event.task.state, "escalation": None, **row.circumstances}
    return _event(row, event.task, event.task.case, event, data)


_KINDS: Mapping[str, tuple[Callable[[Iterable[UUID]], Iterable[Any]], Callable[[OutgoingEvent, Any], bytes]]] = {
    OutgoingKind.DELIVERED: (_deliveries, _delivery_body),
    OutgoingKind.UNDELIVERABLE: (_deliveries, _delivery_body),
    OutgoingKind.READ: (_items, _read_body),
    OutgoingKind.ANSWERED: (_answers, _answer_body),
    OutgoingKind.ESCALATED: (_own_events, _step_body),
    OutgoingKind.UNREACHABLE: (_own_events, _unreachable_body),
}
"""How the rows of a kind are read, and the body is written of one."""
