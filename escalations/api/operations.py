"""The texts of /api/docs about simulations; those about other operations are in notifications/api/operations/."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import ASSIGNED
from notifications.types import Json

LATE: Json = {
    "at": "2026-11-25T16:00:00Z",
    "step": 1,
    "number": 0,
    "kind": "notify",
    "result": "done",
    "why": "",
    "told": [
        {
            "ref": "carol",
            "name": "Carol",
            "reason": "manager of Bob",
            "title": "Approve invoice 4711",
            "channels": [{"channel": "live", "to": "", "turn": 0, "state": "delivered", "reason": ""}],
        }
    ],
}
SIMULATION: Json = {
    "now": "2026-11-25T09:00:00Z",
    "task": "Approve invoice 4711",
    "policy": "Approvals",
    "why": "Approvals: it fits every task",
    "policies": [],
    "state": "running",
    "started_at": "2026-11-25T09:00:00Z",
    "due_at": "2026-11-25T16:00:00Z",
    "rows": [LATE],
    "ends_early": False,
    "recipients": [
        {
            "ref": "bob",
            "name": "Bob",
            "route": "Tasks",
            "reason": "assignee",
            "title": "Approve invoice 4711",
            "channels": [{"channel": "live", "to": "", "turn": 0, "state": "delivered", "reason": ""}],
        }
    ],
}
TAG = Tag(
    "Simulation",
    "What would happen to a task if nobody acted; nothing is stored or sent.",
    {
        "simulate": Operation(
            "Simulate who would be told when",
            request={"event": ASSIGNED, "engine": "invoices", "now": "2026-11-25T09:00:00Z"},
            response=SIMULATION,
            meanings={
                403: "`not_allowed`: not an operator who is signed in at the desk; `scope_missing` or `csrf_failed`",
                422: "`invalid`, or `invalid_event` for the event that is given; `errors` says where",
            },
        )
    },
)
