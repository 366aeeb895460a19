"""The kinds of rows that the search of the desk finds: which of their fields are searched, and how."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Func, Model, Q, QuerySet
from django.utils.translation import gettext as _

from notifications.admin.search import FEW, Asked, Kind, add
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
from wfpush.postgres.words import Words, has_words, having

About = Callable[[Any, Asked], Iterable[object]]

NEWEST = 1_000
"""So many rows are read through for the beginnings of words: common ones are found among them at once."""
COMMON = 500
"""So many rows with the same words are looked at, of those that the index has."""


def with_whole_words(rows: QuerySet[Any], searched: Words, query: Asked) -> Iterable[Any]:
    """The newest few of the rows that have exactly these words; none if very many have."""
    keys = _some(rows, having(searched, query.text, whole=True))
    return _newest(rows, keys) if len(keys) < COMMON else ()


def among_newest(rows: QuerySet[Any], searched: Words, query: Asked) -> Iterable[Any]:
    """Those of the NEWEST rows in which words begin so."""
    condition = having(searched, query.text)
    if not condition:
        return ()
    oldest = rows.order_by("-pk").values_list("pk", flat=True)[NEWEST - 1 : NEWEST].first()
    matches = rows.filter(condition, **({"pk__gte": oldest} if oldest else {}))
    return matches.order_by("-pk")[: FEW + 1]


def with_words(rows: QuerySet[Any], searched: Words, query: Asked) -> Iterable[Any]:
    """A few of the rows in which words begin so: the newest, but for words that very many have."""
    return _newest(rows, _some(rows, having(searched, query.text)))


def _some(rows: QuerySet[Any], condition: Func | None) -> list[Any]:
    """Keys of rows, in no order: PostgreSQL would read all that have a word to find the newest."""
    return list(rows.filter(condition).order_by().values_list("pk", flat=True)[:COMMON]) if condition else []


def _newest(rows: QuerySet[Any], keys: list[Any]) -> Iterable[Any]:
    return rows.filter(pk__in=sorted(keys)[-FEW - 1 :]).order_by("-pk") if keys else ()


def with_our_id(rows: QuerySet[Any], query: Asked) -> list[Any]:
    """The rows with our id, whole or its beginning."""
    return list(rows.filter(pk__range=query.ids).order_by("-pk")[: FEW + 1]) if query.ids else []


def of_engines(rows: QuerySet[Any], query: Asked, **ids: str) -> list[Any]:
    """The rows with an id that their engine gave them."""
    return list(rows.filter(engine__in=list(query.engines), **ids)[: FEW + 1])


def small(model: type[Model], icon: str, fields: Sequence[str], details: About) -> Kind:
    """Return a kind with few rows: searched by words anywhere in its fields, whole fields first."""

    def find(query: Asked) -> list[Any]:
        rows = model._default_manager.filter(query.all_in(*fields))
        whole = reduce(or_, (Q(**{f"{field}__iexact": query.text}) for field in fields))
        order = [ExpressionWrapper(whole, BooleanField()).desc(), *(model._meta.ordering or ())]
        return list(rows.order_by(*order)[: FEW + 1])

    return Kind(model, icon, find, details, lambda row: [getattr(row, field) for field in fields])


def on_or_off(on: bool) -> str:
    return _("on") if on else _("off")


# --- people, tasks, cases ---------------------------------------------------------------------------------------------
def _people(query: Asked) -> Iterator[Recipient]:
    """Those of the house first: external people may be very many."""
    rows = Recipient.objects.all()
    exact = Q(engine=None, ref=query.text) | Q(engine__in=list(query.engines), ref=query.text) | Q(email=query.text)
    yield from rows.filter(exact).order_by()[: FEW + 1]
    for part in (rows.filter(engine=None), rows.filter(engine__isnull=False)):
        yield from with_whole_words(part, PERSON_WORDS, query)
        yield from with_words(part, PERSON_WORDS, query)


def _about_person(person: Recipient, query: Asked) -> list[object]:
    return [person.ref, query.engines.get(person.engine_id or 0), "" if person.active else _("not active")]


def _tasks(query: Asked) -> Iterator[Task]:
    """An index of the names of all tasks would cost every event. Older ones are found by a word of their case's title
    that few cases have, or by their name if they have no case."""
    rows = Task.objects.only("task_id", "name", "state", "engine_id", "case__title").select_related("case")
    yield from with_our_id(rows, query)
    yield from of_engines(rows, query, task_id=query.text)
    of_cases = list(rows.filter(case__in=_likely_cases(query)).order_by("-pk")[:COMMON])
    yield from (task for task in of_cases if has_words(_searched(task), query.text, whole=True))
    yield from among_newest(rows, TASK_WORDS, query)
    yield from (task for task in of_cases if has_words(_searched(task), query.text))
    yield from with_words(rows.filter(case=None), TASK_WORDS, query)


def _searched(task: Task) -> str:
    return f"{task.name} {task.case.title if task.case else ''}"


def _likely_cases(query: Asked) -> set[int]:
    """Keys of cases whose title has all of the words, or one that few have."""
    ways = [having(CASE_WORDS, query.text), *(having(CASE_WORDS, word, whole=True) for word in query.words)]
    key_sets = [_some(Case.objects.all(), way) for way in ways]
    return {key for keys in key_sets if len(keys) < COMMON for key in keys}


def _cases(query: Asked) -> Iterator[Case]:
    rows = Case.objects.all()
    yield from of_engines(rows, query, case_id=query.text)
    yield from with_whole_words(rows, CASE_WORDS, query)
    yield from among_newest(rows, CASE_WORDS, query)
    yield from with_words(rows, CASE_WORDS, query)


def _events(query: Asked) -> Iterator[Event]:
    rows = Event.objects.only("event_id", "type", "status", "engine_id")
    yield from with_our_id(rows, query)
    yield from of_engines(rows, query, event_id=query.text)


def _by_our_id(model: type[Model], icon: str) -> Kind:
    """Return a kind with many rows without a name: searched by the whole id."""

    def find(query: Asked) -> QuerySet[Any]:
        rows = model._default_manager.all()
        return rows.filter(pk=query.id) if query.id else rows.none()

    return Kind(model, icon, find, lambda row, _query: [row.get_state_display()], lambda row: [row.pk], by_words=False)


def _of_engine(row: Any, query: Asked) -> list[object]:
    """The engine's name, and the state of a task or an event, or the status that a case has there."""
    state = row.get_state_display() if isinstance(row, Task) else row.status
    return [query.engines.get(row.engine_id), row.get_status_display() if isinstance(row, Event) else state]


def _about_engine(engine: Engine, _query: Asked) -> list[object]:
    return [engine.slug, on_or_off(engine.active)]


for _kind in (
    Kind(Recipient, "person", _people, _about_person, lambda person: [person.ref, person.email]),
    Kind(Task, "task_alt", _tasks, _of_engine, lambda task: [task.pk, task.task_id]),
    Kind(Case, "folder_open", _cases, _of_engine, lambda case: [case.case_id]),
    Kind(Event, "input", _events, _of_engine, lambda event: [event.pk, event.event_id]),
    small(Route, "alt_route", ["name"], lambda route, _query: [on_or_off(route.enabled)]),
    small(FourEyesRule, "visibility", ["name"], lambda rule, _query: [on_or_off(rule.enabled)]),
    small(Template, "edit_note", ["name", "slug"], lambda template, _query: [template.slug]),
    small(Engine, "settings_input_component", ["name", "slug"], _about_engine),
    small(Team, "groups", ["name", "slug"], lambda team, _query: [team.slug]),
    _by_our_id(Notification, "notifications"),
    _by_our_id(Delivery, "send"),
    _by_our_id(Callback, "reply"),
):
    add(_kind)
