"""Reads every table, and Redis, as text: what a search of the whole installation for somebody's name would see."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection
from django_q.models import Task as BackgroundTask

from notifications.retention.columns import model_of, tables
from notifications.retention.scrubbing import DECODED
from wfpush.queue import outbox


def everything() -> Iterator[tuple[str, str]]:
    """Where, and a text that is there."""
    yield from _rows()
    yield from (("sessions, decoded", str(row.get_decoded())) for row in Session.objects.all())
    for task in BackgroundTask.objects.all():
        yield "background tasks, decoded", f"{task.args} {task.kwargs} {task.result}"
    yield from _redis()


def _rows() -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT row_to_json(t)::text FROM "{table}" t')
            yield from ((table, text) for (text,) in cursor.fetchall())
        cursor.execute("SELECT encode(content, 'escape') FROM notifications_attachmentpiece")
        yield from (("notifications_attachmentpiece, as bytes", text) for (text,) in cursor.fetchall())


def _redis() -> Iterator[tuple[str, str]]:
    redis: Any = outbox.connection()
    for key in redis.scan_iter(count=1_000):
        kind = redis.type(key)
        value = redis.get(key) if kind == b"string" else redis.lrange(key, 0, -1) if kind == b"list" else b""
        yield "Redis", f"{key!r} {value!r}"


def found(marks: Sequence[str], more: Sequence[tuple[str, str]] = ()) -> dict[str, list[str]]:
    """Each mark that is anywhere, with where, and a few letters around it."""
    seen: dict[str, list[str]] = {}
    for where, text in [*everything(), *more]:
        lowered = text.lower()
        for mark in marks:
            at = lowered.find(mark.lower())
            if at >= 0:
                seen.setdefault(mark, []).append(f"{where}: …{text[max(at - 160, 0) : at + 100]}…")
    return seen


# --- columns ----------------------------------------------------------------------------------------------------------
def unplanted(marks: Sequence[str]) -> list[tuple[str, str]]:
    """Columns that erasure searches, and in which none of the marks is."""
    lowered = [mark.lower() for mark in marks]
    return [
        (label, name)
        for label, columns in tables().items()
        for name in columns.searched
        if not any(mark in _said(value) for value in _values(label, name) for mark in lowered)
    ]


def _values(label: str, name: str) -> Iterator[Any]:
    if label in DECODED:
        yield from (DECODED[label](row) for row in model_of(label)._base_manager.all())
    yield from model_of(label)._base_manager.values_list(name, flat=True)


def _said(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)).lower()


@dataclass(frozen=True)
class Planted:
    """A column of a row, and what was there."""

    label: str
    name: str
    pk: Any
    before: Any

    def write(self, value: Any) -> None:
        model_of(self.label)._base_manager.filter(pk=self.pk).update(**{self.name: value})


def plant(label: str, name: str, short: str, text: str) -> Planted | None:
    """Write it into the column of the table's newest row, as an engine or somebody at the desk might. None: there is
    no row."""
    row = model_of(label)._base_manager.order_by("-pk").first()
    if row is None:
        return None
    field = row._meta.get_field(name)
    planted = Planted(label, name, row.pk, getattr(row, name))
    most = getattr(field, "max_length", None) or len(text)
    planted.write({"note": text} if field.get_internal_type() == "JSONField" else text if len(text) <= most else short)
    return planted
