"""Removes rows that are kept only for a while: once a day by a schedule, or by `manage.py prune`."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django_q.models import Failure, Success

from notifications.additions import DailyRemoval, StaleRows
from notifications.attachments.limits import UNUSED_RETENTION
from notifications.models import (
    ActionToken,
    Attachment,
    DeliveryReceipt,
    Device,
    IdempotencyKey,
    LinkMail,
    LinkRequest,
    RecipientToken,
    SignInLink,
)
from notifications.people import devices
from wfpush import features
from wfpush.postgres import revision

RETENTION = timedelta(days=7)
"""Time for which most rows stay."""


def prune(now: datetime, *, through: bool = False) -> dict[str, int]:
    """Remove old rows; return the number of each kind. Workers do the long work of features in small steps; `through`:
    here and now."""
    past = now - RETENTION
    stale = {
        "idempotency keys": IdempotencyKey.objects.filter(created_at__lt=past),
        "sign-in links": SignInLink.objects.filter(expires_at__lt=past),
        "links by e-mail": LinkMail.objects.filter(created_at__lt=past, due_at=None),
        "links asked for by e-mail address": LinkRequest.objects.filter(created_at__lt=past),
        "recipient tokens": RecipientToken.objects.filter(expires_at__lt=past),
        "action tokens": ActionToken.objects.filter(expires_at__lt=past),
        "receipts": DeliveryReceipt.objects.filter(created_at__lt=past),
        "sessions": Session.objects.filter(expire_date__lt=now),
        "finished background tasks": Success.objects.filter(stopped__lt=past),
        "configuration changes": revision.changes_before(past),
        "failed background tasks": Failure.objects.filter(stopped__lt=past),
    }
    stale |= {each.name: each.older_than(now - each.retention) for each in features.added(StaleRows)}
    removed = {name: rows.delete()[0] for name, rows in stale.items()}
    removed["files that nothing uses"] = _remove_unused_files(now - UNUSED_RETENTION)
    removed["devices"] = devices.remove(Device.objects.filter(expires_at__lt=now), devices.EXPIRED, now)
    for feature in features.added(DailyRemoval):
        removed.update(feature.remove(now, through))
    return removed


@transaction.atomic
def _remove_unused_files(before: datetime) -> int:
    """Remove files that nothing uses. They are locked, so that no message names one meanwhile."""
    unused = Attachment.objects.filter(message=None, response=None, at__lt=before).select_for_update(skip_locked=True)
    ids = list(unused.values_list("pk", flat=True))
    Attachment.objects.filter(pk__in=ids).delete()
    return len(ids)
