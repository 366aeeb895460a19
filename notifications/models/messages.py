"""The messages about a task: questions, replies, comments and files, and their addressees."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.models.delivery import Notification
from notifications.models.engines import Engine
from notifications.models.events import Task
from notifications.models.people import Recipient
from notifications.models.responses import Response
from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work

MOST_TEXT = 4_000
"""Maximum number of characters of a message."""


class MessageKind(models.TextChoices):
    QUESTION = "question", _("question")
    REPLY = "reply", _("reply")
    COMMENT = "comment", _("comment")


class TaskMessage(Work):
    """One message about a task. A question that is an answer of its asker has the answer's id.

    The row is its own outbox entry: due while inboxes are not up to date (`told_at`: when they first were). `author` is
    empty for an author whom only the engine knows; `author_name` is then the engine's name, if any. The callback that
    takes a person's message to the engine has the message's id.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="messages", db_index=False)
    number = models.PositiveIntegerField(_("number"), help_text=_("Its place in the task's conversation."))
    kind = models.CharField(_("kind"), max_length=10, choices=MessageKind.choices)
    author = models.ForeignKey(
        Recipient,
        verbose_name=_("author"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="task_messages",
    )
    author_name = models.CharField(_("author in the engine"), max_length=200, blank=True)
    text = models.TextField(_("text"))
    reply_to = models.ForeignKey(
        "self",
        verbose_name=_("reply to"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="replies",
    )
    via = models.CharField(_("via"), max_length=20, blank=True)
    late = models.BooleanField(_("late"), default=False, help_text=_("The task was decided before it came."))
    key = models.CharField(_("idempotency key"), max_length=200, blank=True)
    at = models.DateTimeField(_("at"))
    told_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta(Work.Meta):
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        default_permissions = ()
        ordering = ["task", "number"]
        constraints = [
            models.UniqueConstraint(fields=["task", "number"], name="one_message_a_number"),
            models.UniqueConstraint(
                fields=["task", "author", "key"], condition=~Q(key=""), name="message_key_is_unique"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="message_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.number}"

    @property
    def by(self) -> dict[str, str] | None:
        """The author; None: the engine, without a person's name."""
        if self.author is not None:
            return self.author.as_person()
        return {"ref": "", "name": self.author_name} if self.author_name else None


class AddresseeState(models.TextChoices):
    ASKED = "asked", _("asked")
    REPLIED = "replied", _("has replied")
    OVER = "over", _("need not reply any more")
    TOLD = "told", _("notified")


class Addressee(models.Model):
    """A recipient of a message.

    `item`: the item in the recipient's inbox: for a question, an item of its own with a reply box; else a copy of the
    task, or news. `person` has it, on behalf of `away` if that person is absent.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.ForeignKey(TaskMessage, on_delete=models.CASCADE, related_name="addressees", db_index=False)
    person = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="addressed_messages"
    )
    away = models.ForeignKey(
        Recipient,
        verbose_name=_("on behalf of"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    item = models.ForeignKey(
        Notification,
        verbose_name=_("notification"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="addressed",
    )
    state = models.CharField(_("state"), max_length=10, choices=AddresseeState.choices)
    replied_at = models.DateTimeField(_("replied at"), null=True, blank=True)

    class Meta:
        verbose_name = _("addressee")
        verbose_name_plural = _("addressees")
        default_permissions = ()
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["message", "person"], name="one_addressee_a_person")]

    def __str__(self) -> str:
        return str(self.person)


class Attachment(models.Model):
    """An uploaded file. The sender may choose its id, so that a file sent twice counts once.

    Either `uploader` or `engine` has sent it. Nothing uses it until a message or an answer names it; an unused file is
    removed after 7 days.
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
