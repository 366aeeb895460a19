"""The search of every page of the desk: what is found while somebody types, of all kinds that they may see.

Each kind finds a few, by its indexes, and apps add theirs with `add`. Whatever has exactly the id that was typed comes
first. Nothing is kept: what somebody may see is asked each time.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import structlog
from django.contrib import admin
from django.db import OperationalError, connection, transaction
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from psycopg.errors import QueryCanceled

from notifications.admin import navigation
from notifications.admin.base import as_uuid
from notifications.admin.words import change_url
from notifications.models import Engine

log = structlog.get_logger(__name__)

FEW = 5
"""Rows of a kind."""
MOST_CHARACTERS, MOST_WORDS = 200, 8
SHORTEST_ID = 8
"""Hexadecimal digits of our ids by whose beginning rows are found."""

PATIENCE = 1_000
"""Milliseconds of one statement. It is there for what no index foresaw."""

_BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true), set_config(%s, %s, true)"
"""Before it has statistics of new rows, PostgreSQL may think that words are found sooner without their index."""


@dataclass(frozen=True)
class Asked:
    """What was typed, in all the ways in which kinds look for it."""

    text: str

    @cached_property
    def words(self) -> list[str]:
        return self.text.split()[:MOST_WORDS]

    @cached_property
    def id(self) -> UUID | None:
        return as_uuid(self.text)

    @cached_property
    def ids(self) -> tuple[UUID, UUID] | None:
        """The lowest and the highest of our ids that begin so."""
        digits = self.text.replace("-", "").lower()
        if not SHORTEST_ID <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
            return None
        return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))

    @cached_property
    def engines(self) -> dict[int, str]:
        """Names by keys: ids of engines are looked for together with all engines, which their indexes have first."""
        return dict(Engine.objects.values_list("pk", "name"))

    def all_in(self, *fields: str) -> Q:
        """Each word somewhere in one of the fields: for tables that are small."""
        condition = Q()
        for word in self.words:
            anywhere = Q()
            for field in fields:
                anywhere |= Q(**{f"{field}__icontains": word})
            condition &= anywhere
        return condition

    def names(self, ids: Iterable[object]) -> bool:
        """Whether one of the ids is exactly what was typed."""
        return any(each == self.id or str(each).casefold() == self.text.casefold() for each in ids if each)


@dataclass(frozen=True)
class Kind:
    """How rows of a model are searched and shown. `find` yields the best first, some perhaps twice."""

    model: type[Model]
    icon: str
    find: Callable[[Asked], Iterable[Any]]
    describe: Callable[[Any, Asked], Iterable[object]]
    """Returns the words beside a row's name. Empty ones are left out."""
    ids: Callable[[Any], Iterable[object]]
    by_words: bool = True
    """Else only who has the whole id looks for it: it is not named among what can be found."""

    def hits(self, query: Asked) -> Iterator["Hit"]:
        shown: dict[Any, Any] = {}
        for row in self.find(query):
            shown.setdefault(row.pk, row)
            if len(shown) > FEW:
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


KINDS: list[Kind] = []


def add(kind: Kind) -> None:
    """Let rows of a model be found, after those of the kinds that there are."""
    KINDS.append(kind)


def answer(request: HttpRequest) -> HttpResponse:
    """Return the hits as options of a list, with a sentence that says how many there are."""
    query = Asked(" ".join(request.GET.get("q", "").split())[:MOST_CHARACTERS].strip())
    kinds = [kind for kind in KINDS if admin.site.get_model_admin(kind.model).has_view_permission(request)]
    hits, more = _find_hits(request, kinds, query) if query.text else ([], False)
    context = {"hits": hits, "said": _summary(kinds, query, hits, more)}
    return render(request, "admin/desk/found.html", context)


def _find_hits(request: HttpRequest, kinds: list[Kind], query: Asked) -> tuple[list[Hit], bool]:
    """Return the hits, and whether there are more. A kind that takes too long is left out and counts as more."""
    hits, more, left = list(_pages(request, query)), False, list(kinds)
    while left:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_BY_INDEX, ["statement_timeout", str(PATIENCE)])
                while left:
                    those = list(left[0].hits(query))
                    hits += those[:FEW]
                    more |= len(those) > FEW
                    left.pop(0)
        except OperationalError as fault:
            if not isinstance(fault.__cause__, QueryCanceled):
                raise
            log.warning("search_takes_too_long", kind=left.pop(0).model._meta.label, characters=len(query.text))
            more = True
    return sorted(hits, key=lambda hit: not hit.exact), more


def _pages(request: HttpRequest, query: Asked) -> Iterator[Hit]:
    """Lists and pages of the navigation, by the beginnings of the words of their names."""
    prefixes = [word.casefold() for word in query.words]
    for section, place in navigation.everywhere(request):
        name = place.title()
        words = name.casefold().split()
        if all(any(word.startswith(each) for word in words) for each in prefixes):
            yield Hit(_("Page"), name, str(section.title), place.address(), place.icon or section.icon)


def _summary(kinds: list[Kind], query: Asked, hits: list[Hit], more: bool) -> str:
    if not kinds:
        return _("You have no right to see anything here.")
    if not query.text:
        names = ", ".join(str(kind.model._meta.verbose_name_plural) for kind in kinds if kind.by_words)
        return _("Finds %(kinds)s, and pages of the desk: by names, words and ids.") % {"kinds": names}
    if not hits:
        return _("Nothing is found for “%(words)s”. Words are found by how they begin.") % {"words": query.text}
    if more:
        return _("The newest or closest of each kind. More letters find fewer.")
    return ngettext("%(number)d found.", "%(number)d found.", len(hits)) % {"number": len(hits)}
