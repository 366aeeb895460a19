"""Columns that many lists have: durations, states, stored JSON, and the work of a row."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models.expressions import Func
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import reasons
from notifications.admin.decorators import display
from notifications.admin.words import Tone, ago, link, mark, pretty, there, took, with_why
from notifications.channel_facts import channel_name
from notifications.models import AbsenceFeed, RotaFeed
from wfpush.queue.outbox import Work

Ordering = str | Func | None


def column(text_of: Callable[[Any], object], description: object, ordering: Ordering = None) -> Any:
    """A column with what `text_of` returns for a row."""

    @display(description=description, ordering=ordering)
    def shown(desk: object, row: Any) -> object:
        return text_of(row)

    return shown


def json_column(name: str, description: object) -> Any:
    return column(lambda row: pretty(getattr(row, name)), description)


def state_column(tones: Mapping[str, Tone]) -> Any:
    return column(lambda row: mark(tones[row.state], row.get_state_display()), _("state"), "state")


def channel_column() -> Any:
    return column(lambda row: channel_name(row.channel), _("by"), "channel")


def delegate_column() -> Any:
    def delegate_of(row: Any) -> SafeString:
        return link(row.delegate) if row.delegate else mark("quiet", gettext("nobody"))

    return column(delegate_of, _("delegate"), "delegate__name")


def duration_column(start: str, end: str, *, unknown: object = "") -> Any:
    """The time between the fields `start` and `end`; `unknown` as long as one of them is empty."""
    return column(lambda row: took(getattr(row, start), getattr(row, end)) or unknown, _("took"))


def reading_mark(feed: AbsenceFeed | RotaFeed) -> SafeString:
    """Whether a calendar is read: since when it cannot be, and why; else when it was read last."""
    if feed.failing_since is not None:
        last_version_note = gettext("What was read before holds.") if feed.read_at else ""
        arguments = {"time": there(feed.failing_since), "why": reasons.words(feed, "fault")}
        return with_why(mark("bad", gettext("not read since %(time)s: %(why)s") % arguments), last_version_note)
    if feed.read_at is None:
        return mark("wait", gettext("not read yet"))
    return with_why(mark("ok", gettext("read")), ago(feed.read_at))


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
