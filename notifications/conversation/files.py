"""Who may see a file: its sender, and whoever sees the message or answer that it belongs to."""

from uuid import UUID

from notifications.conversation import people
from notifications.errors import NotFound
from notifications.forms import recorded
from notifications.models import Attachment, Engine, Recipient


def seen_by_person(pk: UUID, reader: Recipient) -> Attachment:
    """Raises NotFound, also for files that the reader may not see.

    What somebody has sent themselves they see until they lose the task; a file that nothing uses yet, always.
    """
    attachment = _read_attachment(pk)
    message, response = attachment.message, attachment.response
    if message is not None and people.seen_by(message.task, reader).filter(pk=message.pk).exists():
        return attachment
    if response is not None and _sees_answer(attachment, reader):
        return attachment
    if not attachment.is_used and attachment.uploader_id == reader.pk:
        return attachment
    raise _unknown()


def _sees_answer(attachment: Attachment, reader: Recipient) -> bool:
    """Customers see what they have answered themselves. Nobody sees what is sensitive, once it is given."""
    assert attachment.response is not None  # the caller has looked
    if str(attachment.pk) not in recorded.files_of(attachment.response.values):
        return False
    sees = people.sees(attachment.response.task, reader)
    return sees == "all" or (sees == "questions" and attachment.uploader_id == reader.pk)


def seen_by_engine(pk: UUID, engine: Engine) -> Attachment:
    """Files about its own tasks, and what it has sent itself. Raises NotFound."""
    attachment = _read_attachment(pk)
    used = attachment.message or attachment.response
    if attachment.engine_id == engine.pk or (used is not None and used.task.engine_id == engine.pk):
        return attachment
    raise _unknown()


def _read_attachment(pk: UUID) -> Attachment:
    """Raises NotFound."""
    rows = Attachment.objects.select_related("message__task", "response__task")
    attachment = rows.filter(pk=pk).first()
    if attachment is None:
        raise _unknown()
    return attachment


def _unknown() -> NotFound:
    return NotFound("There is no such file, or none that is yours to see.")
