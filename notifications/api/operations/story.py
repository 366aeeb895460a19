"""The story that all examples share: Alice asks, and Bob approves invoice 4711. Carol stands in for Bob. Erin, a
customer, has a broken heating."""

from notifications.types import Json

SITE = "https://wfpush.example"

ALICE = {"ref": "alice", "name": "Alice"}
BOB = {"ref": "bob", "name": "Bob"}
CAROL = {"ref": "carol", "name": "Carol"}
ERIN = {"ref": "C-9", "name": "Erin"}

EVENT = "01a21062-4c1f-7d05-8a39-0f6b2e7c5d10"
NOTIFICATION = "01a21062-53e4-7282-b2a7-c5c4818a655f"
QUESTION = "01a21064-ca8d-770e-b273-ed9f0c2adf0d"
REPLY = "01a21065-1b7e-7c11-8f0e-2f7a4c1d9e55"
ANSWER = "01a21066-0b52-7a4f-9c1d-6e3f8b2a7d44"
DEVICE = "01a2105f-7a3c-7e21-b6d8-4c9f1e5a2b30"
FILE = "0d6f1d3e-2f43-4a8e-9d0c-6f1f0a3b5c7e"

ASSIGNED: Json = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/engines/invoices",
    "type": "task.assigned",
    "subject": "T-42",
    "time": "2026-11-25T09:00:00Z",
    "data": {
        "task": {
            "id": "T-42",
            "name": "Approve invoice 4711",
            "kind": "approval",
            "assignee": "bob",
            "initiator": "alice",
            "due_at": "2026-11-25T16:00:00Z",
            "priority": "high",
            "url": "https://engine.example/tasks/42",
            "actions": ["approve", "reject", "request_info"],
            "answer_variables": ["cost_center"],
        },
        "case": {"id": "4711", "title": "Invoice 4711"},
        "variables": {"amount": 1200.5, "currency": "EUR"},
    },
}
TASK: Json = {"id": "T-42", "state": "open", "kind": "approval"}
MOVED_ON: Json = {
    "specversion": "1.0",
    "id": "e-2",
    "source": "/engines/invoices",
    "type": "case.status_changed",
    "subject": "4711",
    "time": "2026-11-25T09:00:01Z",
    "data": {"case": {"id": "4711", "title": "Invoice 4711", "status": "under_review"}},
}
"""The second event of a batch."""

SENT_FILE: Json = {
    "id": FILE,
    "name": "invoice.jpg",
    "type": "image/jpeg",
    "size": 482113,
    "url": f"{SITE}/api/v1/attachments/{FILE}",
}
"""A file, as messages list it."""

ASKED: Json = {
    "id": QUESTION,
    "number": 1,
    "kind": "question",
    "by": BOB,
    "to": [{**ALICE, "on_behalf_of": None, "state": "asked"}],
    "text": "Which cost centre?",
    "attachments": [],
    "reply_to": None,
    "at": "2026-11-25T10:00:00Z",
    "via": "api",
    "late": False,
    "engine": "waiting",
}
"""Bob's question, as he has just asked it."""

_CALL = {"state": "delivered", "attempts": 1, "last_status": 200, "next_at": None}
QUESTION_GIVEN: Json = {"id": QUESTION, "action": "request_info", "by": BOB, "at": ASKED["at"], "callback": _CALL}
APPROVAL_GIVEN: Json = {"id": ANSWER, "action": "approve", "by": BOB, "at": "2026-11-25T10:30:00Z", "callback": _CALL}
"""Both answers of Bob, delivered to the engine."""
