"""“Where the time goes”: a team lead's figures of tasks that came, times until an answer, and open tasks. No figure is
of a single person. As a page and as a CSV file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext, gettext_lazy
from django.views.decorators.http import require_safe

from escalations.team_time import figures, queries
from escalations.team_time.figures import AGES, MIN_PEOPLE, WAYS, By, GroupT, Key, ShownGroups, Times, Waiting, Work
from notifications.admin.desk.display import span
from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, person_required
from notifications.models import Category, Recipient
from notifications.people.colleagues import led_by
from notifications.wording.formats import zone_of
from notifications.wording.sentences import Text
from wfpush import csv_export

PERIODS = (7, 30, 90)
"""The periods that the page offers, in days."""
NAMES: dict[By, Text] = {
    "kind": gettext_lazy("Kind of task"),
    "category": gettext_lazy("Category"),
    "case": gettext_lazy("Kind of case"),
    "week": gettext_lazy("Week"),
}
NOT_KNOWN = "–"


@dataclass(frozen=True)
class Table:
    """A table of the page. The first cell of a row names it."""

    heads: Sequence[Text]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Choice:
    by: By
    days: int

    @classmethod
    def of(cls, request: HttpRequest) -> "Choice":
        by = next((way for way in WAYS if way == request.GET.get("by")), WAYS[0])
        days = next((days for days in PERIODS if str(days) == request.GET.get("days")), PERIODS[1])
        return cls(by, days)

    def address(self, page: str = "team_time:page", *, by: By | None = None, days: int | None = None) -> str:
        return f"{reverse(page)}?{urlencode({'days': days or self.days, 'by': by or self.by})}"


@dataclass(frozen=True)
class Tables:
    """The tables of the page. `since`: the start of the count, if that is not the whole period. `few`: too few people,
    so there are no tables."""

    work: Table | None
    waiting: Table | None
    since: datetime | None
    few: bool


@person_required
@require_safe
def page(request: PersonRequest) -> HttpResponse:
    """Show the figures of the people whom the reader leads; 404 if they lead nobody."""
    choice, people = Choice.of(request), _led_people(request)
    with timezone.override(zone_of(request.recipient.timezone)):
        context = {
            "tables": _tables(people, choice, timezone.now()),
            "periods": [(days, choice.address(days=days), days == choice.days) for days in PERIODS],
            "ways": [(NAMES[way], choice.address(by=way), way == choice.by) for way in WAYS],
            "csv": choice.address("team_time:csv"),
            "fewest": MIN_PEOPLE,
        }
        return show_page(request, "team_time/page.html", context)


@person_required
@require_safe
def download(request: PersonRequest) -> HttpResponse:
    """Return the tables of the page as a CSV file, one below the other."""
    choice, people = Choice.of(request), _led_people(request)
    with timezone.override(zone_of(request.recipient.timezone)):
        tables = _tables(people, choice, timezone.now())
    if tables.work is None:
        raise Http404
    rows = [*tables.work.rows]
    if tables.waiting is not None:
        width = len(tables.work.heads)
        rows += [[""] * width, [*map(str, tables.waiting.heads)], *tables.waiting.rows]
        rows = [[*row, *[""] * (width - len(row))] for row in rows]
    content = csv_export.write([*map(str, tables.work.heads)], rows)
    name = f"team-{choice.by}-{choice.days}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=csv_export.CONTENT_TYPE, headers=headers)


def _led_people(request: PersonRequest) -> list[Recipient]:
    people = list(led_by(request.recipient))
    if not people:
        raise Http404
    return people


def _tables(people: Sequence[Recipient], choice: Choice, now: datetime) -> Tables:
    if len(people) < MIN_PEOPLE:
        return Tables(None, None, None, few=True)
    pks = [person.pk for person in people]
    since = now - timedelta(days=choice.days)
    beyond = queries.all_since(pks, since)
    key_of = figures.grouping(choice.by, timezone.get_current_timezone())
    first = beyond + timedelta(microseconds=1) if beyond is not None else since
    messages = queries.messages_outside_hours(pks, first, queries.WorkingHours(people))
    work = figures.of_work(queries.tasks(pks, first, now), messages, key_of)
    waiting = figures.of_waiting(queries.open_now(pks, now), now, key_of)
    names = _Names(choice.by)
    return Tables(_of_work(work, names), _of_waiting(waiting, names), beyond, few=False)


# --- words of the tables ----------------------------------------------------------------------------------------------
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
        """Return the keys in the order of the page: weeks from the newest on, all others by name."""
        if self.by == "week":
            return sorted(keys, key=str, reverse=True)
        return sorted(keys, key=lambda key: self.of(key).casefold())


def _of_work(groups: ShownGroups[Work], names: _Names) -> Table | None:
    if groups.total is None:
        return None
    heads = [
        NAMES[names.by], gettext("Received"),
        gettext("Half were seen within"), gettext("9 of 10 were seen within"),
        gettext("Half were answered within"), gettext("9 of 10 were answered within"),
        gettext("Late"), gettext("Asked about"), gettext("Messages outside working hours"),
    ]  # fmt: skip

    def cells(group: Work) -> list[str]:
        times = [*_times(group.seen), *_times(group.answered)]
        return [str(group.came), *times, str(group.late), str(group.with_question), str(group.outside_hours)]

    return Table(heads, _rows(groups, names, cells))


def _rows(groups: ShownGroups[GroupT], names: _Names, cells: Callable[[GroupT], list[str]]) -> list[list[str]]:
    """Return a row for each group, one for the small groups together, and the sum."""
    assert groups.total is not None
    rows = [[names.of(key), *cells(groups.shown[key])] for key in names.ordered([*groups.shown])]
    if groups.others is not None and rows:
        rows.append([gettext("others"), *cells(groups.others)])
    return [*rows, [gettext("all"), *cells(groups.total)]]


def _times(times: Times) -> list[str]:
    return [span(length) if (length := times.within(percent)) is not None else NOT_KNOWN for percent in (50, 90)]


def _of_waiting(groups: ShownGroups[Waiting], names: _Names) -> Table | None:
    if groups.total is None:
        return None
    days = [age // timedelta(days=1) for age in AGES]
    ages = [
        gettext("under a day"),
        *(gettext("%(first)d to %(last)d days") % {"first": first, "last": last} for first, last in pairwise(days)),
    ]
    older = gettext("%(days)d days and more") % {"days": days[-1]}
    heads = [NAMES[names.by], gettext("Open now"), *ages, older, gettext("Late")]
    return Table(heads, _rows(groups, names, lambda group: [str(group.size), *map(str, group.ages), str(group.late)]))


app_name = "team_time"
urlpatterns: list[URLPattern] = [
    path("team/time", page, name="page"),
    path("team/time.csv", download, name="csv"),
]
