"""Files in the forms of pages: chosen there and sent with the form, or sent before it by the page's script."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from notifications.attachments import storage
from notifications.attachments.kinds import ACCEPT
from notifications.attachments.linking import gone
from notifications.attachments.representation import is_picture, path_of, size_said
from notifications.attachments.storage import Sender
from notifications.errors import Failure
from notifications.models import Attachment, Recipient
from notifications.types import Json
from notifications.wording.plaintext import clean_line
from wfpush.identifiers import parse_uuid


@dataclass(frozen=True)
class File:
    """A file as pages show it."""

    id: UUID
    name: str
    size: str
    url: str
    is_picture: bool
    label: str = ""
    """Label of the form's field that the file was given in."""

    @classmethod
    def of(cls, attachment: Attachment, label: str = "") -> "File":
        size, is_drawn = size_said(attachment.size), is_picture(attachment)
        return cls(attachment.pk, attachment.name, size, path_of(attachment), is_drawn, label)


@dataclass(frozen=True)
class UploadedFiles:
    """The stored files of a form. `fault` is the reason why a file was refused."""

    files: Sequence[File] = ()
    fault: str = ""

    @property
    def ids(self) -> tuple[UUID, ...]:
        return tuple(file.id for file in self.files)


def file_rules() -> Json:
    """Return the hints and accepted types of a page's file fields."""
    hint = _("Pictures, PDF, text and office documents, up to %(most)s files of %(size)s MB each.")
    hint %= {"most": settings.ATTACHMENTS_A_MESSAGE, "size": settings.ATTACHMENT_MEGABYTES}
    one = _("Pictures, PDF, text and office documents of up to %(size)s MB.") % {"size": settings.ATTACHMENT_MEGABYTES}
    return {"accept": ACCEPT, "hint": hint, "one": one, "photo": _("The browser makes it smaller before it is sent.")}


def attached(request: HttpRequest, person: Recipient, now: datetime) -> UploadedFiles:
    """Return the files of a message: stored ones that its form still lists, and new uploads. A listed file that is gone
    is a fault, so that nothing is sent without it."""
    listed_ids = set(request.POST.getlist("attachments"))
    uploads = attached_as("attachments", "files", request, person, now)
    missing = listed_ids - {str(each) for each in uploads.ids}
    return replace(uploads, fault=" ".join(filter(None, (gone() if missing else "", uploads.fault))))


def attached_as(kept_as: str, sent_as: str, request: HttpRequest, person: Recipient, now: datetime) -> UploadedFiles:
    """Return the stored files that the field `kept_as` lists, and those sent in the field `sent_as`."""
    ids = filter(None, map(parse_uuid, request.POST.getlist(kept_as)))
    rows = Attachment.objects.filter(pk__in=list(ids), uploader=person)
    files, faults = [File.of(each) for each in rows], []
    for file in request.FILES.getlist(sent_as):
        try:
            files.append(File.of(storage.keep(file, file.name or "", Sender(person=person), now).attachment))
        except Failure as failure:
            faults.append(f"{clean_line(file.name or '') or _('file')}: {failure.detail}")
    return UploadedFiles(files, " ".join(faults))


def keep_text(text: str, name: str, person: Recipient, now: datetime) -> UploadedFiles:
    """Store a text as a file."""
    try:
        return UploadedFiles(
            [File.of(storage.keep(io.BytesIO(text.encode()), name, Sender(person=person), now).attachment)]
        )
    except Failure as failure:
        return UploadedFiles(fault=failure.detail)
