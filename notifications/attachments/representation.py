"""Files in the API, on pages and for engines, and their bytes."""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat

from notifications.attachments.kinds import PICTURES
from notifications.models import MOST_TEXT, Attachment, AttachmentPiece
from notifications.types import Json
from notifications.wording.plaintext import cut


def path_of(attachment: Attachment) -> str:
    return f"/api/v1/attachments/{attachment.pk}"


def attachment_json(attachment: Attachment) -> Json:
    return {
        "id": str(attachment.pk),
        "name": attachment.name,
        "type": attachment.type,
        "size": attachment.size,
        "url": f"{settings.BASE_URL}{path_of(attachment)}",
    }


def size_said(size: int) -> str:
    """Return a number of bytes in words, in the active language."""
    return filesizeformat(size).replace("\xa0", " ")


def is_picture(attachment: Attachment) -> bool:
    return attachment.type in PICTURES


def is_image(attachment: Attachment) -> bool:
    """Return whether the file is an image, perhaps of a kind that not all browsers render."""
    return attachment.type.startswith("image/")


def names_of(attachments: Iterable[Attachment]) -> str:
    """Return the names of the files, the quotation of a message without text."""
    return ", ".join(attachment.name for attachment in attachments)


def said_with(text: str, attachments: Iterable[Attachment]) -> str:
    """Return the text of a message; the names of its files if it has none."""
    return text or cut(names_of(attachments), MOST_TEXT)


def content_of(attachment: Attachment) -> Iterator[bytes]:
    """Yield the bytes of a file. Each piece is read on demand: no cursor stays open meanwhile."""
    pieces: QuerySet[AttachmentPiece] = AttachmentPiece.objects.filter(attachment=attachment)
    number = 0
    while (piece := pieces.filter(number=number).first()) is not None:
        yield bytes(piece.content)
        number += 1
