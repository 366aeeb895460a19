"""Operations that take events, and the trace of an event."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import (
    APPROVAL_GIVEN,
    ASSIGNED,
    BOB,
    EVENT,
    MOVED_ON,
    NOTIFICATION,
    QUESTION_GIVEN,
    SITE,
)
from notifications.intake.cloudevents import BATCH_TYPE, STRUCTURED_TYPE
from notifications.types import Json

URL = f"{SITE}/api/v1/events/{EVENT}"
TAKEN: Json = {
    "id": "e-1",
    "source": "/engines/invoices",
    "type": "task.assigned",
    "status": "accepted",
    "url": URL,
}
PARTLY_TAKEN: Json = {
    "items": [
        {"id": "e-1", "status": "accepted", "url": URL},
        {
            "id": "e-2",
            "status": "rejected",
            "problem": {
                "type": "/problems/invalid_event",
                "title": "This is not a valid event",
                "status": 422,
                "detail": "/data/case/status: case.status_changed needs case.status.",
                "code": "invalid_event",
                "errors": [{"pointer": "/data/case/status", "detail": "case.status_changed needs case.status."}],
            },
        },
    ]
}
ANSWERS = {200: {**TAKEN, "status": "duplicate"}, 202: TAKEN, 207: PARTLY_TAKEN}
MEANINGS = {
    403: "`scope_missing`: the key has not the scope `events`",
    409: "`event_id_reused`: this `source` and `id` came before with other content",
    429: "`too_many_requests`: the key calls too often, or too many events of the engine wait; see Retry-After",
}
BATCH = [ASSIGNED, MOVED_ON]
OWN_JSON: Json = {"event": "task_created", "task": {"id": "T-42", "title": "Approve invoice 4711", "owner": "bob"}}
"""An example of an engine's own JSON, for its mapping."""


def called(minute: int) -> Json:
    """Return a call that told the engine of an answer."""
    started, ended = (f"2026-11-25T10:{minute:02}:00.{fraction}Z" for fraction in ("020000", "090000"))
    return {"number": 1, "started_at": started, "ended_at": ended, "status": 200, "detail": None}


TRACE: Json = {
    "id": EVENT,
    "event": {
        "id": "e-1",
        "source": "/engines/invoices",
        "type": "task.assigned",
        "subject": "T-42",
        "time": "2026-11-25T09:00:00Z",
    },
    "status": "processed",
    "received_at": "2026-11-25T09:00:00.120000Z",
    "processed_at": "2026-11-25T09:00:00.310000Z",
    "error": None,
    "routes": [{"name": "Tasks", "matched": True, "reason": "it is task.assigned"}],
    "recipients": [
        {
            **BOB,
            "route": "Tasks",
            "reason": "assignee",
            "notification": NOTIFICATION,
            "title": "Approve invoice 4711",
            "channels": [{"channel": "webpush", "to": "Firefox on Linux", "turn": 0, "state": "pending", "reason": ""}],
        }
    ],
    "unresolved": [],
    "notes": [],
    "warnings": [],
    "deliveries": [
        {
            "id": "01a21062-5410-7b9c-8e57-1a2d6f4c3b08",
            "notification": NOTIFICATION,
            "recipient": BOB,
            "channel": "webpush",
            "to": "Firefox on Linux",
            "state": "delivered",
            "reason": None,
            "created_at": "2026-11-25T09:00:00.310000Z",
            "ended_at": "2026-11-25T09:00:00.540000Z",
            "next_at": None,
            "attempts": [
                {
                    "number": 1,
                    "started_at": "2026-11-25T09:00:00.330000Z",
                    "ended_at": "2026-11-25T09:00:00.540000Z",
                    "succeeded": True,
                    "detail": None,
                }
            ],
        }
    ],
    "more": {"recipients": 0, "deliveries": 0},
    "answers": [{**QUESTION_GIVEN, "engine_calls": [called(0)]}, {**APPROVAL_GIVEN, "engine_calls": [called(30)]}],
}

EVENTS = Tag(
    "Events",
    "Engines say what happened, as CloudEvents, and see what became of it.",
    {
        "send_event": Operation(
            "Send an event or a batch",
            request=ASSIGNED,
            requests={BATCH_TYPE: BATCH},
            responses=ANSWERS,
            meanings=MEANINGS,
        ),
        "send_event_of_engine": Operation(
            "Send an event by signature, or in the engine's own JSON",
            requests={STRUCTURED_TYPE: ASSIGNED, "application/json": OWN_JSON, BATCH_TYPE: BATCH},
            responses=ANSWERS,
            meanings=MEANINGS | {404: "`not_found`: the key belongs to another engine"},
        ),
        "event_trace": Operation("Trace an event", response=TRACE),
    },
)
