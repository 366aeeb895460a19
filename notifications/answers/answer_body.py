"""The CloudEvent that tells an engine an answer: docs/api/callbacks.md, "Answers to the engine"."""

from collections.abc import Iterable

from notifications.answers.answer_variables import fill_in, template_context
from notifications.answers.proofs import Proof
from notifications.attachments.representation import attachment_json
from notifications.forms import recorded_values
from notifications.items.representation import iso_utc, task_event
from notifications.models import AnswerMapping, Attachment, Notification, Response, Task
from notifications.models.validators import without_reserved
from notifications.types import Json
from wfpush.postgres.revision import Compiled

OUTCOMES = {
    "approve": "approved",
    "reject": "rejected",
    "acknowledge": "acknowledged",
    "request_info": "info_requested",
}
"""The names of well-known actions in the engine, unless its mapping has others."""


def task_responded(
    response: Response,
    task: Task,
    notification: Notification,
    files: Iterable[Attachment] = (),
    revised_by: Json | None = None,
    proof: Proof | None = None,
) -> str:
    """Return the body that is stored and sent. `revised_by`: id and source of the event that the answered content came
    from. `proof`: what proves who gave the answer.

    A variable that the mapping sets is never the person's, even if it could not be filled in. Values of the task's form
    are variables of their fields' names.
    """
    mappings, key = _MAPPINGS.get(), (task.engine_id, response.action)
    mapping = mappings.get((*key, task.kind)) or mappings.get((*key, ""))
    outcome = (mapping.outcome if mapping else "") or OUTCOMES.get(response.action, response.action)
    written = without_reserved((), mapping.variables) if mapping else {}
    filled, types = fill_in(written, template_context(response, task, outcome)) if written else ({}, {})
    by_form = recorded_values.values_of(response.values) if response.values else {}
    from_person = without_reserved(written, {**response.variables, **by_form})
    form_types = recorded_values.types_of(response.values) if by_form else {}
    types = {name: type for name, type in form_types.items() if name in from_person} | types
    sent, assigned = [attachment_json(each) for each in files], task.assigned_event
    data: Json = {
        "action": response.action,
        "outcome": outcome,
        "comment": response.comment,
        "variables": {**from_person, **filled},
        **({"types": types} if types else {}),
        **({"attachments": sent} if sent else {}),
        **({"asked": response.asked.as_person()} if response.asked is not None else {}),
        "responded_by": response.recipient.as_person(),
        "responded_at": iso_utc(response.at),
        "via": response.via,
        "assurance": response.assurance or None,
        **({"signature": proof.for_engine()} if proof is not None else {}),
        "event": {"id": assigned.event_id, "source": assigned.source} if assigned is not None else None,
        "revision": response.revision or None,
        "revised_by": revised_by,
        "notification_id": str(notification.pk),
    }
    return task_event(response.pk, "task.responded", task, response.at, data)


_MAPPINGS = Compiled(
    lambda: {(mapping.engine_id, mapping.action, mapping.task_kind): mapping for mapping in AnswerMapping.objects.all()}
)
"""Answer mappings by engine, action and kind of task; one for the kind goes before one for all kinds."""
