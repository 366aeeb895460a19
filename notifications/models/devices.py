"""People's browsers and phones, to which push messages go, and services of all channels that are paused."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.channel_facts import channel_choices, device_choices
from notifications.models.people import Brand, Recipient, RecipientToken
from notifications.reasons import EnglishText
from wfpush.crypto import EncryptedTextField
from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work


class AddressKind(models.TextChoices):
    """The kind of `Device.address`."""

    ENDPOINT = "endpoint", _("push endpoint")  # RFC 8030
    TOKEN = "token", _("registration token")
    FID = "fid", _("installation id")


class LockScreen(models.TextChoices):
    """The part of messages that a device shows before anybody signs in."""

    ALL = "all", _("title and text")
    TITLE = "title", _("the title only")
    NOTHING = "nothing", _("only that something came")


class Change(models.Model):
    """Additional field of device histories: why a device was removed, as notifications/reasons.py reads it."""

    history_change_reason_fact: Any = models.JSONField(null=True, editable=False)

    class Meta:
        abstract = True


class Device(Work):
    """One browser or app of one person. The row is due work while a test message must be sent to it.

    An address belongs to one device in the whole installation: `digest` is over channel and address.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient = models.ForeignKey(
        Recipient, verbose_name=_("recipient"), on_delete=models.CASCADE, related_name="devices"
    )
    channel = models.CharField(_("channel"), max_length=20, choices=device_choices)
    address = models.TextField(_("address"), editable=False)
    address_kind = models.CharField(max_length=10, choices=AddressKind.choices, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    p256dh = models.CharField(max_length=120, blank=True, editable=False)
    auth = models.CharField(max_length=40, blank=True, editable=False)
    sender = models.CharField(
        _("sender"),
        max_length=200,
        blank=True,
        editable=False,
        help_text=_("The VAPID public key or the Firebase project of its subscription."),
    )
    platform = models.CharField(_("platform"), max_length=10, blank=True)
    name = models.CharField(_("name"), max_length=80, help_text=_("Such as Firefox on Linux."))
    language = models.CharField(_("language"), max_length=20, blank=True)
    session = models.CharField(
        max_length=64, blank=True, editable=False, help_text=_("Digest of the session that registered it.")
    )
    token = models.ForeignKey(RecipientToken, null=True, blank=True, on_delete=models.SET_NULL, related_name="devices")
    lock_screen = models.CharField(
        _("on the lock screen"),
        max_length=10,
        choices=LockScreen.choices,
        default=LockScreen.ALL,
        db_default=LockScreen.ALL,
    )
    silent = models.BooleanField(_("without a sound"), default=False, db_default=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    created_at = models.DateTimeField(_("registered at"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used at"), default=timezone.now)
    last_sent_at = models.DateTimeField(_("last message at"), null=True, blank=True)
    last_fault = EnglishText()
    last_fault_fact: Any = models.JSONField(null=True, blank=True, editable=False)

    history = HistoricalRecords(
        bases=[Change],
        excluded_fields=[
            "address", "p256dh", "auth", "session", "last_used_at", "last_sent_at",
            "last_fault_fact",
            "due_at", "lease_until", "lease_token", "attempts",
        ]
    )  # fmt: skip

    class Meta(Work.Meta):
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ["-last_used_at"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="device_test_due"),
            models.Index(fields=["session"], condition=~Q(session=""), name="device_by_session"),
            models.Index(fields=["id"], condition=Q(last_fault_fact__isnull=False), name="device_with_fault"),
        ]

    def __str__(self) -> str:
        return self.name


class Farewell(Work):
    """A last message to a device that was removed: it must delete its notifications, and all other data that it stores.

    The device's row is deleted already. Its address is kept until the message was sent, or tried for long enough.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    device = models.UUIDField(editable=False)
    """The id of the device."""
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=20, choices=device_choices, editable=False)
    address = models.TextField(editable=False)
    address_kind = models.CharField(max_length=10, choices=AddressKind.choices, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    p256dh = models.CharField(max_length=120, blank=True, editable=False)
    auth = models.CharField(max_length=40, blank=True, editable=False)
    sender = models.CharField(max_length=200, blank=True, editable=False)
    platform = models.CharField(max_length=10, blank=True, editable=False)
    language = models.CharField(max_length=20, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Work.Meta):
        verbose_name = _("farewell")
        verbose_name_plural = _("farewells")
        ordering = ["created_at"]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="farewell_due")]

    def __str__(self) -> str:
        return str(self.device)


class PushKey(models.Model):
    """A key that signs web push for a brand (RFC 8292). The newest of a brand is its own; browsers that registered
    under an older one go on to get messages by it."""

    brand = models.ForeignKey(Brand, verbose_name=_("brand"), on_delete=models.CASCADE, related_name="push_keys")
    public_key = models.CharField(_("public key"), max_length=100, unique=True)
    private_key: Any = EncryptedTextField()
    created_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("key for push")
        verbose_name_plural = _("keys for push")
        default_permissions = ()
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.brand} · {self.public_key[:12]}…"


class PausedService(models.Model):
    """A service that does not accept our credentials: left alone until `until`; then one message tries it."""

    channel = models.CharField(_("channel"), max_length=20, choices=channel_choices)
    service = models.CharField(
        _("service"), max_length=253, help_text=_("A push host, a Firebase project, a mail server or a gateway.")
    )
    reason = EnglishText()
    reason_fact: Any = models.JSONField(null=True, editable=False)
    paused_at = models.DateTimeField(_("paused at"))
    until = models.DateTimeField(_("paused until"))

    class Meta:
        verbose_name = _("paused service")
        verbose_name_plural = _("paused services")
        ordering = ["-paused_at"]
        constraints = [models.UniqueConstraint(fields=["channel", "service"], name="a_service_is_paused_once")]

    def __str__(self) -> str:
        return self.service
