"""Removes rows that are kept only for a while: once a day by a schedule, or by `manage.py prune`."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django_q.models import Failure, Success

from notifications.models import (
    ActionToken,
    Attachment,
    DeliveryReceipt,
    Device,
    IdempotencyKey,
    LinkMail,
    RecipientToken,
    SignInLink,
)
from notifications.people import devices
from wfpush.postgres import revision

KEPT, UNUSED = timedelta(days=7), timedelta(days=1)
"""How long most rows stay, and files that no message or answer has used."""


def prune(now: datetime) -> dict[str, int]:
    """Remove old rows; returns how many of each kind."""
    past = now - KEPT
    stale = {
        "idempotency keys": IdempotencyKey.objects.filter(created_at__lt=past),
        "sign-in links": SignInLink.objects.filter(expires_at__lt=past),
        "links by e-mail": LinkMail.objects.filter(created_at__lt=past, due_at=None),
        "recipient tokens": RecipientToken.objects.filter(expires_at__lt=past),
        "action tokens": ActionToken.objects.filter(expires_at__lt=past),
        "receipts": DeliveryReceipt.objects.filter(created_at__lt=past),
        "sessions": Session.objects.filter(expire_date__lt=now),
        "finished background tasks": Success.objects.filter(stopped__lt=past),
        "configuration changes": revision.changes_before(past),
        "failed background tasks": Failure.objects.filter(stopped__lt=past),
    }
    removed = {name: rows.delete()[0] for name, rows in stale.items()}
    unused = Attachment.objects.filter(message=None, response=None, at__lt=now - UNUSED)
    removed["files that nothing uses"] = unused.delete()[1].get(Attachment._meta.label, 0)
    return {**removed, "devices": devices.remove(Device.objects.filter(expires_at__lt=now), devices.EXPIRED, now)}
