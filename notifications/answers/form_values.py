"""The values of an answer to its task's form, as they are recorded: with their files, which are locked."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from notifications.answers.decision import Decision
from notifications.attachments.kinds import TEXT
from notifications.attachments.linking import claim
from notifications.attachments.representation import attachment_json, is_image
from notifications.attachments.storage import Sender
from notifications.errors import Invalid
from notifications.forms import recorded_values
from notifications.forms.faults import Fault
from notifications.forms.fields import Field
from notifications.forms.refusal import refuse
from notifications.models import Attachment
from notifications.types import Json
from notifications.wording import sensitive


def claim_files(decision: Decision, used: Collection[UUID]) -> dict[str, list[Attachment]]:
    """Return the files that the values name, locked, by field. `used`: files that this transaction uses already. Raises
    InvalidValues."""
    form, values = decision.form, decision.answer.values
    fields = [field for field in form or () if field.has_files and field.name in values]
    return {field.name: _claim(field, values[field.name], Sender(person=decision.person), used) for field in fields}


def _claim(field: Field, ids: list[str], sender: Sender, used: Collection[UUID]) -> list[Attachment]:
    try:
        attachments = claim([UUID(each) for each in ids], sender, used=used)
    except Invalid:
        attachments = []
        refuse([Fault(field, "files_gone")])
    written = field.kind == "signature" and [each.type for each in attachments] == [TEXT]  # a name, without scripts
    if field.kind != "files" and not written and not all(is_image(each) for each in attachments):
        refuse([Fault(field, "no_picture")])
    return attachments


def entries(decision: Decision, files: Mapping[str, Sequence[Attachment]]) -> list[Json]:
    """Return the values as they are stored, marked if they are sensitive now. Files are described."""
    task, form, values = decision.task, decision.form, decision.answer.values
    if form is None or not values:
        return []
    event = task.assigned_event
    values = values | {name: [attachment_json(each) for each in uploads] for name, uploads in files.items()}
    return recorded_values.entries_of(form, values, sensitive.paths_of(event, task) if event is not None else ())
