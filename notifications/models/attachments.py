"""Files that people and engines send along with messages and answers. Their bytes lie in the database, in pieces."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.conversation import TaskMessage
from notifications.models.engines import Engine
from notifications.models.people import Recipient
from notifications.models.responses import Response
from wfpush.identifiers import uuid7


class Attachment(models.Model):
    """A file that was sent. Whoever sends it may choose its id, so that a file sent twice counts once.

    Either `uploader` or `engine` has sent it. Nothing uses it until a message or an answer names it; what nothing uses
    is removed after 7 days.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    uploader = models.ForeignKey(
        Recipient,
        verbose_name=_("sent by"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attachments",
        db_index=False,
    )
    engine = models.ForeignKey(
        Engine,
        verbose_name=_("engine"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attachments",
    )
    message = models.ForeignKey(
        TaskMessage,
        verbose_name=_("message"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attachments",
    )
    response = models.ForeignKey(
        Response,
        verbose_name=_("answer"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="attachments",
    )
    place = models.PositiveSmallIntegerField(_("place"), default=0, help_text=_("Among the files of what uses it."))
    name = models.CharField(_("name"), max_length=150)
    type = models.CharField(_("type"), max_length=100, blank=True)
    size = models.PositiveIntegerField(_("size"), default=0, help_text=_("In bytes."))
    sha256 = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        default_permissions = ()
        ordering = ["place", "id"]
        indexes = [models.Index(fields=["uploader", "at"], name="attachment_of_person")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_used(self) -> bool:
        return self.message_id is not None or self.response_id is not None


class AttachmentPiece(models.Model):
    """A piece of a file: small enough to be read and written without holding the whole file in memory."""

    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        verbose_name = _("piece of a file")
        verbose_name_plural = _("pieces of files")
        default_permissions = ()
        ordering = ["attachment", "number"]
        constraints = [models.UniqueConstraint(fields=["attachment", "number"], name="one_piece_a_number")]

    def __str__(self) -> str:
        return f"{self.attachment_id} #{self.number}"
