"""Operations on a person's inbox, and their answers."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import ANSWER, BOB, NOTIFICATION, TASK
from notifications.types import Json

REVISION = "kQ0cVY9bMtxbL0rYv3dJ4Yt2JH9b0m6aQ1uJ0mC7w1E"

ITEM: Json = {
    "id": NOTIFICATION,
    "seq": 17,
    "revision": REVISION,
    "revised_at": None,
    "title": "Approve invoice 4711",
    "body": "Your approval is needed: Invoice 4711.",
    "category": "approvals",
    "priority": "high",
    "state": "open",
    "due_at": "2026-11-25T16:00:00Z",
    "url": "https://engine.example/tasks/42",
    "task": TASK,
    "case": {"id": "4711", "title": "Invoice 4711", "type": None, "status": "under_review", "url": None},
    "actions": [
        {"action": "approve", "title": "Approve", "comment": "optional", "effect": "final"},
        {"action": "reject", "title": "Reject", "comment": "required", "effect": "final"},
        {"action": "request_info", "title": "Ask for information", "comment": "required", "effect": "request_info"},
    ],
    "form": None,
    "info": [],
    "key_facts": [
        {"label": "Amount", "kind": "money", "value": 1200.5, "currency": "EUR", "text": "€1,200.50"},
        {"label": "Asked by", "kind": "person", "value": "Alice", "currency": None, "text": "Alice"},
    ],
    "location": None,
    "customer": None,
    "documents": [],
    "brand": {"slug": "acme", "name": "Acme", "logo_url": None, "accent": "#0b57d0"},
    "reason": "assignee",
    "on_behalf_of": None,
    "escalated": False,
    "escalated_to": [],
    "read_at": None,
    "snoozed_until": None,
    "back_at": None,
    "created_at": "2026-11-25T09:00:00Z",
    "updated_at": "2026-11-25T09:00:00Z",
    "outcome": None,
    "language": "en",
    "direction": "auto",
    "lines": [],
    "glance": {
        "first": "€1,200.50",
        "others": "Asked by Alice",
        "number": "4711",
        "text": "Your approval is needed: Invoice 4711.",
        "origin": "Invoices · Approval",
    },
    "facts": [
        {
            "icon": "out",
            "label": "Source system",
            "parts": [{"text": "Open in Invoices", "url": "https://engine.example/tasks/42", "hint": ""}],
        }
    ],
    "ended": "",
}
APPROVAL: Json = {"action": "approve", "revision": REVISION, "comment": "Fine.", "variables": {"cost_center": "4100"}}
APPROVED: Json = {
    "id": ANSWER,
    "action": "approve",
    "comment": "Fine.",
    "by": BOB,
    "at": "2026-11-25T10:30:00Z",
    "via": "api",
    "engine": "waiting",
}
MEANINGS = {
    200: "The same answer again; no second effect",
    201: "It is recorded, and told to the engine next",
    409: "`already_answered` or `already_handled` (with by whom and when), `withdrawn`, or `changed` (with the "
    "`notification` as it is now, and `changes`: label, before, now)",
    422: "`invalid`, `invalid_answer`, `invalid_values`, `comment_required` or `idempotency_key_reused`; "
    "`errors` says where",
}
FOUR_EYES = "`not_allowed`: the action is not offered, or four eyes forbid it, and `rule` and `why` say which"

INBOX = Tag(
    "Inbox and answers",
    "What waits for a person, and how they answer it: the first final answer of a task wins.",
    {
        "notifications": Operation("List the inbox", response={"items": [ITEM], "next": None}),
        "notification": Operation("Get a notification", response=ITEM),
        "respond": Operation(
            "Answer a notification",
            request=APPROVAL,
            response=APPROVED,
            meanings=MEANINGS
            | {
                403: f"{FOUR_EYES}; `scope_missing` or `csrf_failed`",
                410: "`expired`: the task is past its time, or the `device` that kept the answer was removed",
            },
        ),
        "take_back": Operation(
            "Take a final answer back",
            meanings={409: "`too_late`: the engine has been told, or there is no final answer of the person"},
        ),
        "respond_with_token": Operation(
            "Answer with a token",
            request={
                "token": "wfa_N7cXq2LrT9vYb4KmZs8WdE1hJ6gPuQ5aFo3iRkV0Cx0",
                "action": "approve",
                "comment": "Fine.",
            },
            response=APPROVED | {"via": "email"},
            meanings=MEANINGS
            | {
                403: FOUR_EYES,
                404: "`not_found`: nobody gave out this token",
                410: "`expired`: the task, or the token; if it is the token, `ended` says why",
            },
        ),
        "read": Operation("Mark a notification as read", request={"by": "fcm"}),
        "read_up_to": Operation("Mark everything up to a change as read", request={"up_to": 17}),
        "snooze": Operation("Put a notification off", request={"until": "2026-11-25T14:00:00Z"}),
        "bring_back": Operation("Bring a notification back"),
    },
)
