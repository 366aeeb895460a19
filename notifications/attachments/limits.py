"""Limits of files: for a person within an hour, and for files that nothing uses."""

from datetime import datetime, timedelta
from itertools import accumulate

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from notifications.errors import TooMany
from notifications.models import Attachment

MEGABYTE = 1_000_000
HOUR = timedelta(hours=1)
UNUSED_RETENTION = timedelta(days=7)
"""Time that an unused file stays: the message that names it may wait on a device without a connection."""
LEAST_COUNTED = 64 * 1024
"""Bytes that a file counts at least towards a person's limit."""
MOST_OF_ENGINE = 2_000 * MEGABYTE
"""Bytes of an engine's unused files."""

_NOT_USED = Q(message=None, response=None)


def refuse_floods(attachment: Attachment, now: datetime) -> None:
    """Refuse a file of a sender whose other files reach a limit. Other files of the same sender wait until the
    transaction ends, so that each is counted. Raises TooMany."""
    others = Attachment.objects.filter(uploader=attachment.uploader_id, engine=attachment.engine_id)
    others = others.exclude(pk=attachment.pk)
    sender = f"person {attachment.uploader_id}" if attachment.uploader_id else f"engine {attachment.engine_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"wfpush files of {sender}"])
    if attachment.uploader_id:
        _refuse_person(others, now)
    else:
        _refuse_engine(others, now)


def _refuse_person(others: QuerySet[Attachment], now: datetime) -> None:
    """Refuse a person's file over the limits. Unused files count until they are removed. Raises TooMany."""
    most, recent = settings.ATTACHMENT_MEGABYTES_AN_HOUR * MEGABYTE, Q(at__gt=now - HOUR)
    counted = others.filter(recent | _NOT_USED, at__gt=now - UNUSED_RETENTION).annotate(
        counts=Greatest("size", LEAST_COUNTED)
    )
    total = counted.aggregate(all=Sum("counts", default=0), recent=Sum("counts", filter=recent, default=0))
    if total["recent"] >= most:
        raise TooMany(_("You have sent too many files in the last hour. Wait a while."), int(HOUR.total_seconds()))
    if total["all"] >= most:
        detail = _("Too many of your files were never sent. Each is removed after 7 days.")
        raise TooMany(detail, _seconds_until_there_is_room(counted, total["all"] - most, now))


def _seconds_until_there_is_room(counted: QuerySet[Attachment], over: int, now: datetime) -> int:
    """Return the seconds until enough files stop counting, if no other file is used, removed or sent before."""
    rows = counted.values_list("at", "size", "message", "response")
    ends = sorted(
        (at + (HOUR if message or response else UNUSED_RETENTION), max(size, LEAST_COUNTED))
        for at, size, message, response in rows
    )
    sums = accumulate(size for _end, size in ends)
    end = next(end for (end, _size), gone in zip(ends, sums, strict=True) if gone > over)
    return int((end - now).total_seconds()) + 1


def _refuse_engine(others: QuerySet[Attachment], now: datetime) -> None:
    unused = others.filter(_NOT_USED, at__gt=now - UNUSED_RETENTION)
    if (unused.aggregate(total=Sum("size"))["total"] or 0) >= MOST_OF_ENGINE:
        oldest = unused.order_by("at").values_list("at", flat=True)[0]
        detail = f"{MOST_OF_ENGINE // MEGABYTE:,} MB of files are named by no message. Name them, or remove some."
        raise TooMany(detail, int((oldest + UNUSED_RETENTION - now).total_seconds()) + 1)
