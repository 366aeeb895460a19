"""How much of their limits engines, keys and people use, before a limit bites.

Calls are read from Redis: the most of one minute of the last ten. Messages are counted from the ledger of the last
hour. Nothing is known of calls while Redis is away.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.intake.throttling import KEPT_WINDOWS, LIMITS, WINDOW, Quota, highest
from notifications.models import Delivery, DeliveryAttempt, Limit
from wfpush.identifiers import lowest_id
from wfpush.numbers import number

NEAR = 0.8
"""The share of a limit from which administrators are warned."""
HOUR = timedelta(hours=1)
LATELY = timedelta(seconds=(KEPT_WINDOWS + 1) * WINDOW)


_WITH_USUAL = """
SELECT coalesce(own.id, -key.id) AS id, own.engine_id, coalesce(own.api_key_id, key.id) AS api_key_id,
    coalesce(own.channel, '') AS channel, coalesce(own.most, %(usual)s) AS most
FROM notifications_limit own FULL JOIN notifications_apikey key ON key.id = own.api_key_id
WHERE own.id IS NOT NULL OR (key.revoked_at IS NULL AND key.last_used_at >= %(since)s)
ORDER BY 1
"""
"""All limits, and what would be the limits of keys that were used lately and have none of their own."""


@dataclass(frozen=True)
class Use:
    """`most_used`: the most events of a minute, or messages of one person within the hour. `near`: the number of
    people who are near the limit; 0 for events."""

    limit: Limit
    most_used: int
    near: int = 0

    @property
    def is_near(self) -> bool:
        return self.most_used >= NEAR * self.limit.most

    def sentence(self) -> str:
        """Return a warning in the reader's language."""
        words = {"subject": self.limit.subject, "used": number(self.most_used), "most": number(self.limit.most)}
        if not self.limit.channel:
            return _("%(subject)s has sent %(used)s events within a minute; the limit is %(most)s.") % words
        form = ngettext(
            "%(subject)s: %(count)s person gets nearly as many messages as the limit of %(most)s an hour allows.",
            "%(subject)s: %(count)s people get nearly as many messages as the limit of %(most)s an hour allows.",
            self.near,
        )
        return form % (words | {"count": number(self.near)})


def uses(limits: Collection[Limit], now: datetime) -> Mapping[Limit, Use]:
    """Return the use of each limit. Those of events are left out without Redis."""
    quotas = {limit: _quota(limit) for limit in limits if not limit.channel}
    counts = highest(list(quotas.values()))
    found = {limit: Use(limit, counts[quota]) for limit, quota in quotas.items() if quota in counts}
    return found | {limit: _messages(limit, now) for limit in limits if limit.channel}


def warnings(now: datetime) -> list[str]:
    """Return a sentence for each limit that is nearly used up, also for the usual one of keys."""
    limits = list(Limit.objects.raw(_WITH_USUAL, {"usual": LIMITS["key"], "since": now - LATELY}))
    return [use.sentence() for use in uses(limits, now).values() if use.is_near]


def notes(now: datetime) -> Iterator[str]:
    """Yield the warnings in English, with what to do."""
    with translation.override("en"):
        for warning in warnings(now):
            yield f"{warning} Raise the limit (Engines, Limits at the desk), or let the sender slow down."


def _quota(limit: Limit) -> Quota:
    if limit.engine_id is not None:
        return Quota("engine", str(limit.engine_id), limit.most)
    return Quota("key", f"key{limit.api_key_id}", limit.most)


def _messages(limit: Limit, now: datetime) -> Use:
    """Count each person's messages of the channel. Digests count once for each of their messages here."""
    recent = Delivery.objects.filter(pk__gte=lowest_id(now - HOUR), channel=limit.channel)
    begun = DeliveryAttempt.objects.filter(delivery__in=recent, number=1).order_by()
    counts = begun.values("delivery__recipient").annotate(count=Count("pk")).order_by("-count")
    each = [row["count"] for row in counts.filter(count__gte=math.ceil(NEAR * limit.most))]
    most = each[0] if each else counts.values_list("count", flat=True).first() or 0
    return Use(limit, most, len(each))


def of(limit: Limit) -> Use | None:
    return uses([limit], timezone.now()).get(limit)
