"""Columns that many lists have: links to other rows, times, durations, states, stored JSON, and the work of a row."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models.expressions import Func
from django.utils.translation import gettext_lazy as _

from notifications.admin.decorators import display
from notifications.admin.words import Tone, ago, link, mark, pretty, took
from notifications.channel_facts import channel_name
from wfpush.queue.outbox import Work

Ordering = str | Func | None


def column(text_of: Callable[[Any], object], description: object, ordering: Ordering = None) -> Any:
    """A column with what `text_of` returns for a row."""

    @display(description=description, ordering=ordering)
    def shown(desk: object, row: Any) -> object:
        return text_of(row)

    return shown


def link_column(name: str, description: object, ordering: Ordering = None) -> Any:
    """A link to the row that the relation `name` leads to."""
    return column(lambda row: link(getattr(row, name)), description, ordering)


def time_column(name: str, description: object, ordering: Ordering = None) -> Any:
    """How long ago the time in the field `name` is. Sorted by that field unless `ordering` says otherwise."""
    return column(lambda row: ago(getattr(row, name)), description, ordering or name)


def json_column(name: str, description: object) -> Any:
    return column(lambda row: pretty(getattr(row, name)), description)


def state_column(tones: Mapping[str, Tone]) -> Any:
    return column(lambda row: mark(tones[row.state], row.get_state_display()), _("state"), "state")


def channel_column() -> Any:
    return column(lambda row: channel_name(row.channel), _("by"), "channel")


def duration_column(start: str, end: str, *, unknown: object = "") -> Any:
    """The time between the fields `start` and `end`; `unknown` as long as one of them is empty."""
    return column(lambda row: took(getattr(row, start), getattr(row, end)) or unknown, _("took"))


class WorkColumns:
    """When a row's work is done, until when a worker has claimed it, and how often it was tried."""

    @display(description=_("tries"), ordering="attempts")
    def tries(self, row: Work) -> str:
        return str(row.attempts)

    @display(description=_("next try"), ordering="due_at")
    def work_due(self, row: Work) -> datetime | None:
        return row.due_at

    @display(description=_("claimed until"), ordering="lease_until")
    def claimed_until(self, row: Work) -> datetime | None:
        return row.lease_until
