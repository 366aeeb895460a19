"""Decides whether a message is sent on a channel now, waits, or is not wanted. It decides when the message is planned,
and again when it is due, since preferences may have changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications import reasons
from notifications.items import snoozing
from notifications.models import Frequency, Held, Notification, NotificationState, Priority
from notifications.preferences.lookup import PreferenceSet
from notifications.reasons import Reason
from wfpush.zones import last_instant

A_DAY = timedelta(days=1)
UNHURRIED = (Priority.LOW, Priority.NORMAL)


@dataclass(frozen=True, slots=True)
class Wait:
    """A message is held back until `until`, and decided on again."""

    until: datetime
    held: Held
    reason: Reason


def wait_for(
    chosen: PreferenceSet, notification: Notification, now: datetime, *, critical: bool = False, waited: bool = False
) -> Wait | None:
    """Return how long the message waits, or None: send it now. Urgent messages and critical steps never wait. `waited`:
    the message was held back already, and is due."""
    if critical or notification.priority == Priority.URGENT:
        return None
    at, held = now, None
    if snoozing.is_snoozed(notification, now):
        at, held = snoozing.back_at(notification), Held.SNOOZED
    elif not waited and may_come_together(notification) and chosen.frequency(notification.category) == Frequency.DIGEST:
        at, held = next_digest(chosen, now), Held.DIGEST
    end = chosen.quiet_until(at)
    if end is not None:
        at, held = end, Held.QUIET
    return Wait(at, held, HELD_REASONS[held](until=local(at, chosen))) if held is not None else None


HELD_REASONS = {Held.QUIET: reasons.HELD_QUIET, Held.DIGEST: reasons.HELD_DIGEST, Held.SNOOZED: reasons.HELD_SNOOZED}


def not_wanted(chosen: PreferenceSet, notification: Notification, channel: str, *, critical: bool = False) -> Reason:
    """Return why the person gets no message of the notification on the channel; NOTHING: they get one. A muted case's
    messages come in the inbox only, unless they are urgent, or wait for the person."""
    category = notification.category
    off = chosen.off(category, channel)
    if off or notification.case_id not in chosen.muted or channel in category.mandatory:
        return off
    tells = notification.state == NotificationState.INFO and notification.priority != Priority.URGENT
    return reasons.MUTED_CASE() if tells and not critical else reasons.NOTHING


def most_an_hour(
    chosen: PreferenceSet, notification: Notification, channel: str = "", *, critical: bool = False
) -> int | None:
    """Return the number of such messages an hour that the person wants, and that the channel's limit allows; None: any
    number."""
    if critical or notification.priority == Priority.URGENT:
        return None
    limits = [most for most in (chosen.most_an_hour, chosen.limits.get(channel)) if most is not None]
    return min(limits, default=None)


def may_come_together(notification: Notification) -> bool:
    """Return whether nobody waits for an answer to the notification, and it is in no hurry."""
    return notification.state == NotificationState.INFO and notification.priority in UNHURRIED


def next_digest(chosen: PreferenceSet, now: datetime) -> datetime:
    """Return the person's next time for digests after `now`."""
    today = now.astimezone(chosen.zone).date()
    times = (
        last_instant(chosen.zone, datetime.combine(today + ahead * A_DAY, each))
        for ahead in range(3)
        for each in chosen.digest_times
    )
    return min(at for at in times if at > now)


def local(at: datetime, chosen: PreferenceSet) -> str:
    """Return the time by the person's clock, as reasons say it."""
    return f"{at.astimezone(chosen.zone):%Y-%m-%d %H:%M %Z}"
