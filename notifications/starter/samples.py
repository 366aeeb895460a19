"""One realistic event of each type, for previews and dry runs, about the people of the demo: Alice, Bob and Carol."""

from notifications.types import Json

_INVOICE: Json = {
    "id": "4711", "title": "Invoice 4711", "type": "invoice", "status": "under_review",
    "url": "https://engine.example/cases/4711",
}  # fmt: skip
_APPROVAL: Json = {
    "id": "T-42", "name": "Approve invoice 4711", "kind": "approval",
    "description": "Office furniture for the new floor, as agreed in October.",
    "assignee": "bob", "initiator": "alice", "due_at": "2026-11-25T16:00:00Z", "priority": "high",
    "url": "https://engine.example/tasks/42", "actions": ["acknowledge", "approve", "reject", "request_info"],
}  # fmt: skip
_AMOUNT: Json = {"amount": 1200.5, "currency": "EUR", "supplier": "Acme GmbH"}
_NO_ORDER: Json = {
    "code": "missing_po", "summary": "The purchase order is missing", "severity": "error",
    "recommended_action": "Ask purchasing for the order number, or reject the invoice.",
}  # fmt: skip
_APPROVAL_EVENT: Json = {"task": _APPROVAL, "case": _INVOICE, "variables": _AMOUNT}
_CUSTOMER: Json = {"ref": "C-9", "name": "Erin Lindner", "phone": "+49 89 5550 1234", "email": "erin@customer.example"}

SAMPLES: dict[str, Json] = {
    "task.assigned": _APPROVAL_EVENT,
    "task.updated": {**_APPROVAL_EVENT, "task": {**_APPROVAL, "priority": "urgent"}},
    "task.info_supplied": {**_APPROVAL_EVENT, "info": "The furniture is for the third floor; the budget is 4100."},
    "task.info_requested": {
        **_APPROVAL_EVENT,
        "info": "Which floor is the furniture for?",
        "asked_by": {"ref": "bob", "name": "Bob"},
    },
    "task.message": {
        "task": {"id": _APPROVAL_EVENT["task"]["id"]},
        "message": {"text": "It is for the second floor.", "by": {"ref": "alice", "name": "Alice"}, "to": ["bob"]},
    },
    "task.completed": {
        **_APPROVAL_EVENT,
        "result": {"action": "approve", "by": {"ref": "bob", "name": "Bob"}, "at": "2026-11-25T13:02:00Z"},
    },
    "task.cancelled": _APPROVAL_EVENT,
    "task.escalated": _APPROVAL_EVENT,
    "task.escalation_raised": {
        **_APPROVAL_EVENT,
        "escalation": {
            "policy": "Approvals",
            "step": 2,
            "number": 0,
            "due_at": "2026-11-25T16:00:00Z",
            "overdue": True,
            "assignee": "Bob",
        },
    },
    "case.status_changed": {"case": _INVOICE, "recipients": ["alice"], "variables": _AMOUNT},
    "request.status_changed": {
        "case": {"id": "R-88", "title": "Broken heating", "type": "repair", "status": "received"},
        "customer": _CUSTOMER,
    },
    "exception.raised": {"exception": _NO_ORDER, "case": _INVOICE, "teams": ["finance"], "variables": _AMOUNT},
    "exception.resolved": {
        "exception": {**_NO_ORDER, "summary": "The purchase order is there: PO-2041."},
        "case": _INVOICE,
        "teams": ["finance"],
        "variables": _AMOUNT,
    },
}

FIELD_WORK: Json = {
    "task": {
        "id": "T-77", "name": "Inspect the roof", "kind": "field", "assignee": "bob", "initiator": "alice",
        "description": "Look at the north side first; the storm came from there.",
        "due_at": "2026-11-26T09:00:00Z", "actions": ["acknowledge", "complete", "request_info"],
    },
    "case": {"id": "301", "title": "Inspection 301", "type": "inspection", "status": "submitted"},
    "location": {"address": "Maximilianstraße 12, 80539 München", "lat": 48.1391, "lon": 11.5802},
    "customer": _CUSTOMER,
    "documents": [
        {"title": "Floor plan", "url": "https://engine.example/documents/1"},
        {"title": "Photos of the damage", "url": "https://engine.example/documents/2"},
    ],
}  # fmt: skip
"""A task of the kind field: another sample of task.assigned."""
