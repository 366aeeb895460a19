"""Composes one message for several notifications of a person: how many there are, how many wait for an answer, and the
notifications themselves, grouped by case, the most pressing first."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.models import Notification, NotificationState
from notifications.types import Bundle, BundledMessage, BundleGroup, Message
from notifications.wording import key_facts, times
from notifications.wording.languages import language_of, speaking_to
from notifications.wording.message import brand_of, notice_beside_due
from notifications.wording.plaintext import clean_line, cut

FIRST_WORDS = 3
"""Titles in the preview that mail programs show beside the subject."""
MAX_CASE, MAX_CONTEXT = 120, 160

Entry = tuple[Notification, Message, str]
"""A notification, its message, and the link that opens it."""


def bundle_of(entries: Sequence[Entry], now: datetime) -> Bundle:
    """Return the bundle of notifications of one person and brand, each once. Reads the same rows as `message_of`."""
    first, *_others = (notification for notification, _message, _link in entries)
    recipient = first.recipient
    with speaking_to(recipient):
        groups = _groups(entries, now)
        return Bundle(
            language=language_of(recipient),
            title=_title([notification for notification, _message, _link in entries]),
            first_words=" · ".join(
                each.message.title for each in [each for group in groups for each in group.messages][:FIRST_WORDS]
            ),
            brand=brand_of(first.brand or recipient.brand),
            groups=groups,
        )


def summary(notifications: Sequence[Notification]) -> str:
    """Return the text that a device shows in place of several messages, in the active language."""
    count = len(notifications)
    return ngettext("%(count)s message came", "%(count)s messages came", count) % {"count": count}


def waiting(notifications: Iterable[Notification]) -> int:
    return sum(each.state == NotificationState.OPEN for each in notifications)


def waits_for_you(count: int) -> str:
    """Return `3 of them wait for you`; empty for none."""
    if not count:
        return ""
    return ngettext("%(count)s of them waits for you", "%(count)s of them wait for you", count) % {"count": count}


def _title(notifications: Sequence[Notification]) -> str:
    count, open_ones = len(notifications), waiting(notifications)
    if open_ones == count:
        return ngettext("%(count)s task waits for you", "%(count)s tasks wait for you", count) % {"count": count}
    updates = ngettext("%(count)s update", "%(count)s updates", count) % {"count": count}
    return ", ".join(filter(None, (updates, waits_for_you(open_ones))))


# --- groups ---------------------------------------------------------------------------------------------------------
def _groups(entries: Sequence[Entry], now: datetime) -> tuple[BundleGroup, ...]:
    """Group the entries by case. Entries and groups that wait for an answer come first, ordered by due time; the others
    are ordered from the newest."""
    newest_first = sorted(entries, key=lambda each: each[0].updated_at, reverse=True)
    cases: dict[object, list[Entry]] = {}
    for each in sorted(newest_first, key=lambda each: _urgency(each[0])):
        cases.setdefault(each[0].case_id or each[0].pk, []).append(each)
    return tuple(_group(group, now) for group in cases.values())


def _urgency(notification: Notification) -> tuple[bool, datetime]:
    asks = notification.state == NotificationState.OPEN
    return not asks, (notification.due_at if asks else None) or datetime.max.replace(tzinfo=UTC)


def _group(entries: Sequence[Entry], now: datetime) -> BundleGroup:
    case = entries[0][0].case
    title = (case.title or case.case_id) if case is not None and len(entries) > 1 else ""
    return BundleGroup(cut(clean_line(title), MAX_CASE), tuple(_bundled(each, now) for each in entries))


def _bundled(entry: Entry, now: datetime) -> BundledMessage:
    notification, message, link = entry
    asks = notification.state == NotificationState.OPEN
    due = times.due(notification.due_at, now) if notification.due_at is not None and asks else None
    facts = [each for each in key_facts.facts_of(notification) if not each.fact.sensitive]
    first = facts[0] if facts and facts[0].is_large else None
    others = key_facts.at_a_glance(facts[1:] if first else facts, message.title)
    context = " · ".join(filter(None, (notice_beside_due(notification).removesuffix("."), others))) if asks else ""
    return BundledMessage(
        message=message,
        amount=first.text if first else "",
        context=cut(context or message.short_body, MAX_CONTEXT),
        in_its_language=not context,
        link=link,
        asks=asks,
        due=due.text if due is not None else "",
        is_late=due is not None and due.urgency == "overdue",
        at=times.short_time(notification.updated_at, now),
        on_behalf_of=_("on behalf of %(name)s") % {"name": notification.on_behalf_of}
        if notification.on_behalf_of is not None
        else "",
    )
