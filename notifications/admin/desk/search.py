"""The search on every page of the desk, while somebody types, in all kinds that the user may see.

Each kind finds a few rows, by its indexes. Rows with exactly the typed id come first. Nothing is cached: permissions
are checked each time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

import structlog
from django.contrib import admin
from django.db import OperationalError, connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, Func, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from psycopg.errors import QueryCanceled

from notifications.additions import SearchKind
from notifications.admin.desk import navigation
from notifications.admin.desk.base import as_uuid
from notifications.admin.desk.display import change_url
from notifications.models import (
    Callback,
    Case,
    Delivery,
    Engine,
    Event,
    FourEyesRule,
    Notification,
    Recipient,
    Route,
    Task,
    Team,
    Template,
)
from notifications.models.events import CASE_WORDS, TASK_WORDS
from notifications.models.people import PERSON_WORDS
from wfpush import features
from wfpush.postgres.word_index import Words, has_words, having

log = structlog.get_logger(__name__)

MAX_PER_KIND = 5
"""Maximum number of hits of a kind."""
NEWEST = 1_000
"""Number of the newest rows that are searched for beginnings of words. Common words are found among them at once."""
COMMON = 500
"""Maximum number of rows that the index returns for the same words."""
MOST_CHARACTERS, MOST_WORDS = 200, 8
SHORTEST_ID = 8
"""Minimum number of hexadecimal digits by which our ids are found."""

PATIENCE = 1_000
"""Maximum duration of a statement in milliseconds, for searches that no index foresaw."""

_BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true), set_config(%s, %s, true)"
"""Settings of a search: without statistics of new rows, PostgreSQL may prefer a scan to the index of words."""


@dataclass(frozen=True)
class Query:
    """The typed text, in the forms in which kinds look for it."""

    text: str

    @cached_property
    def words(self) -> list[str]:
        return self.text.split()[:MOST_WORDS]

    @cached_property
    def id(self) -> UUID | None:
        return as_uuid(self.text)

    @cached_property
    def ids(self) -> tuple[UUID, UUID] | None:
        """The lowest and the highest of our ids that begin with the text, or None."""
        digits = self.text.replace("-", "").lower()
        if not SHORTEST_ID <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
            return None
        return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))

    @cached_property
    def engines(self) -> dict[int, str]:
        """Names of all engines by key: indexes of engines' ids begin with the engine, so searches name all engines."""
        return dict(Engine.objects.values_list("pk", "name"))

    def all_in(self, *fields: str) -> Q:
        """Return a condition: each word is somewhere in one of the fields. For small tables."""
        anywhere = (reduce(or_, (Q(**{f"{field}__icontains": word}) for field in fields)) for word in self.words)
        return reduce(and_, anywhere, Q())

    def names(self, ids: Iterable[object]) -> bool:
        """Return whether one of the ids is exactly the text."""
        return any(each == self.id or str(each).casefold() == self.text.casefold() for each in ids if each)


@dataclass(frozen=True)
class Kind:
    """A kind of rows, with its search and its display. `find` yields the best rows first, some perhaps twice."""

    model: type[Model]
    icon: str
    find: Callable[[Query], Iterable[Any]]
    describe: Callable[[Any, Query], Iterable[object]]
    """Function that returns the words beside a row's name. Empty ones are left out."""
    ids: Callable[[Any], Iterable[object]]
    by_words: bool = True
    """True if words find its rows. If not, only the whole id does, and the help does not name the kind."""

    def hits(self, query: Query) -> Iterator["Hit"]:
        shown: dict[Any, Any] = {}
        for row in self.find(query):
            shown.setdefault(row.pk, row)
            if len(shown) > MAX_PER_KIND:
                break
        for row in shown.values():
            details = " · ".join(str(each) for each in self.describe(row, query) if each)
            kind = str(capfirst(self.model._meta.verbose_name))
            yield Hit(kind, str(row), details, change_url(row), self.icon, query.names(self.ids(row)))


@dataclass(frozen=True)
class Hit:
    kind: str
    name: str
    details: str
    address: str
    icon: str
    exact: bool = False


# --- ways of searching ------------------------------------------------------------------------------------------------
def with_whole_words(rows: QuerySet[Any], searched: Words, query: Query) -> Iterable[Any]:
    """Return the newest few rows with exactly these words; none if very many rows have them."""
    keys = _matching_keys(rows, having(searched, query.text, whole=True))
    return _newest(rows, keys) if len(keys) < COMMON else ()


def among_newest(rows: QuerySet[Any], searched: Words, query: Query) -> Iterable[Any]:
    """Return those of the NEWEST rows in which words begin with the text."""
    condition = having(searched, query.text)
    if not condition:
        return ()
    oldest = rows.order_by("-pk").values_list("pk", flat=True)[NEWEST - 1 : NEWEST].first()
    matches = rows.filter(condition, **({"pk__gte": oldest} if oldest else {}))
    return matches.order_by("-pk")[: MAX_PER_KIND + 1]


def with_words(rows: QuerySet[Any], searched: Words, query: Query) -> Iterable[Any]:
    """Return a few rows in which words begin with the text: the newest, except for very common words."""
    return _newest(rows, _matching_keys(rows, having(searched, query.text)))


def _matching_keys(rows: QuerySet[Any], condition: Func | None) -> list[Any]:
    """Return keys in no order: to find the newest rows, PostgreSQL would read all rows with a word."""
    return list(rows.filter(condition).order_by().values_list("pk", flat=True)[:COMMON]) if condition else []


def _newest(rows: QuerySet[Any], keys: list[Any]) -> Iterable[Any]:
    return rows.filter(pk__in=sorted(keys)[-MAX_PER_KIND - 1 :]).order_by("-pk") if keys else ()


def with_our_id(rows: QuerySet[Any], query: Query) -> list[Any]:
    """Return the rows with our id, whole or its beginning."""
    return list(rows.filter(pk__range=query.ids).order_by("-pk")[: MAX_PER_KIND + 1]) if query.ids else []


def with_engine_id(rows: QuerySet[Any], query: Query, **ids: str) -> list[Any]:
    """Return the rows with an id that their engine gave them."""
    return list(rows.filter(engine__in=list(query.engines), **ids)[: MAX_PER_KIND + 1])


def small(
    model: type[Model], icon: str, fields: Sequence[str], details: Callable[[Any, Query], Iterable[object]]
) -> Kind:
    """Return a kind with few rows: searched by words anywhere in its fields, whole fields first."""

    def find(query: Query) -> list[Any]:
        rows = model._default_manager.filter(query.all_in(*fields))
        whole = reduce(or_, (Q(**{f"{field}__iexact": query.text}) for field in fields))
        order = [ExpressionWrapper(whole, BooleanField()).desc(), *(model._meta.ordering or ())]
        return list(rows.order_by(*order)[: MAX_PER_KIND + 1])

    return Kind(model, icon, find, details, lambda row: [getattr(row, field) for field in fields])


def on_or_off(on: bool) -> str:
    return _("on") if on else _("off")


# --- people, tasks, cases ---------------------------------------------------------------------------------------------
def _people(query: Query) -> Iterator[Recipient]:
    """Yield internal people first: external people may be very many."""
    rows = Recipient.objects.all()
    exact = Q(engine=None, ref=query.text) | Q(engine__in=list(query.engines), ref=query.text) | Q(email=query.text)
    yield from rows.filter(exact).order_by()[: MAX_PER_KIND + 1]
    for part in (rows.filter(engine=None), rows.filter(engine__isnull=False)):
        yield from with_whole_words(part, PERSON_WORDS, query)
        yield from with_words(part, PERSON_WORDS, query)


def _about_person(person: Recipient, query: Query) -> list[object]:
    return [person.ref, query.engines.get(person.engine_id or 0), "" if person.active else _("not active")]


def _tasks(query: Query) -> Iterator[Task]:
    """Yield tasks. An index of all names would cost every event. Older tasks are found by a rare word of their case's
    title, or by their name if they have no case."""
    rows = Task.objects.only("task_id", "name", "state", "engine_id", "case__title").select_related("case")
    yield from with_our_id(rows, query)
    yield from with_engine_id(rows, query, task_id=query.text)
    of_cases = list(rows.filter(case__in=_likely_cases(query)).order_by("-pk")[:COMMON])
    yield from (task for task in of_cases if has_words(_searched(task), query.text, whole=True))
    yield from among_newest(rows, TASK_WORDS, query)
    yield from (task for task in of_cases if has_words(_searched(task), query.text))
    yield from with_words(rows.filter(case=None), TASK_WORDS, query)


def _searched(task: Task) -> str:
    return f"{task.name} {task.case.title if task.case else ''}"


def _likely_cases(query: Query) -> set[int]:
    """Return keys of cases whose title has all of the words, or one rare word."""
    ways = [having(CASE_WORDS, query.text), *(having(CASE_WORDS, word, whole=True) for word in query.words)]
    key_sets = [_matching_keys(Case.objects.all(), way) for way in ways]
    return {key for keys in key_sets if len(keys) < COMMON for key in keys}


def _cases(query: Query) -> Iterator[Case]:
    rows = Case.objects.all()
    yield from with_engine_id(rows, query, case_id=query.text)
    yield from with_whole_words(rows, CASE_WORDS, query)
    yield from among_newest(rows, CASE_WORDS, query)
    yield from with_words(rows, CASE_WORDS, query)


def _events(query: Query) -> Iterator[Event]:
    rows = Event.objects.only("event_id", "type", "status", "engine_id")
    yield from with_our_id(rows, query)
    yield from with_engine_id(rows, query, event_id=query.text)


def _by_our_id(model: type[Model], icon: str) -> Kind:
    """Return a kind with many rows without a name: searched by the whole id."""

    def find(query: Query) -> QuerySet[Any]:
        rows = model._default_manager.all()
        return rows.filter(pk=query.id) if query.id else rows.none()

    return Kind(model, icon, find, lambda row, _query: [row.get_state_display()], lambda row: [row.pk], by_words=False)


def _engine_and_state(row: Any, query: Query) -> list[object]:
    """Return the engine's name, and the state of a task or event, or a case's status in the engine."""
    state = row.get_state_display() if isinstance(row, Task) else row.status
    return [query.engines.get(row.engine_id), row.get_status_display() if isinstance(row, Event) else state]


def _about_engine(engine: Engine, _query: Query) -> list[object]:
    return [engine.slug, on_or_off(engine.active)]


KINDS: list[Kind] = [
    Kind(Recipient, "person", _people, _about_person, lambda person: [person.ref, person.email]),
    Kind(Task, "task_alt", _tasks, _engine_and_state, lambda task: [task.pk, task.task_id]),
    Kind(Case, "folder_open", _cases, _engine_and_state, lambda case: [case.case_id]),
    Kind(Event, "input", _events, _engine_and_state, lambda event: [event.pk, event.event_id]),
    small(Route, "alt_route", ["name"], lambda route, _query: [on_or_off(route.enabled)]),
    small(FourEyesRule, "visibility", ["name"], lambda rule, _query: [on_or_off(rule.enabled)]),
    small(Template, "edit_note", ["name", "slug"], lambda template, _query: [template.slug]),
    small(Engine, "settings_input_component", ["name", "slug"], _about_engine),
    small(Team, "groups", ["name", "slug"], lambda team, _query: [team.slug]),
    _by_our_id(Notification, "notifications"),
    _by_our_id(Delivery, "send"),
    _by_our_id(Callback, "reply"),
]
"""The kinds of the core."""


def all_kinds() -> list[Kind]:
    return [*KINDS, *(import_string(each.kind) for each in features.added(SearchKind))]


# --- the response -----------------------------------------------------------------------------------------------------
def answer(request: HttpRequest) -> HttpResponse:
    """Return the hits as options of a list, with a sentence that says how many there are."""
    query = Query(" ".join(request.GET.get("q", "").split())[:MOST_CHARACTERS].strip())
    kinds = [kind for kind in all_kinds() if admin.site.get_model_admin(kind.model).has_view_permission(request)]
    hits, more = _find_hits(request, kinds, query) if query.text else ([], False)
    context = {"hits": hits, "said": _summary(kinds, query, hits, more)}
    return render(request, "admin/desk/found.html", context)


def _find_hits(request: HttpRequest, kinds: list[Kind], query: Query) -> tuple[list[Hit], bool]:
    """Return the hits, and whether there are more. A kind that takes too long is left out and counts as more."""
    hits, more, remaining = list(_pages(request, query)), False, list(kinds)
    while remaining:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_BY_INDEX, ["statement_timeout", str(PATIENCE)])
                while remaining:
                    kind_hits = list(remaining[0].hits(query))
                    hits += kind_hits[:MAX_PER_KIND]
                    more |= len(kind_hits) > MAX_PER_KIND
                    remaining.pop(0)
        except OperationalError as fault:
            if not isinstance(fault.__cause__, QueryCanceled):
                raise
            log.warning("search_takes_too_long", kind=remaining.pop(0).model._meta.label, characters=len(query.text))
            more = True
    return sorted(hits, key=lambda hit: not hit.exact), more


def _pages(request: HttpRequest, query: Query) -> Iterator[Hit]:
    """Yield lists and pages of the navigation whose names have words that begin with the typed words."""
    prefixes = [word.casefold() for word in query.words]
    for section, place in navigation.everywhere(request):
        name = place.title()
        words = name.casefold().split()
        if all(any(word.startswith(each) for word in words) for each in prefixes):
            yield Hit(_("Page"), name, str(section.title), place.address(), place.icon or section.icon)


def _summary(kinds: list[Kind], query: Query, hits: list[Hit], more: bool) -> str:
    if not kinds:
        return _("You have no right to see anything here.")
    if not query.text:
        names = ", ".join(str(kind.model._meta.verbose_name_plural) for kind in kinds if kind.by_words)
        return _("Finds %(kinds)s, and pages of the desk: by names, words and ids.") % {"kinds": names}
    if not hits:
        return _("Nothing found for “%(words)s”. Search looks for the beginnings of words.") % {"words": query.text}
    if more:
        return _("The newest or closest of each kind. Type more to narrow the search.")
    return ngettext("%(number)d found.", "%(number)d found.", len(hits)) % {"number": len(hits)}
