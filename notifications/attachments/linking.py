"""Assigns stored files to the message or answer that names them: each file to one, and only the sender's own."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from notifications.attachments.storage import Sender
from notifications.errors import Invalid
from notifications.models import Attachment, Response, TaskMessage


def claim(
    ids: Sequence[UUID], sender: Sender, pointer: str = "/attachments", *, used: Collection[UUID] = ()
) -> list[Attachment]:
    """Lock and return the sender's files with these ids, in the order of `ids`, in the transaction that uses them.

    `used`: files that the transaction will use for something else. Raises Invalid for files that are missing, belong
    to another sender, or are used already.
    """
    keys = list(dict.fromkeys(ids))
    if not keys:
        return []
    if len(keys) > settings.ATTACHMENTS_A_MESSAGE:
        detail = _("At most %(most)s files can be sent at once. Leave some out.")
        detail %= {"most": settings.ATTACHMENTS_A_MESSAGE}
        raise Invalid(detail, [{"pointer": pointer, "detail": detail}])
    rows = Attachment.objects.select_for_update(of=("self",)).select_related("response").filter(pk__in=keys)
    free = [row for row in rows.order_by("pk") if sender.sent(row) and _is_free(row) and row.pk not in used]
    by_key = {row.pk: row for row in free}
    faults = [{"pointer": f"{pointer}/{at}", "detail": gone()} for at, pk in enumerate(keys) if pk not in by_key]
    if faults:
        raise Invalid(gone(), faults)
    return [by_key[pk] for pk in keys]


def gone() -> str:
    """Return the sentence for a file that cannot be sent."""
    return _("This file is not there any more, or was sent already. Choose it again.")


def are_same(sent: Sequence[Attachment], ids: Sequence[UUID]) -> bool:
    """Return whether these ids are the sent files, or copies of them: a form without JavaScript that is sent twice
    uploads its files twice."""
    if {each.pk for each in sent} == set(ids):
        return True
    if len(sent) != len(set(ids)):
        return False
    owner = {"uploader": sent[0].uploader_id, "engine": sent[0].engine_id}
    again = Attachment.objects.filter(pk__in=ids, **owner)
    return sorted((each.sha256, each.name) for each in sent) == sorted(again.values_list("sha256", "name"))


def _is_free(attachment: Attachment) -> bool:
    """Return whether a file is unused. An answer that was taken back, or that the engine refused, does not count."""
    response = attachment.response
    return not attachment.is_used or (response is not None and not response.counts)


def use(attachments: Iterable[Attachment], by: TaskMessage | Response) -> None:
    """Assign the files to a message or answer."""
    rows = list(attachments)
    if not rows:
        return
    for place, attachment in enumerate(rows):
        attachment.place = place
        if isinstance(by, TaskMessage):
            attachment.message = by
        else:
            attachment.response = by
    Attachment.objects.bulk_update(rows, ["place", "message", "response"])
