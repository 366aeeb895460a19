"""The list: waiting items in groups by due time, and news and answered items below them. With a query, the matching
items in pages back to the first day. Switches and filters narrow the list down."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from django.db.models import Case as CaseWhen
from django.db.models import Count, F, IntegerField, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from notifications.inbox import fact_filters, search
from notifications.inbox.cards import Card, card
from notifications.inbox.list_query import AMOUNT_SORTS, DUE, PLAIN, Finding
from notifications.items.representation import notification_queryset
from notifications.items.snoozing import snoozed
from notifications.models import Case, Engine, Notification, NotificationState, Priority, Recipient, Task, Team
from notifications.wording.formats import local_hour
from notifications.wording.languages import reading_language
from notifications.wording.times import SOON

GROUP_SHOWN, UPDATES_SHOWN, DONE_SHOWN = 20, 10, 10
"""Items of each section in the list as it opens: the page stays under 100 kB."""

PAGE = 50
"""Items on a page of matches."""

MOST_CHOICES = 100
MOST_READ = 2_000
"""Newest items that are read for the choices of filters."""

RANKS = {Priority.URGENT: 0, Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}

STATES = {
    "waiting": [NotificationState.OPEN],
    "updates": [NotificationState.INFO],
    "done": [NotificationState.ANSWERED, NotificationState.WITHDRAWN, NotificationState.EXPIRED],
}
"""The states of a tab's items. The tab `all` has every state."""


def group_name(due: str) -> str:
    names = {"back": _("Back from snooze"), "overdue": _("Overdue"), "today": _("Due soon"), "later": _("Later")}
    return names[due]


@dataclass(frozen=True)
class Group:
    """A group of waiting items that are due at about the same time: `count` of them, of which `cards` are shown."""

    due: str
    count: int
    cards: Sequence[Card] = ()

    @property
    def name(self) -> str:
        return group_name(self.due)

    @property
    def more(self) -> int:
        return self.count - len(self.cards)

    @property
    def suffix(self) -> str:
        return Finding(due=self.due).suffix


@dataclass(frozen=True)
class MatchPage:
    """One page of matches: the items from `first` on. `count` is that of all pages; None if unknown."""

    cards: Sequence[Card] = ()
    first: int = 0
    count: int | None = None
    newer: str = ""
    """The query string of the previous page, with its `?`; empty on the first page."""
    older: str = ""

    @property
    def last(self) -> int:
        return self.first + len(self.cards) - 1


@dataclass(frozen=True)
class Listing:
    """A person's list at one moment. `seq` is that of the last change in it."""

    seq: int = 0
    unread: int = 0
    waiting: int = 0
    """Number of items that wait for an answer."""
    snoozed: int = 0
    """Number of the reader's items that are put off."""
    finding: Finding = PLAIN
    groups: Sequence[Group] = tuple(Group(due, 0) for due in DUE)
    updates: Sequence[Card] = ()
    done: Sequence[Card] = ()
    matches: MatchPage | None = None
    """The items that `finding` matches, instead of groups, updates and done."""

    @property
    def waiting_shown(self) -> int | None:
        """The number of items to which the tab of waiting items leads; None if unknown."""
        if not self.finding.filtered:
            return self.waiting
        return self.matches.count if self.matches is not None and self.finding.tab == "waiting" else None

    @property
    def can_select(self) -> bool:
        """Return whether the page offers to choose several of its items, or none again."""
        count = self.waiting if self.matches is None else len(self.matches.cards)
        return self.finding.tab == "waiting" and count > (0 if self.finding.selecting else 1)


NOTHING = Listing()


def listing(reader: Recipient, now: datetime, finding: Finding = PLAIN) -> Listing:
    """Return the reader's list, or the items that `finding` matches.

    `seq` was read before everything else on the page. Changes that commit meanwhile therefore come again by the live
    connection, to the list or to the item beside it, and none is missed.
    """
    mine = notification_queryset().filter(recipient=reader)
    here = {due: Count("pk", filter=due_within(due, now) & ~snoozed(now)) for due in DUE}
    counts = of_tab(mine, "waiting").aggregate(**here, snoozed=Count("pk", filter=snoozed(now)))
    overview = Listing(
        seq=reader.inbox_seq,
        unread=mine.filter(read_at=None).count(),
        waiting=sum(counts[due] for due in DUE),
        snoozed=counts["snoozed"],
        finding=finding,
    )
    if not finding.plain:
        return replace(overview, matches=_page_of_matches(mine, reader, now, finding))
    waiting = most_pressing_first(of_tab(mine, "waiting").exclude(snoozed(now)))
    keys = {due: _first(waiting.filter(due_within(due, now)), GROUP_SHOWN) if counts[due] else [] for due in DUE}
    updates = _first(of_tab(mine, "updates").order_by(*NEWEST), UPDATES_SHOWN)
    done = _first(of_tab(mine, "done").order_by(*LAST_CHANGED), DONE_SHOWN)
    shown = _cards([*chain(*keys.values()), *updates, *done], reader, now)
    return replace(
        overview,
        groups=[Group(due, counts[due], _in_order(keys[due], shown)) for due in DUE],
        updates=_in_order(updates, shown),
        done=_in_order(done, shown),
    )


# --- order by due time --------------------------------------------------------------------------------
def due_within(due: str, now: datetime) -> Q:
    """Return a filter for items that are back from snooze, overdue, due until the reader's midnight or SOON, or later.
    Items without a date are later."""
    if due == "back":
        return Q(back_at__isnull=False)
    until = max(local_hour(now, 1), now + SOON)
    by_date = {
        "overdue": Q(due_at__lt=now),
        "today": Q(due_at__gte=now, due_at__lt=until),
        "later": Q(due_at=None) | Q(due_at__gte=until),
    }
    return by_date[due] & Q(back_at=None)


def most_pressing_first(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    """Sort rows by due time, then priority, then the newest: as static/wfpush/cards.js, morePressing."""
    rank = CaseWhen(
        *(When(priority=priority, then=Value(position)) for priority, position in RANKS.items()),
        default=Value(len(RANKS)),
        output_field=IntegerField(),
    )
    return rows.order_by(F("due_at").asc(nulls_last=True), rank.asc(), "-created_at", "-id")


# --- matches of a query --------------------------------------------------------------------------------
NEWEST, OLDEST, LAST_CHANGED = ("-created_at", "-id"), ("created_at", "id"), ("-seq",)


def _page_of_matches(mine: QuerySet[Notification], reader: Recipient, now: datetime, finding: Finding) -> MatchPage:
    rows = _filter_rows(mine, reader, now, finding)
    count = _count(mine, rows, finding)
    if finding.sort in AMOUNT_SORTS:
        rows = fact_filters.order_by_amount(rows, largest=finding.sort == "largest")
    elif finding.sort:
        rows = rows.order_by(*(OLDEST if finding.sort == "oldest" else NEWEST))
    elif finding.tab == "waiting":
        rows = most_pressing_first(rows)
    else:
        rows = rows.order_by(*(LAST_CHANGED if finding.tab == "done" else NEWEST))
    start = (finding.page - 1) * PAGE
    end = start + PAGE + 1
    if finding.words:
        keys = search.matching_keys(rows, finding.words, reading_language(reader), reader, start, end)
    else:
        keys = _window(rows, start, end, count)
    if finding.page == 1 and len(keys) <= PAGE:
        count = len(keys)
    return MatchPage(
        cards=_in_order(keys, _cards(keys[:PAGE], reader, now)),
        first=start + 1,
        count=count,
        newer=replace(finding, page=finding.page - 1).address if finding.page > 1 else "",
        older=replace(finding, page=finding.page + 1).address if len(keys) > PAGE else "",
    )


def _count(mine: QuerySet[Notification], rows: QuerySet[Notification], finding: Finding) -> int | None:
    """Return the number of items on all pages; None if other tables would have to be read beyond a full page.

    Answered items are all except the few that wait or are news: indexes count these without reading each row.
    """
    if finding.words or finding.chosen:
        return None
    if finding.tab == "done" and not finding.filtered:
        return mine.count() - of_tab(mine, "waiting").count() - of_tab(mine, "updates").count()
    return rows.count()


def _window(rows: QuerySet[Notification], start: int, end: int, count: int | None) -> list[UUID]:
    """Return the keys of the rows from `start` to `end`. In the second half the way from the end is shorter."""
    keys = rows.values_list("pk", flat=True)
    if count is None or start <= count // 2:
        return list(keys[start:end])
    return list(keys.reverse()[max(count - end, 0) : max(count - start, 0)])[::-1]


def _filter_rows(
    mine: QuerySet[Notification], reader: Recipient, now: datetime, finding: Finding
) -> QuerySet[Notification]:
    rows = of_tab(mine, finding.tab)
    if finding.tab == "waiting":
        rows = rows.filter(snoozed(now)) if finding.snoozed else rows.exclude(snoozed(now))
    if finding.due:
        rows = rows.filter(due_within(finding.due, now))
    conditions = {
        "priority": Priority.URGENT if finding.urgent else "",
        "escalated": finding.escalated,
        "task__kind": finding.kind,
        "task__engine__slug": finding.engine,
        "task__teams__slug": finding.team,
        "task__initiator": finding.sender,
        "case": finding.case,
    }
    rows = rows.filter(**{name: value for name, value in conditions.items() if value})
    least, most = (search.number_in(text, reader.locale) for text in (finding.least, finding.most))
    rows = fact_filters.filter_by_facts(rows, finding.fact, least, most)
    return rows.filter(read_at=None) if finding.unread else rows


def of_tab(mine: QuerySet[Notification], tab: str) -> QuerySet[Notification]:
    return mine.filter(state__in=STATES[tab]) if tab in STATES else mine


# --- rows and cards -----------------------------------------------------------------------------------
def _first(rows: QuerySet[Notification], most: int) -> list[UUID]:
    return list(rows.values_list("pk", flat=True)[:most])


def _cards(keys: Sequence[UUID], reader: Recipient, now: datetime) -> dict[UUID, Card]:
    """Return the cards of a page by key. Their rows join many tables, so they are read once for the whole page."""
    return {row.pk: card(row, reader, now) for row in notification_queryset().filter(pk__in=keys)}


def _in_order(keys: Sequence[UUID], cards: Mapping[UUID, Card]) -> list[Card]:
    return [cards[key] for key in keys if key in cards]


# --- switches and filters ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Chip:
    """A switch. `query` is the query string of the list when it is pressed."""

    label: str
    query: str
    on: bool
    count: int | None = None
    """Number of unread items, which the page keeps up to date."""


def chips_of(listing: Listing, reader: Recipient) -> Iterator[Chip]:
    """Yield the switches of a list."""
    finding = listing.finding
    if finding.tab == "waiting":
        for due in DUE:
            on = finding.due == due
            if on or due == "overdue":
                yield Chip(group_name(due), finding.but(due="" if on else due).address, on)
    yield _switch(finding, "urgent", _("Urgent"))
    if finding.tab == "waiting":
        yield _switch(finding, "escalated", _("Escalated to me"))
        if listing.snoozed or finding.snoozed:
            yield _switch(finding, "snoozed", _("Snoozed"))
    if finding.case:
        case = Case.objects.filter(pk=finding.case, notifications__recipient=reader).first()
        yield Chip(str(case) if case else _("Case"), finding.but(case="").address, True)
    unread = finding.but(unread=not finding.unread, tab=finding.tab if finding.unread else "all")
    others = replace(finding, unread=False).filtered  # then the number of all unread items is not that of the list
    yield Chip(_("Unread"), unread.address, finding.unread, None if others else listing.unread)


def _switch(finding: Finding, name: str, label: str) -> Chip:
    on = bool(getattr(finding, name))
    return Chip(label, finding.but(**{name: not on}).address, on)


@dataclass(frozen=True)
class Filter:
    """A filter with a list of choices. `name` is its field in the address; `choices` are values with their labels."""

    name: str
    label: str
    chosen: str
    choices: Sequence[tuple[str, str]]


def filters_of(reader: Recipient, finding: Finding) -> list[Filter]:
    """Return the filters of the tab, with choices from its newest items. A filter without choices is left out."""
    newest = of_tab(Notification.objects.filter(recipient=reader), finding.tab).order_by("-created_at")[:MOST_READ]
    tasks = Task.objects.filter(pk__in=newest.values("task"))
    # In one query, since tasks take long to read. Teams would multiply the rows.
    combinations = tasks.order_by().values_list("kind", "initiator", "engine").distinct()
    kinds, starters, engines = [{*each} for each in zip(*combinations, strict=True)] or [set(), set(), set()]
    filters = [
        Filter("kind", _("Kind"), finding.kind, [(kind, kind) for kind in sorted(kinds - {""})[:MOST_CHOICES]]),
        Filter("from", _("Started by"), finding.sender, _choices(Recipient.objects.filter(pk__in=starters), "pk")),
        Filter("team", _("Team"), finding.team, _choices(Team.objects.filter(tasks__in=tasks), "slug")),
        Filter("engine", _("Source system"), finding.engine, _choices(Engine.objects.filter(pk__in=engines), "slug")),
    ]
    if finding.tab == "waiting":
        label, values = fact_filters.common_fact(newest, reader.locale)
        filters.append(Filter("fact", label, finding.fact, [(value, value) for value in values[:MOST_CHOICES]]))
    return [each for each in filters if each.choices]


def _choices(rows: QuerySet[Any], value: str) -> list[tuple[str, str]]:
    pairs = rows.order_by("name").values_list(value, "name").distinct()
    return [(str(key), name or str(key)) for key, name in pairs[:MOST_CHOICES]]
