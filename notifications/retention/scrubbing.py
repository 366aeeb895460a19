"""Removes a person from the texts and JSON of rows: table by table, some hundred rows at a time, in the order of keys;
and from temporary data in Redis.

A batch reads its rows by the primary key and checks them in memory. Rows that somebody is working on, or that wait to
be sent, are left for another time; those of held cases stay.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
import structlog
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Cast

from notifications.additions import Columns
from notifications.items import inbox_items, live_frames, superseding
from notifications.models import Callback, Event, Notification, NotificationState, SearchedPart
from notifications.retention import rules
from notifications.retention.models import Erasure
from notifications.retention.search_terms import Terms
from wfpush.postgres import bulk, keys
from wfpush.queue import outbox
from wfpush.redis.cooldown import redis_cooldown

log = structlog.get_logger(__name__)

AT_ONCE = 200
"""Number of rows of a batch: one may have 64 kB."""


@dataclass
class Tally:
    changed: int = 0
    left: int = 0
    held: int = 0

    def add(self, other: "Tally") -> None:
        self.changed += other.changed
        self.left += other.left
        self.held += other.held


def batch(model: type[Any], columns: Columns, terms: Terms, after: str, now: datetime) -> tuple[str, Tally]:
    """Process the next rows of a table, in a transaction. Return the last key, empty at the end."""
    rows = list(_texts(model, columns, after))
    pks = [pk for pk, texts in rows if any(terms.may_be_in(text) for text in texts)]
    tally = take_out(model, columns, pks, terms, now) if pks else Tally()
    return str(rows[-1][0]) if len(rows) == AT_ONCE else "", tally


# --- reading ----------------------------------------------------------------------------------------------------------
def _texts(model: type[Any], columns: Columns, after: str) -> Iterator[tuple[Any, list[str]]]:
    """Yield the keys and texts of the next rows."""
    rows = model._base_manager.order_by("pk")
    rows = rows.filter(pk__gt=after) if after else rows
    if decode := DECODED.get(model._meta.label_lower):
        yield from ((row.pk, [decode(row)]) for row in rows[:AT_ONCE])
        return
    texts = [Cast(name, models.TextField()) for name in columns.searched]
    for pk, *values in rows.values_list("pk", *texts)[:AT_ONCE]:
        yield pk, [text for text in values if text]


def _background_task_text(row: Any) -> str:
    with suppress(Exception):  # data stored by another version cannot always be read
        return f"{row.name} {row.args} {row.kwargs} {row.result}"
    return ""


DECODED: dict[str, Callable[[Any], str]] = {
    "sessions.session": lambda row: str(row.get_decoded()),
    "django_q.task": _background_task_text,
}
"""Tables whose texts are stored in other forms."""


# --- writing ----------------------------------------------------------------------------------------------------------
def take_out(model: type[Any], columns: Columns, pks: Sequence[Any], terms: Terms, now: datetime) -> Tally:
    """Remove the person from the rows of these keys, in a transaction."""
    has_simple_key = isinstance(model._meta.pk, models.UUIDField | models.AutoField)
    rows = model._base_manager.filter(keys.among(model, pks) if has_simple_key else Q(pk__in=pks))
    held = _keys(rows.filter(rules.in_force(columns.case))) if columns.case is not None else set()
    waiting = _keys(rows.filter(WAITS[model])) - held if model in WAITS else set()
    eligible = [pk for pk in pks if pk not in held and pk not in waiting]
    if model is Notification:
        inbox_items.lock(set(rows.filter(pk__in=eligible).values_list("recipient_id", flat=True)))
    locked = list(
        model._base_manager.filter(pk__in=eligible)
        .order_by("pk")
        .select_for_update(no_key=True, skip_locked=True, of=("self",))
    )
    tally = Tally(left=len(waiting) + len(eligible) - len(locked), held=len(held))
    tally.changed = _delete(model, locked) if columns.goes else _change(columns, locked, terms, now)
    return tally


WAITS: dict[type[models.Model], Q] = {
    Callback: Q(due_at__isnull=False),
    Event: Q(lease_token__isnull=False),
}
"""Rows that are not changed yet: an engine must get exactly the answer that was given."""


def _keys(rows: Any) -> set[Any]:
    return set(rows.values_list("pk", flat=True))


def _delete(model: type[Any], rows: Sequence[Any]) -> int:
    if model is SearchedPart:  # a person's search rows go as a whole, and are indexed again
        return int(SearchedPart.objects.filter(recipient__in={row.recipient_id for row in rows}).delete()[0])
    return int(model._base_manager.filter(pk__in=[row.pk for row in rows]).delete()[0])


def _change(columns: Columns, rows: Sequence[Any], terms: Terms, now: datetime) -> int:
    names: set[str] = set()
    changed = []
    for row in rows:
        if changes := differences(row, columns, terms):
            for name, value in changes.items():
                setattr(row, name, value)
            names |= set(changes)
            changed.append(row)
    if changed:
        write(changed, names, now)
    return len(changed)


def differences(row: Any, columns: Columns, terms: Terms) -> dict[str, Any]:
    """Return the new values of the columns that change."""
    texts = {name: _text(row, name, terms.in_column) for name in columns.words.split()}
    for name in columns.ids.split():
        value = _text(row, name, terms.in_id)
        texts[name] = value if value == getattr(row, name) else _unique(row, name, value)
    return {name: value for name, value in texts.items() if value != getattr(row, name)}


def _text(row: Any, name: str, how: Callable[[Any], Any]) -> Any:
    """Return the changed value, not longer than the column."""
    value = how(getattr(row, name))
    most = getattr(row._meta.get_field(name), "max_length", None)
    return value[:most] if isinstance(value, str) and most else value


def _unique(row: Any, name: str, value: str) -> str:
    """Return the id with a suffix: two ids may have differed by the removed text alone."""
    tail = f"-{str(row.pk).replace('-', '')[-12:]}"
    return value[: row._meta.get_field(name).max_length - len(tail)] + tail


def write(rows: Sequence[Any], names: set[str], now: datetime) -> None:
    """Save the fields. Items get a new seq, so that inboxes and browsers follow; their time of change stays."""
    if not isinstance(rows[0], Notification):
        bulk.update(rows, names)
        return
    inbox_items.number(rows)
    bulk.update(rows, [*names, "seq"])
    superseding.outdate([row.pk for row in rows if row.state == NotificationState.OPEN], now)
    live_frames.announce_on_commit(rows)


# --- sessions ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def end_sessions(after: str, user: int | None, person: int) -> tuple[str, int]:
    """Delete the person's sessions among the next ones. Return the last key, empty at the end, and the number."""
    rows = Session.objects.order_by("pk")
    some = list((rows.filter(pk__gt=after) if after else rows)[:AT_ONCE])
    session_keys = [row.pk for row in some if _is_of(row.get_decoded(), user, person)]
    removed, _ = Session.objects.filter(pk__in=session_keys).delete()
    return some[-1].pk if len(some) == AT_ONCE else "", removed


def _is_of(session: dict[str, Any], user: int | None, person: int) -> bool:
    return (user is not None and session.get(SESSION_KEY) == str(user)) or session.get("recipient_id") == person


# --- temporary data in Redis ------------------------------------------------------------------------------------------
PATTERNS = (cache.make_key("wfpush:import:*"), "wfpush:engine:call:*")
"""Patterns of keys with texts of others. All other keys hold flags, counts and digests."""
SPREADSHEET = b"PK\x03\x04"
"""The signature of a ZIP archive, such as an XLSX file."""


def forget_redis_keys(erasure: Erasure, terms: Terms, now: datetime) -> tuple[str, Tally]:
    """Delete the keys that mention the person. While Redis is away they are left for later; they also expire within an
    hour."""
    if redis_cooldown:
        return "", Tally(left=1)
    try:
        return "", Tally(changed=_forget(terms))
    except (redis.RedisError, OSError) as exc:
        redis_cooldown.after(exc)
        log.warning("redis_keys_not_looked_at", fault=str(exc))
        return "", Tally(left=1)


def _forget(terms: Terms) -> int:
    connection, gone = outbox.connection(), 0
    for pattern in PATTERNS:
        for key in connection.scan_iter(match=pattern, count=1_000):
            value: Any = connection.get(key) or b""
            # An imported spreadsheet is compressed, so it may always mention the person.
            if SPREADSHEET in value or terms.may_be_in(value.decode("utf-8", "replace")):
                gone += int(connection.delete(key))
    return gone
