"""“Where the time goes”: what came to the team of whoever leads it, how long it waited, and what is open; of nobody
alone. As a page and as a CSV file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import tablib
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext, gettext_lazy
from django.views.decorators.http import require_safe

from escalations.team_time import figures, reading
from escalations.team_time.crowds import FEWEST, Folded, GroupT
from escalations.team_time.figures import AGES, WAYS, By, Key, Times, Waiting, Work
from escalations.team_time.working_hours import WorkingHours
from notifications.admin.sheets import KINDS, write
from notifications.admin.words import span
from notifications.inbox.session import PersonRequest, person_required
from notifications.inbox.shell import show_page
from notifications.models import Category, Recipient
from notifications.people.leading import led_by
from notifications.wording.formats import zone_of

Text = str | Promise

PERIODS = (7, 30, 90)
"""Days."""
NAMES: dict[By, Text] = {
    "kind": gettext_lazy("Kind of task"),
    "category": gettext_lazy("Category"),
    "case": gettext_lazy("Kind of case"),
    "week": gettext_lazy("Week"),
}
NOT_KNOWN = "–"


@dataclass(frozen=True)
class Table:
    """In words; the first cell of a row names it."""

    heads: Sequence[Text]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Asked:
    by: By
    days: int

    @classmethod
    def of(cls, request: HttpRequest) -> "Asked":
        by = next((way for way in WAYS if way == request.GET.get("by")), WAYS[0])
        days = next((days for days in PERIODS if str(days) == request.GET.get("days")), PERIODS[1])
        return cls(by, days)

    def address(self, page: str = "team:time", *, by: By | None = None, days: int | None = None) -> str:
        return f"{reverse(page)}?{urlencode({'days': days or self.days, 'by': by or self.by})}"


@dataclass(frozen=True)
class Found:
    """`since`: from when on everything is counted, if that is not the whole period. Without people enough there are no
    tables."""

    work: Table | None
    waiting: Table | None
    since: datetime | None
    few: bool


@person_required
@require_safe
def page(request: PersonRequest) -> HttpResponse:
    """For whoever leads somebody; 404 for others."""
    asked, people = Asked.of(request), _led(request)
    with timezone.override(zone_of(request.recipient.timezone)):
        context = {
            "found": _found(people, asked, timezone.now()),
            "periods": [(days, asked.address(days=days), days == asked.days) for days in PERIODS],
            "ways": [(NAMES[way], asked.address(by=way), way == asked.by) for way in WAYS],
            "csv": asked.address("team:time-csv"),
            "fewest": FEWEST,
        }
        return show_page(request, "inbox/team_time.html", context)


@person_required
@require_safe
def download(request: PersonRequest) -> HttpResponse:
    """The tables that the page shows, one below the other."""
    asked, people = Asked.of(request), _led(request)
    with timezone.override(zone_of(request.recipient.timezone)):
        found = _found(people, asked, timezone.now())
    if found.work is None:
        raise Http404
    rows = [*found.work.rows]
    if found.waiting is not None:
        width = len(found.work.heads)
        rows += [[""] * width, [*map(str, found.waiting.heads)], *found.waiting.rows]
        rows = [[*row, *[""] * (width - len(row))] for row in rows]
    data = tablib.Dataset(*rows, headers=[*map(str, found.work.heads)])
    name = f"team-{asked.by}-{asked.days}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(write(data, "csv"), content_type=KINDS["csv"], headers=headers)


def _led(request: PersonRequest) -> list[Recipient]:
    people = list(led_by(request.recipient))
    if not people:
        raise Http404
    return people


def _found(people: Sequence[Recipient], asked: Asked, now: datetime) -> Found:
    if len(people) < FEWEST:
        return Found(None, None, None, few=True)
    pks = [person.pk for person in people]
    since = now - timedelta(days=asked.days)
    beyond = reading.all_since(pks, since)
    key_of = figures.grouping(asked.by, timezone.get_current_timezone())
    first = beyond + timedelta(microseconds=1) if beyond is not None else since
    messages = reading.messages_outside_hours(pks, first, WorkingHours(people))
    work = figures.of_work(reading.tasks(pks, first, now), messages, key_of)
    waiting = figures.of_waiting(reading.open_now(pks, now), now, key_of)
    names = _Names(asked.by)
    return Found(_of_work(work, names), _of_waiting(waiting, names), beyond, few=False)


# --- words ------------------------------------------------------------------------------------------------------------
class _Names:
    def __init__(self, by: By) -> None:
        self.by = by
        language = get_language() or "en"
        rows = Category.objects.all() if by == "category" else ()
        self.categories: Mapping[int, str] = {row.pk: row.name_in(language) for row in rows}

    def of(self, key: Key) -> str:
        if isinstance(key, date):
            return gettext("week of %(day)s") % {"day": date_format(key, gettext("j M"))}
        if isinstance(key, int):
            return self.categories.get(key, "")
        return str(key) if key else gettext("without a name")

    def ordered(self, keys: Sequence[Key]) -> list[Key]:
        """Weeks by time, the newest first; all others by name."""
        if self.by == "week":
            return sorted(keys, key=str, reverse=True)
        return sorted(keys, key=lambda key: self.of(key).casefold())


def _of_work(found: Folded[Key, Work], names: _Names) -> Table | None:
    if found.total is None:
        return None
    heads = [
        NAMES[names.by], gettext("Came"),
        gettext("Half were seen within"), gettext("9 of 10 were seen within"),
        gettext("Half were answered within"), gettext("9 of 10 were answered within"),
        gettext("Late"), gettext("Asked about"), gettext("Messages outside working hours"),
    ]  # fmt: skip
    return Table(heads, _rows(found, names, _work_cells))


def _rows(found: Folded[Key, GroupT], names: _Names, cells: Callable[[GroupT], list[str]]) -> list[list[str]]:
    """The groups, what is put together, and the sum."""
    assert found.total is not None
    rows = [[names.of(key), *cells(found.shown[key])] for key in names.ordered([*found.shown])]
    if found.others is not None and rows:
        rows.append([gettext("others"), *cells(found.others)])
    return [*rows, [gettext("all"), *cells(found.total)]]


def _work_cells(group: Work) -> list[str]:
    return [
        str(group.came), *_times(group.seen), *_times(group.answered),
        str(group.late), str(group.asked), str(group.outside_hours),
    ]  # fmt: skip


def _times(times: Times) -> list[str]:
    return [span(length) if (length := times.within(percent)) is not None else NOT_KNOWN for percent in (50, 90)]


def _of_waiting(found: Folded[Key, Waiting], names: _Names) -> Table | None:
    if found.total is None:
        return None
    days = [age // timedelta(days=1) for age in AGES]
    ages = [
        gettext("under a day"),
        *(gettext("%(first)d to %(last)d days") % {"first": first, "last": last} for first, last in pairwise(days)),
    ]
    older = gettext("%(days)d days and more") % {"days": days[-1]}
    heads = [NAMES[names.by], gettext("Open now"), *ages, older, gettext("Late")]
    return Table(heads, _rows(found, names, _waiting_cells))


def _waiting_cells(group: Waiting) -> list[str]:
    return [str(group.size), *map(str, group.ages), str(group.late)]
