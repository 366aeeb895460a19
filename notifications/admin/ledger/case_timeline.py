"""The timeline of a task or case in pages, the newest first: its events, who was notified of each, and the answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import display_for_field, label_for_field, lookup_field
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from notifications.admin.desk.base import LedgerAdmin
from notifications.admin.desk.display import NOTHING, change_url
from notifications.admin.ledger.timeline import (
    DayLine,
    Line,
    answer_line,
    matched_lines,
    message_lines,
    other_lines,
    people,
    processing,
)
from notifications.items.representation import answers_with_calls
from notifications.models import Case, Event, Task

PARAMETER = "earlier"
EVENTS = 10
"""Number of events on a page."""
PEOPLE, ANSWERS = 20, 50
"""Maximum number of people of an event, and of answers of a page. The event's page and the list of answers have all."""
MOST_PAGES = 1_000


@dataclass(frozen=True)
class Timeline:
    """One page of the timeline. `number` counts from 0, the page with the newest events."""

    row: Task | Case
    number: int

    @cached_property
    def lines(self) -> list[Line]:
        """The lines in order of time. An answer comes before events that it made at the same instant."""
        entries = [*self._answers(), *map(_event_line, reversed(self._page_events))]
        return sorted(entries, key=lambda line: line.at.timestamp() if line.at else 0)

    @cached_property
    def earlier(self) -> int | None:
        """The number of the page with earlier events, or None."""
        return self.number + 1 if len(self._event_window) > EVENTS + bool(self.number) else None

    @property
    def later(self) -> int | None:
        return self.number - 1 if self.number else None

    @cached_property
    def _event_window(self) -> Sequence[Event]:
        """The page's events, the newest first, and one neighbour on each side if there is one."""
        row_filter = Q(task=self.row) if isinstance(self.row, Task) else Q(case=self.row)
        before = 1 if self.number else 0
        start = self.number * EVENTS - before
        events = Event.objects.filter(row_filter).select_related("engine", "task", "case").order_by("-id")
        return list(events[start : start + before + EVENTS + 1])

    @cached_property
    def _page_events(self) -> Sequence[Event]:
        before = 1 if self.number else 0
        return self._event_window[before : before + EVENTS]

    def _answers(self) -> Iterator[Line]:
        """Yield the answers since the page's first event and before the first event of the next page."""
        if self.number and not self._page_events:
            return
        owner = {"task" if isinstance(self.row, Task) else "task__case": self.row}
        answers = answers_with_calls().filter(**owner)
        if self.number:
            answers = answers.filter(at__lt=self._event_window[0].received_at)
        if self.earlier is not None:
            answers = answers.filter(at__gte=self._page_events[-1].received_at)
        for response in answers.order_by("-at", "-pk")[:ANSWERS]:
            line = answer_line(response)
            yield DayLine(line.text, line.tone, line.at, line.detail, line.href, line.below)


def _event_line(event: Event) -> Line:
    subject = event.task or event.case
    line = DayLine(event.type, "ok", event.received_at, _("about “%(about)s”") % {"about": subject}, change_url(event))
    notified = [*people(event, PEOPLE), *message_lines(event, PEOPLE)]
    line.below = [*processing(event), *matched_lines(event.plan), *notified, *other_lines(event.plan)]
    return line


class TimelineAdmin(LedgerAdmin):
    """A ledger that begins the page of a task or case with its facts, and with its timeline for users who may read
    events."""

    change_form_outer_before_template = "admin/desk/story.html"
    facts: Mapping[str, str] = {}
    """The columns and fields of the row that the page begins with, each with the permission that it needs, if any."""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        row = kwargs.get("obj")
        if row is not None:
            context["facts"] = list(self._facts(request, row))
        if row is not None and request.user.has_perm("notifications.view_event"):
            page = request.GET.get(PARAMETER, "")
            context["story"] = Timeline(row, min(int(page), MOST_PAGES) if page.isdecimal() and len(page) < 9 else 0)
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    def _facts(self, request: HttpRequest, row: Task | Case) -> Iterator[tuple[str, Any]]:
        """Yield label and value of each fact that the row has."""
        for name, permission in self.facts.items():
            if permission and not request.user.has_perm(permission):
                continue
            field, _attribute, value = lookup_field(name, row, self)
            value = display_for_field(value, field, "") if field is not None else value
            if value and value != NOTHING:
                yield label_for_field(name, type(row), self, return_attr=False), value
