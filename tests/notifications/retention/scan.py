"""Reads every table, and Redis, as text: what a search of the whole installation for somebody's name would see."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection
from django_q.models import Task as BackgroundTask

from wfpush.postgres.packed import PackedJSONField
from wfpush.queue import outbox


def everything() -> Iterator[tuple[str, str]]:
    """Where, and a text that is there."""
    yield from _rows()
    yield from _unpacked()
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


def _unpacked() -> Iterator[tuple[str, str]]:
    for model in apps.get_models():
        packed = [each.name for each in model._meta.local_concrete_fields if isinstance(each, PackedJSONField)]
        for name in packed:
            for value in model._default_manager.values_list(name, flat=True):
                yield f"{model._meta.label}.{name}, unpacked", str(value)


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
