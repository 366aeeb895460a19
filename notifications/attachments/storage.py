"""Stores uploaded files: within the limits, by their content, and once, however often a file is sent."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from notifications.attachments.kinds import EXTENSIONS, Look
from notifications.attachments.limits import MEGABYTE, refuse_floods
from notifications.errors import IdempotencyKeyReused, Invalid, NotFound, TooLarge, UnsupportedMediaType
from notifications.models import Attachment, AttachmentPiece, Engine, Recipient
from notifications.wording.plaintext import clean_line, cut
from wfpush.identifiers import uuid7

log = structlog.get_logger(__name__)

PIECE = 256 * 1024
MOST_NAME = 120
"""Characters of a name, without an added extension."""
_FORBIDDEN = re.compile(r'[<>:"|?*]+')  # in names of files on Windows


class Source(Protocol):
    """A stream of bytes that can be read once."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Sender:
    """The sender of a file: a person or an engine."""

    person: Recipient | None = None
    engine: Engine | None = None

    def sent(self, attachment: Attachment) -> bool:
        person, engine = (each.pk if each is not None else None for each in (self.person, self.engine))
        return (attachment.uploader_id, attachment.engine_id) == (person, engine)


@dataclass(frozen=True)
class StoredFile:
    """The result of `keep`. `created` is False if the same file was stored before."""

    attachment: Attachment
    created: bool


def largest() -> int:
    """Return the most bytes that a file may have."""
    return int(settings.ATTACHMENT_MEGABYTES) * MEGABYTE


def keep(source: Source, name: str, sender: Sender, now: datetime, *, id: UUID | None = None) -> StoredFile:
    """Store a file. `id` is chosen by its sender, so that a repeat counts once.

    Raises Invalid, TooLarge, UnsupportedMediaType, TooMany, and IdempotencyKeyReused for an id of another file.
    """
    pk = id or uuid7()
    if id is not None and (existing := Attachment.objects.filter(pk=pk).first()) is not None:
        return _check_repeat(existing, source, sender)
    try:
        with transaction.atomic():
            attachment = _create(source, name, sender, now, pk)
    except IntegrityError:  # another request with the same id was faster; the source is unread
        return _check_repeat(Attachment.objects.get(pk=pk), source, sender)
    by = str(sender.person.pk if sender.person is not None else sender.engine and sender.engine.slug)
    log.info("attachment_kept", attachment=str(attachment.pk), by=by, size=attachment.size)
    return StoredFile(attachment, created=True)


@transaction.atomic
def remove(id: UUID, sender: Sender) -> None:
    """Remove an unused file of the sender. Raises NotFound."""
    free = Attachment.objects.select_for_update().filter(pk=id, message=None, response=None)  # no message names it now
    attachment = free.first()
    if attachment is None or not sender.sent(attachment):
        raise NotFound("There is no such file of yours, or a message or an answer has it.")
    attachment.delete()


def _create(source: Source, name: str, sender: Sender, now: datetime, pk: UUID) -> Attachment:
    attachment = Attachment(pk=pk, uploader=sender.person, engine=sender.engine, at=now)
    attachment.save(force_insert=True)  # first, so that a repeat waits for this transaction
    refuse_floods(attachment, now)
    digest = hashlib.sha256()
    with Look() as look:
        for number, piece in enumerate(_pieces(source)):
            look.feed(piece)
            digest.update(piece)
            attachment.size += len(piece)
            AttachmentPiece.objects.create(attachment=attachment, number=number, content=piece)
        attachment.type, attachment.sha256 = _kind(look, attachment.size), digest.hexdigest()
    attachment.name = kept_name(name, attachment.type)
    attachment.save()
    return attachment


def _pieces(source: Source) -> Iterator[bytes]:
    """Yield the pieces of the file. Raises TooLarge."""
    size = 0
    while piece := source.read(PIECE):
        size += len(piece)
        if size > largest():
            detail = _("A file may have at most %(most)s MB. Make it smaller, or send it in parts.")
            raise TooLarge(detail % {"most": settings.ATTACHMENT_MEGABYTES})
        yield piece


def _kind(look: Look, size: int) -> str:
    """Return the media type of the file. Raises Invalid, UnsupportedMediaType."""
    if not size:
        detail = _("This file is empty. Choose another one.")
        raise Invalid(detail, [{"pointer": "", "detail": detail}])
    kind = look.kind()
    if not kind:
        raise UnsupportedMediaType(
            _(
                "This file type is not accepted, or the file is damaged. Send a picture, a PDF, plain "
                "text, or an office document without macros."
            )
        )
    return kind


def _check_repeat(existing: Attachment, source: Source, sender: Sender) -> StoredFile:
    digest = hashlib.sha256()
    for piece in _pieces(source):
        digest.update(piece)
    if not sender.sent(existing) or existing.sha256 != digest.hexdigest():
        raise IdempotencyKeyReused("This id came with another file. Use a new id for a new file.")
    return StoredFile(existing, created=False)


def kept_name(sent_name: str, kind: str) -> str:
    """Return a safe name for a file of this kind. `sent_name` may hold paths, line ends or another type."""
    line = clean_line(sent_name.replace("\x00", ""))
    last = _FORBIDDEN.sub("_", re.split(r"[/\\]", line)[-1]).strip(" .")
    stem, dot, end = last.rpartition(".")
    ends = EXTENSIONS[kind]
    if dot and stem and f".{end.lower()}" in ends:
        return f"{cut(stem.rstrip(), MOST_NAME)}.{end}"
    return f"{cut(last, MOST_NAME) or _('file')}{ends[0]}"
