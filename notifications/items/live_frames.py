"""Live frames: after a commit, send changes to open inboxes. A lost frame is detected by a gap in `seq`."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from notifications.items.inbox_json import InboxTexts
from notifications.items.representation import notification_queryset, unread_counts
from notifications.models import Notification
from wfpush.concurrency.background_loop import BackgroundLoop
from wfpush.redis.cooldown import redis_cooldown

log = structlog.get_logger(__name__)

Value = TypeVar("Value")

Frame = tuple[str, dict[str, Any]]
"""A group, and the message to it."""

AT_ONCE = 100
"""Number of frames that are sent while the next ones are made."""

MAX_UNCHECKED_PEOPLE = 3
"""Number of people up to which frames are made from memory without checking for open inboxes: that is as fast."""

DELIVERY_DEADLINE = 10.0
"""Seconds after which frames that Redis does not take are dropped; clients catch up by themselves."""

_background = BackgroundLoop("live-frames")  # for the life of the process, so that connections to Redis are kept


def group_of(recipient_id: int) -> str:
    """Return the channel layer's group of one person's open inboxes."""
    return f"inbox.{recipient_id}"


def announce_on_commit(rows: Iterable[Notification]) -> None:
    """Send changed copies, as they are after the transaction, to people with an open inbox. The copies are read again
    then, and `rows` are not kept: few people look."""
    people = {row.pk: row.recipient_id for row in rows}
    if people:
        transaction.on_commit(lambda: _announce_again(people), robust=True)


def announce_new_on_commit(rows: Sequence[Notification]) -> None:
    """Send copies made in this transaction from memory: reading a thousand back takes longer than everything else here.
    Later changes have a later seq, and are sent by `announce_on_commit`."""
    transaction.on_commit(lambda: announce(rows), robust=True)


def _announce_again(people: Mapping[UUID, int]) -> None:
    listening = _listening(people.values())
    ids = [pk for pk, person in people.items() if person in listening]
    for start in range(0, len(ids), AT_ONCE):
        again = notification_queryset().filter(pk__in=ids[start : start + AT_ONCE]).order_by("seq")
        _announce(list(again))


def announce(rows: Sequence[Notification]) -> None:
    """Send each notification to its person's inboxes. Never fails: the database has the truth."""
    people = {row.recipient_id for row in rows}
    if len(people) > MAX_UNCHECKED_PEOPLE:
        people = _listening(people)
    _announce([row for row in rows if row.recipient_id in people])


def _listening(people: Iterable[int]) -> set[int]:
    """Return those of the people who have an inbox open. Call this after the commit.

    An inbox that opens later reads its state after it has subscribed, and so after the commit.
    """
    groups = {group_of(person): person for person in people}
    layer: Any = get_channel_layer()
    listening = _run(lambda: layer.groups_heard([*groups]), len(groups))
    return {groups[group] for group in listening or ()}


def _announce(rows: Sequence[Notification]) -> None:
    if not rows:
        return
    unread = unread_counts([row.recipient_id for row in rows])
    texts = InboxTexts()
    for start in range(0, len(rows), AT_ONCE):
        _send([_frame(row, texts, unread.get(row.recipient_id, 0)) for row in rows[start : start + AT_ONCE]])


def _frame(row: Notification, texts: InboxTexts, unread: int) -> Frame:
    frame = {"type": "inbox.changed", "seq": row.seq, "notification": texts.text_of(row), "unread": unread}
    return group_of(row.recipient_id), frame


def tell(recipient_id: int, message_type: str, **members: Any) -> None:
    """Send a message without an item, such as "inbox.signed_out", to a person's open inboxes."""
    _send([(group_of(recipient_id), {"type": message_type, **members})])


def removed_on_commit(recipient_id: int, sessions: Iterable[str]) -> None:
    """Have every open inbox check at once whether it is still allowed, after devices were removed and their sessions
    ended. Those of `sessions` (digests of session keys) must delete all data that they keep."""
    digests = sorted(sessions)
    transaction.on_commit(lambda: tell(recipient_id, "inbox.signed_out", removed=digests), robust=True)


def signed_out_on_commit(recipient_id: int, keep: str = "") -> None:
    """Have every open inbox check at once whether it is still allowed, after a person's credentials ended. Inboxes of
    the session with the digest `keep`, which goes on under another key, reconnect with that key."""
    digests = [keep] if keep else []
    transaction.on_commit(lambda: tell(recipient_id, "inbox.signed_out", kept=digests), robust=True)


def _send(frames: Sequence[Frame]) -> None:
    layer: Any = get_channel_layer()
    _run(lambda: layer.groups_send(frames), len(frames))


def _run(call: Callable[[], Coroutine[Any, Any, Value]], frames: int) -> Value | None:
    """Return the call's result; None if Redis fails: then the frames are lost, and clients catch up."""
    if redis_cooldown:
        return None
    try:
        return _background.run(call(), DELIVERY_DEADLINE)
    except (RedisError, OSError, RuntimeError, TimeoutError) as exc:
        redis_cooldown.after(exc)
        log.warning("live_frames_lost", frames=frames, fault=repr(exc))
        return None
