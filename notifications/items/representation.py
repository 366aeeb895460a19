"""Notifications, answers and traces as the API, live frames and pages show them: docs/api/inbox.md."""

import json
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from notifications import reasons
from notifications.forms import recorded_values
from notifications.forms.fields import form_of
from notifications.forms.rendering import form_json
from notifications.items.plans import routes_of
from notifications.items.revoked_items import is_taken
from notifications.items.undo_window import is_held
from notifications.models import (
    Brand,
    Callback,
    Case,
    Category,
    Delivery,
    Engine,
    Event,
    Notification,
    NotificationState,
    Recipient,
    Response,
    Task,
    TaskState,
)
from notifications.types import Json
from notifications.wording import names
from notifications.wording.key_facts import facts_of
from notifications.wording.languages import read_in
from wfpush.net import trace_context
from wfpush.observability import tracing
from wfpush.postgres import keys, prefetch

Value = TypeVar("Value")

SHOWN_ACTION = ("action", "title", "comment", "effect", "values", "signature")


def iso_utc(value: datetime | None) -> str | None:
    """Return the time in UTC, ISO 8601, with Z."""
    return value.isoformat().replace("+00:00", "Z") if value is not None else None


def task_event(id: UUID, type: str, task: Task, at: datetime, data: Json) -> str:
    """Return the CloudEvent to an engine about its task: docs/api/callbacks.md. It is stored once, so that every retry
    is byte-identical. It continues the trace of the current span, or of the event that assigned the task."""
    assigned = task.assigned_event
    trace = tracing.current() or trace_context.attribute(assigned.extensions if assigned is not None else {})
    event: Json = {
        "specversion": "1.0",
        "id": str(id),
        "source": "wfpush",
        "type": type,
        "subject": task.task_id,
        "time": iso_utc(at),
        "datacontenttype": "application/json",
        **trace,
        "data": {"task_id": task.task_id, "case_id": task.case.case_id if task.case else None, **data},
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def tells_of(outcome: Json | None, response: Response) -> bool:
    """Return whether a task's outcome comes from this answer, not from a later one. Names may have changed."""
    if outcome is None:
        return False
    by = (outcome.get("by") or {}).get("ref")
    identity = (outcome.get("action"), by, outcome.get("at"))
    return identity == (response.action, response.recipient.ref, iso_utc(response.at))


class SharedParts:
    """A cache of the parts that copies of one message share, by the identity of the source object."""

    def __init__(self) -> None:
        self._made: dict[tuple[Hashable, ...], tuple[object, Any]] = {}

    def once(self, make: Callable[[], Value], source: object, *key: Hashable) -> Value:
        """Return the result of `make` for `source` and `key`; it is made once."""
        name = (id(source), *key)
        if name not in self._made:
            self._made[name] = (source, make())  # kept, so that its id stays its own
        made: Value = self._made[name][1]
        return made


# --- notifications --------------------------------------------------------------------------------
def notification_queryset() -> QuerySet[Notification]:
    """Return notifications with the related rows that their representation needs."""
    return prefetch.WithRelated.of(Notification.objects.all(), _read_related)


def _read_related(rows: Sequence[Notification]) -> None:
    for row in rows:
        if is_taken(row):
            row.case = None  # people whose task was taken away must not see how the case goes on
    cases = prefetch.read(Case, "case", rows)
    tasks = prefetch.read(Task, "task", rows)
    prefetch.read(Engine, "engine", [*cases, *tasks])
    prefetch.read(Category, "category", rows)
    people = prefetch.read(Recipient, "recipient", rows)
    prefetch.read(Recipient, "on_behalf_of", rows, already_read=people)
    prefetch.read(Brand, "brand", [*people, *rows])


def notification_json(notification: Notification, common: SharedParts | None = None) -> Json:
    """Return one copy for its person, with actions, form and key facts in their language."""
    task = notification.task
    details = notification.details
    language = notification.recipient.locale
    common = common or SharedParts()
    return {
        "id": str(notification.pk),
        "seq": notification.seq,
        "revision": notification.revision or None,
        "revised_at": iso_utc(notification.revised_at),
        "title": notification.title,
        "body": notification.body,
        "category": notification.category.slug,
        "priority": notification.priority,
        "state": notification.state,
        "due_at": iso_utc(notification.due_at),
        "url": notification.url or None,
        "task": task_part(task) if task else None,
        "case": case_json(notification),
        "actions": common.once(
            lambda: actions_json(notification), notification.actions, "actions", notification.state, language
        ),
        "form": common.once(lambda: _form(notification, language), task.data, "form", notification.state, language)
        if task
        else None,
        "info": info_json(task.info, notification.recipient) if task and sees_questions(notification) else [],
        "key_facts": common.once(
            lambda: [fact.as_json() for fact in facts_of(notification)],
            details,
            "key_facts",
            notification.recipient.timezone,
            language,
        ),
        "location": details.get("location"),
        "customer": details.get("customer"),
        "documents": details.get("documents") or [],
        "brand": brand_json(notification.brand or notification.recipient.brand),
        "reason": None if names.hides_staff(notification.recipient) else notification.reason or None,
        "on_behalf_of": notification.on_behalf_of.as_person() if notification.on_behalf_of else None,
        "escalated": notification.escalated,
        "escalated_to": escalated_to(notification),
        "read_at": iso_utc(notification.read_at),
        "snoozed_until": iso_utc(notification.snoozed_until),
        "back_at": iso_utc(notification.back_at),
        "created_at": iso_utc(notification.created_at),
        "updated_at": iso_utc(notification.updated_at),
        "outcome": reasons.in_text(names.seen_by(notification.outcome, notification.recipient)),
    }


def info_json(info: list[Json], reader: Recipient) -> list[Json]:
    """Return questions and supplied information. Customers see those of the engine and their own only."""
    if not reader.external:
        return info
    visible = [entry for entry in info if (entry.get("by") or {}).get("ref", reader.ref) == reader.ref]
    return [names.seen_by(entry, reader) or {} for entry in visible]


def escalated_to(notification: Notification) -> list[Json]:
    """Return the people who were notified because the task ran late. Only colleagues see them."""
    task = notification.task
    sees = task is not None and not notification.recipient.external and sees_questions(notification)
    return task.escalated if task is not None and sees else []


def sees_questions(notification: Notification) -> bool:
    """Return whether the reader sees questions and replies: only the task's people do, not followers, customers, or
    people who were taken off it."""
    if notification.state == NotificationState.INFO:
        return notification.is_copy
    return notification.state != NotificationState.WITHDRAWN


def actions_json(notification: Notification) -> list[Json]:
    """Return the actions of an open copy; none of others."""
    if notification.state != NotificationState.OPEN:
        return []
    offered = [read_in(action, notification.recipient.locale).as_json() for action in notification.actions]
    return [{name: action[name] for name in SHOWN_ACTION if name in action} for action in offered]


def _form(notification: Notification, language: str) -> Json | None:
    """Return the form of an open copy whose task has one."""
    task = notification.task
    if task is None or notification.state != NotificationState.OPEN or not notification.actions:
        return None
    form = form_of(task.data)
    return form_json(form, language) if form is not None else None


def case_json(notification: Notification) -> Json | None:
    case = notification.case
    if case is None:
        return None
    return {
        "id": case.case_id,
        "title": case.title,
        "type": case.type or None,
        "status": case.status or None,
        "url": case.url or None,
    }


def brand_json(brand: Brand | None) -> Json | None:
    if brand is None:
        return None
    return {"slug": brand.slug, "name": brand.name, "logo_url": brand.logo_url or None, "accent": brand.accent}


def unread_count(recipient: Recipient) -> int:
    """Return the number of items without `read_at`, in any state."""
    return Notification.objects.filter(recipient=recipient, read_at=None).count()


def unread_counts(recipient_ids: list[int]) -> dict[int, int]:
    of_people = keys.among(Recipient, recipient_ids, "recipient_id")
    unread = Notification.objects.filter(of_people, read_at=None).order_by()
    return dict(unread.values_list("recipient_id").annotate(Count("pk")))


# --- answers --------------------------------------------------------------------------------------
def response_json(response: Response) -> Json:
    members = {
        "id": str(response.pk),
        "action": response.action,
        "comment": response.comment,
        "by": response.recipient.as_person(),
        "at": iso_utc(response.at),
        "via": response.via,
        "assurance": response.assurance or None,
        "engine": response.callback.state,
    }
    if not response.recipient.external:  # who knows only the brand
        members["system"] = response.callback.engine.name
    return {**members, "values": recorded_values.public_values(response.values)} if response.values else members


def task_json(task: Task) -> Json:
    """Return the task as engines see it, without a final answer that may still be taken back."""
    now = timezone.now()
    answers = task.responses.select_related("recipient", "callback").order_by("callback__position")
    sent_answers = [answer for answer in answers if not is_held(answer.callback, now)]
    held = len(sent_answers) < len(answers) and task.state == TaskState.ANSWERED
    state = task.states_before[0] if held and task.states_before else task.state
    return {
        **task_part(task),
        "state": state,
        "answers": [_with_values(answer, recorded_values.values_of(answer.values)) for answer in sent_answers],
    }


def task_part(task: Task) -> Json:
    """Return what notifications and the task's own API both show of a task."""
    return {"id": task.task_id, "state": task.state, "kind": task.kind or None}


def _with_values(response: Response, values: Json) -> Json:
    return {**answer_json(response), **({"values": values} if values else {})}


def answer_json(response: Response) -> Json:
    callback = response.callback
    return {
        "id": str(response.pk),
        "action": response.action,
        "by": response.recipient.as_person(),
        "at": iso_utc(response.at),
        "assurance": response.assurance or None,
        "callback": {
            "state": callback.state,
            "attempts": callback.attempts,
            "last_status": callback.last_status,
            "next_at": iso_utc(callback.due_at),
        },
    }


MOST_DELIVERIES = 5_000
"""Maximum number of deliveries that a trace lists; further ones are counted."""


# --- the trace ------------------------------------------------------------------------------------
def event_trace_json(event: Event) -> Json:
    """Return the trace of one event from arrival to the engine's confirmation, with the reason for each decision."""
    sent = event.deliveries.select_related("recipient").prefetch_related("attempt_log").order_by("pk")
    deliveries = list(sent[:MOST_DELIVERIES])
    further = event.deliveries.count() - MOST_DELIVERIES if len(deliveries) == MOST_DELIVERIES else 0
    answers = answers_with_calls().filter(task__isnull=False, task=event.task_id).order_by("callback__position")
    return {
        "id": str(event.pk),
        "event": {
            "id": event.event_id,
            "source": event.source,
            "type": event.type,
            "subject": event.subject or None,
            "time": iso_utc(event.time),
        },
        "status": event.status,
        "received_at": iso_utc(event.received_at),
        "processed_at": iso_utc(event.processed_at),
        "error": event.error or None,
        "routes": reasons.in_text(routes_of(event.plan)),
        "recipients": reasons.in_text(event.plan.get("recipients", [])),
        "unresolved": reasons.in_text(event.plan.get("unresolved", [])),
        "notes": [str(note) for note in reasons.read_list(event.plan, "notes")],
        "warnings": [str(warning) for warning in reasons.read_list(event.plan, "warnings")],
        "deliveries": [delivery_json(delivery) for delivery in deliveries],
        "more": {"recipients": int(event.plan.get("more", 0)), "deliveries": further},
        "answers": [
            _with_values(answer, recorded_values.public_values(answer.values))
            | {"engine_calls": engine_calls(answer.callback)}
            for answer in answers
        ],
    }


def answers_with_calls() -> QuerySet[Response]:
    """Return answers with the related rows of a trace: the person, the message, and each call of the engine."""
    answers = Response.objects.select_related("recipient", "callback__engine", "delivery", "task")
    return answers.prefetch_related("callback__attempt_log")


def delivery_json(delivery: Delivery) -> Json:
    attempts: list[Any] = [
        {
            "number": attempt.number,
            "started_at": iso_utc(attempt.started_at),
            "ended_at": iso_utc(attempt.ended_at),
            "succeeded": attempt.succeeded,
            "detail": attempt.detail or None,
        }
        for attempt in delivery.attempt_log.all()
    ]
    return {
        "id": str(delivery.pk),
        "notification": str(delivery.notification_id),
        "recipient": delivery.recipient.as_person(),
        "channel": delivery.channel,
        "to": delivery.to or None,
        "state": delivery.state,
        "reason": delivery.reason or None,
        "created_at": iso_utc(delivery.created_at),
        "ended_at": iso_utc(delivery.ended_at),
        "next_at": iso_utc(delivery.due_at),
        "attempts": attempts,
    }


def engine_calls(callback: Callback) -> list[Json]:
    return [
        {
            "number": call.number,
            "started_at": iso_utc(call.started_at),
            "ended_at": iso_utc(call.ended_at),
            "status": call.status,
            "detail": call.detail or None,
        }
        for call in callback.attempt_log.all()
    ]
