"""The event types with behaviour of their own, the members of their data, and a sample of each.

Sensitive variables are not shown on lock screens: personal data of customers and their addresses, and free text.
Amounts are not sensitive: approvals are decided by them, and can be answered on the lock screen. Where they are
confidential, administrators can mark them.
"""

from dataclasses import dataclass

from notifications.starter.samples import SAMPLES
from notifications.types import Json


@dataclass(frozen=True)
class VariableSeed:
    """A member of an event's data. `sensitive`: personal data and free text; not shown on lock screens."""

    path: str
    label: str
    sensitive: bool = False


@dataclass(frozen=True)
class EventTypeSeed:
    name: str
    description: str
    variables: tuple[VariableSeed, ...]
    sample: Json


_CASE = (
    VariableSeed("case.id", "Case number"),
    VariableSeed("case.title", "Case title"),
    VariableSeed("case.type", "Kind of case"),
    VariableSeed("case.status", "Case status"),
    VariableSeed("case.url", "Link to the case"),
)
_TASK = (
    VariableSeed("task.id", "Task number"),
    VariableSeed("task.name", "Task name"),
    VariableSeed("task.description", "Task description", sensitive=True),
    VariableSeed("task.kind", "Kind of task: approval, review, exception, field"),
    VariableSeed("task.assignee", "Assignee"),
    VariableSeed("task.initiator", "Who asked for it"),
    VariableSeed("task.due_at", "Due"),
    VariableSeed("task.expires_at", "Takes no answers after"),
    VariableSeed("task.priority", "Priority: low, normal, high, urgent"),
    VariableSeed("task.url", "Link to the task"),
)
_CUSTOMER = (
    VariableSeed("customer.ref", "Customer number"),
    VariableSeed("customer.name", "Customer name", sensitive=True),
    VariableSeed("customer.phone", "Customer phone", sensitive=True),
    VariableSeed("customer.email", "Customer e-mail address", sensitive=True),
)
_PLACE = (
    VariableSeed("location.address", "Address", sensitive=True),
    VariableSeed("location.lat", "Latitude", sensitive=True),
    VariableSeed("location.lon", "Longitude", sensitive=True),
    VariableSeed("documents", "Documents"),
)
_MONEY = (VariableSeed("variables.amount", "Amount"), VariableSeed("variables.currency", "Currency"))
_BOUGHT = (
    VariableSeed("variables.supplier", "Supplier"),
    VariableSeed("variables.vendor", "Vendor"),
    VariableSeed("variables.period", "Period"),
)
_EXCEPTION = (
    VariableSeed("exception.code", "Error code"),
    VariableSeed("exception.summary", "Error summary"),
    VariableSeed("exception.severity", "Severity: warning, error, critical"),
    VariableSeed("exception.recommended_action", "Recommended next step"),
)
_MESSAGE = (VariableSeed("message", "A sentence for the reader", sensitive=True),)
_INFO = (VariableSeed("info", "Question or answer", sensitive=True),)
_RESULT = (
    VariableSeed("result.action", "Action taken in the engine"),
    VariableSeed("result.by", "Who took it"),
    VariableSeed("result.at", "When it was taken"),
)
_ESCALATION = (
    VariableSeed("escalation.policy", "SLA policy"),
    VariableSeed("escalation.step", "Number of the step"),
    VariableSeed("escalation.number", "How often it was repeated"),
    VariableSeed("escalation.due_at", "Due by the policy"),
    VariableSeed("escalation.overdue", "Whether that is over"),
    VariableSeed("escalation.assignee", "Whom it waits for"),
)
_FULL_TASK = (*_TASK, *_CASE, *_CUSTOMER, *_PLACE, *_MONEY, *_BOUGHT, *_EXCEPTION)

_KINDS: tuple[tuple[str, str, tuple[VariableSeed, ...]], ...] = (
    ("task.assigned", "A person's task is ready, or now waits for somebody else.", _FULL_TASK),
    ("task.updated", "Something about a task changed: its due date, priority or text.", _FULL_TASK),
    ("task.info_supplied", "The information somebody asked for is there.", (*_FULL_TASK, *_INFO)),
    ("task.info_requested", "Somebody asks for information about a task. Sent by wfpush itself.",
     (*_FULL_TASK, *_INFO, VariableSeed("asked_by.name", "Who asks"))),
    ("task.message", "Somebody asks, replies or comments. wfpush sends it itself, and engines may.",
     (VariableSeed("task.id", "Task number"), VariableSeed("message.text", "Message", sensitive=True),
      VariableSeed("message.by.name", "Who wrote it"))),
    ("task.completed", "A task was completed in the engine.", (*_FULL_TASK, *_RESULT)),
    ("task.cancelled", "A task was cancelled in the engine.", _FULL_TASK),
    ("task.escalated", "The engine says that a task has waited too long.", _FULL_TASK),
    ("task.escalation_raised", "A task waits too long: a step of its SLA policy. Sent by wfpush itself.",
     (*_FULL_TASK, *_ESCALATION)),
    ("case.status_changed", "A case reached a milestone.", (*_CASE, *_CUSTOMER, *_MONEY, *_MESSAGE)),
    ("request.status_changed", "A customer's request moved on.", (*_CASE, *_CUSTOMER, *_MONEY, *_MESSAGE)),
    ("exception.raised", "Missing data, failed validation, a breach of policy, or an integration error.",
     (*_EXCEPTION, *_CASE, *_TASK, *_MONEY)),
    ("exception.resolved", "The exception is solved.", (*_EXCEPTION, *_CASE, *_TASK, *_MONEY)),
)  # fmt: skip

EVENT_TYPES = tuple(EventTypeSeed(name, text, variables, SAMPLES[name]) for name, text, variables in _KINDS)
