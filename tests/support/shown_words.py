"""What traces, clocks and inboxes say of a database, in both languages: of this release, or of another one.

Run by its path in a checkout, with that checkout's settings: `python …/tests/support/shown_words.py 2026-11-27T15:00Z`
writes JSON: by language and row the lines that the desk and the inbox show at that instant. With `--english-reasons`
that is `now`, and `in_english` is how German would read if reasons stayed in English.
"""

import gc
import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import time_machine
from django.apps import apps
from django.utils import timezone, translation

LANGUAGES = ("en", "de")

Shown = dict[str, dict[str, list[str]]]


def shown(languages: Iterable[str] = LANGUAGES) -> Shown:
    found: Shown = {}
    for language in languages:
        with translation.override(language):
            found[language] = dict(_rows(timezone.now()))
    return found


def _rows(now: datetime) -> Iterator[tuple[str, list[str]]]:
    trace = import_module("notifications.admin.ledger.timeline").trace
    for event in _all("notifications.Event"):
        yield f"event {event.event_id}", list(_flat(trace(event)))
    clock = import_module("escalations.admin.timeline").lines
    for escalation in _all("escalations.Escalation"):
        yield f"clock {escalation.pk}", list(_flat(clock(escalation)))
    outcomes, escalated = _ours("outcomes"), _ours("escalated")
    for copy in _all("notifications.Notification").select_related("recipient", "task__engine", "category"):
        said = outcomes.outcome_of(copy, copy.recipient, now), escalated.escalation_of(copy)
        yield f"copy {copy.pk}", [words for words in said if words]


def _ours(name: str) -> ModuleType:
    """Of the inbox's items; release 0.2.0 had all modules side by side."""
    items = Path("notifications/items").is_dir()
    return import_module(f"notifications.items.{name}" if items else f"notifications.{name}")


def _all(model: str) -> Any:
    return apps.get_model(model).objects.order_by("pk")


def _flat(lines: Iterable[Any], depth: int = 0) -> Iterator[str]:
    for line in lines:
        yield "  " * depth + " | ".join(str(part) for part in (line.text, line.detail) if part)
        yield from _flat(line.below, depth + 1)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
    gc.disable()  # it ends soon
    with time_machine.travel(sys.argv[1], tick=False):
        django.setup()
        written: Any = shown()
        if "--english-reasons" in sys.argv:
            reason = import_module("notifications.reasons").Reason
            reason.words = reason.__str__
            written = {"now": written, "in_english": shown(["de"])}
        json.dump(written, sys.stdout, ensure_ascii=False, indent=0)
