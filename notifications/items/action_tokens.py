"""Action tokens: credentials in a message with which it can be answered."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection

from notifications.channel_facts import Trust, facts_of_channel
from notifications.models import Delivery, Notification
from notifications.types import Json
from wfpush.crypto import digest_of, new_action_token, next_action_token

NEED_NO_SIGN_IN = ("acknowledge", "reply")
"""Effects of actions for which a link to a mailbox is enough."""
LIFE = timedelta(days=30)
PAST_DUE = timedelta(days=7)


def expiry_of(due_at: datetime | None, now: datetime) -> datetime:
    """Return the end of a token's life: after 30 days, or a week after the due date if that is later."""
    end = now + LIFE
    return max(end, due_at + PAST_DUE) if due_at else end


def answerable_by_mail(notification: Notification) -> list[str]:
    """Return the actions that an e-mail may answer: final answers and questions only if the route allows it, since
    having a mailbox is no sign-in. Replies decide nothing."""
    harmless = [action for action in notification.actions if action["effect"] in NEED_NO_SIGN_IN]
    return _names(notification.actions if notification.answer_from_email else harmless)


def answerable_from_lock_screen(notification: Notification) -> list[str]:
    """Return the actions that may be answered on a signed-in device: all, unless the route forbids it."""
    return _names(notification.actions) if notification.answer_from_push else []


_ANSWERABLE: dict[Trust, Callable[[Notification], list[str]]] = {
    "": lambda notification: [],
    "mailbox": answerable_by_mail,
    "device": answerable_from_lock_screen,
}


def answerable_by(channel: str, notification: Notification) -> list[str]:
    """Return the actions that a message of the channel may answer: none at an address that others may read, and none
    that its person has to sign."""
    facts = facts_of_channel(channel)
    return _ANSWERABLE[facts.trust if facts is not None else ""](notification)


def _names(actions: Sequence[Json]) -> list[str]:
    return [action["action"] for action in actions if "signature" not in action]


_INSERT = """
INSERT INTO notifications_actiontoken
    (digest, recipient_id, notification_id, delivery_id, actions, revision, created_at, expires_at, void_reason)
SELECT digest, recipient_id, notification_id, delivery_id, string_to_array(actions, chr(10)), revision, %s,
    expires_at, ''
FROM unnest(%s::text[], %s::bigint[], %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::timestamptz[])
    AS made(digest, recipient_id, notification_id, delivery_id, actions, revision, expires_at)
ON CONFLICT (digest) DO NOTHING
"""


def give(deliveries: Sequence[tuple[Delivery, list[str]]], now: datetime) -> list[str]:
    """Return a token for each delivery, valid for these actions on the shown content; only its digest is stored."""
    tokens = [new_action_token() for _ in deliveries]
    _store(tokens, deliveries, now)
    return tokens


def renew(token: str, delivery: Delivery, now: datetime) -> str:
    """Return a token for the current content, in place of one whose content has changed. It is the same each time, so
    that repeated calls store one row. Empty if the channel may give no answer any more."""
    actions = answerable_by(delivery.channel, delivery.notification)
    if not actions:
        return ""
    renewed = next_action_token(token, delivery.notification.revision)
    _store([renewed], [(delivery, actions)], now)
    return renewed


def _store(tokens: Sequence[str], deliveries: Sequence[tuple[Delivery, list[str]]], now: datetime) -> None:
    if not deliveries:
        return
    rows = [delivery for delivery, _ in deliveries]
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                now,
                [digest_of(token) for token in tokens],
                [row.recipient_id for row in rows],
                [row.notification_id for row in rows],
                [row.pk for row in rows],
                ["\n".join(actions) for _, actions in deliveries],  # action names have no control characters
                [row.notification.revision for row in rows],
                [expiry_of(row.notification.due_at, now) for row in rows],
            ],
        )
