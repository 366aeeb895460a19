"""Whether a message is to be sent on a channel now, waits, or is not wanted. The same is asked when it is planned, and
again when it is due, since people may have chosen otherwise meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications import reasons
from notifications.items import snoozing
from notifications.models import Frequency, Held, Notification, NotificationState, Priority
from notifications.preferences.lookup import Chosen
from notifications.reasons import Reason
from wfpush.zones import last_instant

A_DAY = timedelta(days=1)
UNHURRIED = (Priority.LOW, Priority.NORMAL)


@dataclass(frozen=True, slots=True)
class Wait:
    """A message is held back until then, and looked at again."""

    until: datetime
    held: Held
    reason: Reason


def wait_for(
    chosen: Chosen, notification: Notification, now: datetime, *, critical: bool = False, waited: bool = False
) -> Wait | None:
    """None: the message is to be sent now. Nothing holds back what is urgent, or is told by a critical step. `waited`:
    it was held back already, and is due."""
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
    return Wait(at, held, SAID[held](until=local(at, chosen))) if held is not None else None


SAID = {Held.QUIET: reasons.HELD_QUIET, Held.DIGEST: reasons.HELD_DIGEST, Held.SNOOZED: reasons.HELD_SNOOZED}


def not_wanted(chosen: Chosen, notification: Notification, channel: str, *, critical: bool = False) -> Reason:
    """Why the person gets no message of it on the channel; NOTHING: they get one. A muted case is told in the inbox
    only, unless it is urgent, or waits for them."""
    category = notification.category
    off = chosen.off(category, channel)
    if off or notification.case_id not in chosen.muted or channel in category.mandatory:
        return off
    tells = notification.state == NotificationState.INFO and notification.priority != Priority.URGENT
    return reasons.MUTED_CASE() if tells and not critical else reasons.NOTHING


def most_an_hour(chosen: Chosen, notification: Notification, *, critical: bool = False) -> int | None:
    """How many such messages the person wants an hour by one channel; None: any number."""
    return None if critical or notification.priority == Priority.URGENT else chosen.most_an_hour


def may_come_together(notification: Notification) -> bool:
    """Nobody waits for its answer, and it is in no hurry."""
    return notification.state == NotificationState.INFO and notification.priority in UNHURRIED


def next_digest(chosen: Chosen, now: datetime) -> datetime:
    """The next of the person's times for what comes together, after `now`."""
    today = now.astimezone(chosen.zone).date()
    times = (
        last_instant(chosen.zone, datetime.combine(today + ahead * A_DAY, each))
        for ahead in range(3)
        for each in chosen.digest_times
    )
    return min(at for at in times if at > now)


def local(at: datetime, chosen: Chosen) -> str:
    """A time of the person's wall clock, as reasons say it."""
    return f"{at.astimezone(chosen.zone):%Y-%m-%d %H:%M %Z}"
