"""Notifications of people, one delivery per channel with its attempts, and the search index of inboxes."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.channel_facts import channel_name
from notifications.models.devices import Device
from notifications.models.events import Case, Event, Priority, Task
from notifications.models.people import Brand, Recipient
from notifications.models.routing import Category, Route
from notifications.models.templates import TemplateVersion
from notifications.reasons import EnglishText
from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work


class NotificationState(models.TextChoices):
    OPEN = "open", _("waiting for you")
    ANSWERED = "answered", _("answered")
    WITHDRAWN = "withdrawn", _("withdrawn")
    EXPIRED = "expired", _("expired")
    INFO = "info", _("for your information")


class Notification(models.Model):
    """One person's copy of a message. `seq`: number of its last change in the person's inbox, contiguous per recipient.

    Texts, template version and the route's rules are stored as they were: later edits affect later copies only.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="notifications", db_index=False)
    seq = models.BigIntegerField(_("seq"))
    event = models.ForeignKey(Event, null=True, on_delete=models.SET_NULL, related_name="notifications")
    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.CASCADE, related_name="notifications")
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.SET_NULL, related_name="notifications")
    category = models.ForeignKey(
        Category, verbose_name=_("category"), on_delete=models.PROTECT, related_name="notifications"
    )
    route = models.ForeignKey(
        Route, verbose_name=_("rule"), null=True, blank=True, on_delete=models.SET_NULL, related_name="notifications"
    )
    template_version = models.ForeignKey(
        TemplateVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="notifications"
    )
    brand = models.ForeignKey(
        Brand,
        verbose_name=_("brand"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    language = models.CharField(_("language"), max_length=20, default="en")
    state = models.CharField(_("state"), max_length=10, choices=NotificationState.choices)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority.choices, default=Priority.NORMAL)
    title = models.CharField(_("title"), max_length=500)
    body = models.TextField(_("body"), blank=True)
    short_body = models.CharField(_("short body"), max_length=500, blank=True)
    notice = models.CharField(
        _("notice"),
        max_length=300,
        blank=True,
        db_default="",
        help_text=_("Why the person was notified again, or by an escalation; until the task changes."),
    )
    url = models.CharField(_("URL"), max_length=2000, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    actions: Any = models.JSONField(default=list, blank=True)
    details: Any = models.JSONField(default=dict, blank=True, help_text=_("location, customer, documents"))
    revision = models.CharField(_("revision"), max_length=43, blank=True, default="", db_default="", editable=False)
    """The revision of the content that these texts show (`TaskContent`). Empty if there is nothing to decide."""
    revised_from: Any = models.CharField(max_length=43, null=True, blank=True, editable=False)
    """The revision before the last change of the content. Null: the content is as it was when the item was made."""
    revised_at = models.DateTimeField(_("content changed at"), null=True, blank=True, editable=False)
    """The time of the content's last change. Null: the content is as it was when the item was made."""
    outcome: Any = models.JSONField(null=True, blank=True)
    reason = EnglishText()
    reason_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    on_behalf_of = models.ForeignKey(
        Recipient,
        verbose_name=_("on behalf of"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text=_("Who is away, and would have had it."),
    )
    escalated = models.BooleanField(_("escalated"), default=False, help_text=_("Created because the task was late."))
    is_copy = models.BooleanField(default=False, help_text=_("A copy of its task, not news about it."))
    answer_from_email = models.BooleanField(_("answer from the e-mail"), default=False)
    answer_from_push = models.BooleanField(_("answer from the lock screen"), default=True)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    opened_by: Any = models.CharField(_("opened through"), max_length=20, null=True, editable=False)
    """The way in which the item was opened when it was read: a channel, or one of `Via`. Null if it was answered,
    snoozed or marked as read without being opened; null costs no byte."""
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    back_at = models.DateTimeField(
        _("back since"), null=True, blank=True, help_text=_("When it returned automatically.")
    )
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["recipient", "seq"], name="seq_is_unique"),
            models.UniqueConstraint(
                fields=["task", "recipient"], condition=~Q(state__in=["info", "withdrawn"]), name="one_copy_a_person"
            ),
        ]
        indexes = [
            models.Index(fields=["recipient", "-created_at"]),
            models.Index(fields=["recipient"], condition=Q(read_at__isnull=True), name="notification_unread"),
            models.Index(fields=["brand"], condition=Q(brand__isnull=False), name="notification_brand"),
            models.Index(fields=["recipient", "due_at"], condition=Q(state="open"), name="notification_waiting"),
            models.Index(fields=["recipient", "-created_at"], condition=Q(state="info"), name="notification_news"),
            models.Index(
                fields=["snoozed_until"], condition=Q(snoozed_until__isnull=False), name="notification_snoozed"
            ),
            models.Index(
                fields=["on_behalf_of"], condition=Q(on_behalf_of__isnull=False), name="notification_on_behalf_of"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_withdrawn(self) -> bool:
        """Return whether it ended without an answer: nobody is asked any more."""
        return self.state in (NotificationState.WITHDRAWN, NotificationState.EXPIRED)


GONE = "gone:"
"""Prefix of a delivery's id, in place of an address that was removed: it keeps rows of one event different."""


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("waiting to be sent")
    DELIVERED = "delivered", _("delivered")
    SUPERSEDED = "superseded", _("no longer needed")
    SUPPRESSED = "suppressed", _("not sent")
    EXPIRED = "expired", _("expired before it could be sent")
    DEAD = "dead", _("given up")


class Held(models.TextChoices):
    """Reason for holding back a message that could be sent; `reason` has the end. It is checked again when due."""

    QUIET = "quiet", _("quiet hours")
    DIGEST = "digest", _("comes in a digest")
    REPEATS = "repeats", _("repeats")
    THROTTLE = "throttle", _("too many at once")
    SNOOZED = "snoozed", _("snoozed")


class Delivery(Work):
    """One row per event, recipient, channel and address. It ends in exactly one of the states other than pending.

    `turn` is the number of the fail-over step: rows of a later turn are in reserve (pending, not due) while one of an
    earlier turn may still arrive. `outdated`: the message that the device shows, or is about to show, has changed and
    must be replaced.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(_("channel"), max_length=20)
    address = models.CharField(max_length=320, blank=True, help_text=_("An e-mail address, or a device's digest."))
    device = models.ForeignKey(
        Device,
        verbose_name=_("device"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="deliveries",
        db_index=False,
    )
    shown_to = models.CharField(_("to"), max_length=320, blank=True, help_text=_("The address as people know it."))
    turn = models.PositiveSmallIntegerField(_("turn"), default=0, editable=False)
    outdated = models.BooleanField(_("to be replaced"), default=False, editable=False)
    state = models.CharField(_("state"), max_length=12, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    reason = EnglishText()
    reason_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    words: Any = models.JSONField(null=True, blank=True, help_text=_("title and body, where the channel has its own"))
    held = models.CharField(_("held back for"), max_length=10, choices=Held.choices, null=True, blank=True)
    critical: Any = models.BooleanField(null=True, editable=False)
    """True: nothing holds the message back. Null costs no byte."""
    created_at = models.DateTimeField(_("created at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)

    class Meta(Work.Meta):
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["event", "recipient", "channel", "address"], name="one_delivery_a_channel")
        ]
        indexes = [
            models.Index(fields=["channel", "due_at"], condition=Q(due_at__isnull=False), name="delivery_due"),
            models.Index(fields=["device"], condition=Q(device__isnull=False), name="delivery_device"),
            models.Index(fields=["state", "id"], condition=~Q(state="delivered"), name="delivery_not_delivered"),
            models.Index(fields=["recipient"], condition=Q(held__isnull=False, state="pending"), name="delivery_held"),
            models.Index(
                fields=["notification"],
                condition=Q(state="pending", due_at__isnull=True),
                name="delivery_reserve",
            ),
        ]

    def __str__(self) -> str:
        return f"{channel_name(self.channel)} → {self.recipient}"

    @property
    def is_replacement(self) -> bool:
        """True if the row has ended, and its device must be sent the item's new state."""
        return self.outdated and self.state != DeliveryState.PENDING

    @property
    def to(self) -> str:
        """The address as people know it; empty for the inbox, and for rows without an address."""
        return self.shown_to or ("" if self.device_id or self.address.startswith(GONE) else self.address)


class DeliveryAttempt(models.Model):
    """An attempt, written before the I/O: in a row without an end the result is unknown."""

    delivery = models.ForeignKey(
        Delivery, verbose_name=_("delivery"), on_delete=models.CASCADE, related_name="attempt_log"
    )
    number = models.PositiveIntegerField(_("number"))
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    succeeded = models.BooleanField(_("succeeded"), null=True)
    detail = EnglishText()
    detail_fact: Any = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("delivery attempt")
        verbose_name_plural = _("delivery attempts")
        ordering = ["delivery", "number"]

    def __str__(self) -> str:
        return f"{self.delivery} #{self.number}"


class DeliveryReceipt(models.Model):
    """A report of a channel's service on a message, or a part of one, after accepting it: whether it has arrived.

    `reference` is the service's name for it. A receipt may come before the attempt is stored; then it belongs to no
    delivery yet.
    """

    channel = models.CharField(max_length=20)
    reference = models.CharField(max_length=200)
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.CASCADE, related_name="receipts")
    arrived = models.BooleanField(null=True)
    code = models.CharField(max_length=100, default="", db_default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "reference"], name="one_receipt_a_reference")]
        indexes = [models.Index(fields=["created_at"], name="receipt_created")]

    def __str__(self) -> str:
        return f"{self.channel} {self.reference}"


class SearchedPart(models.Model):
    """Some hundred items of a person, with the searchable text of each, in capital letters, in one row.

    The part with the highest `upto` has the `seq` up to which items are indexed, and the time: later items are read one
    by one. An item is in one part at most, with its searchable text at the time of indexing.
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="searched_parts")
    upto = models.BigIntegerField()
    at = models.DateTimeField()
    items = ArrayField(models.UUIDField())
    texts = ArrayField(models.TextField())

    class Meta:
        verbose_name = _("search index entry")
        verbose_name_plural = _("search index entries")

    def __str__(self) -> str:
        return f"{self.recipient_id} {self.upto}"


class SearchedAnew(models.Model):
    """A change outside of items that affects search: the title of a case, the initiator of a task, the name of a
    person, or deleted items of an inbox. Triggers write the rows, which stay until the parts are updated."""

    case_id = models.BigIntegerField(null=True)
    task_id = models.UUIDField(null=True)
    person_id = models.BigIntegerField(null=True)
    inbox_id = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("search index change")
        verbose_name_plural = _("search index changes")

    def __str__(self) -> str:
        return f"{self.case_id or ''} {self.task_id or ''} {self.person_id or ''} {self.inbox_id or ''}".strip()
