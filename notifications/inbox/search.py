"""Searches a person's items for words: in titles, texts, key facts, cases, ids, and names of people.

A person's own items are read through, newest first, without an index of all texts, which every event would have to pay
for. People who have very many get a search index (notifications/items/search_index.py). Words match inside others (4711
in INV-004711), and by their stem in the reader's language: "invoices" finds "invoice". Stems are those of PostgreSQL's
full text search (postgresql.org/docs/current/textsearch-dictionaries.html).
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from functools import reduce
from operator import or_
from uuid import UUID

from babel.numbers import NumberFormatError, parse_decimal
from django.db import connection
from django.db.models import Q, QuerySet

from notifications.inbox.list_query import MOST_WORDS
from notifications.items import search_index
from notifications.models import Notification, Recipient
from notifications.wording.formats import locale_of
from wfpush.postgres import keys

DICTIONARIES = {
    "da": "danish_stem",
    "de": "german_stem",
    "en": "english_stem",
    "es": "spanish_stem",
    "fr": "french_stem",
    "it": "italian_stem",
    "nl": "dutch_stem",
    "pt": "portuguese_stem",
    "sv": "swedish_stem",
}
"""PostgreSQL's own dictionaries, by language."""

SHORTEST_STEM = 3


FIRST, LONGER = 200, 5
"""Items of the first read, unless a later page is requested, and the factor by which each further read is larger."""

MOST_SORTED = 1_000
"""Matches of the search index that are sorted. With more, rows are read in order until the page is full."""


def matching_keys(
    rows: QuerySet[Notification], words: str, language: str, reader: Recipient, start: int, end: int
) -> list[UUID]:
    """Return the keys of the reader's ordered rows that contain all words, from position `start` to `end`."""
    terms = _terms(words.split()[:MOST_WORDS], language)
    if not terms:
        return _keys(rows[start:end])
    likely = search_index.likely(reader.pk, terms, MOST_SORTED)
    if likely is not None:
        matches = likely.sure | _checked(likely.doubtful, terms)
        return _keys(rows.filter(keys.among(Notification, matches))[start:end])
    # PostgreSQL cannot know how many items have the words: it would read and sort all of them for the first page.
    matching: dict[UUID, None] = {}  # an item that changes its place meanwhile is listed once
    first, most = 0, max(FIRST, end)
    while True:
        batch = _keys(rows[first : first + most])
        matching |= dict.fromkeys(_matching(batch, reader, terms))
        if len(batch) < most or len(matching) >= end:
            return list(matching)[start:end]
        first, most = first + most, most * LONGER


def _matching(batch: list[UUID], reader: Recipient, terms: Sequence[Sequence[str]]) -> list[UUID]:
    """Return the keys of `batch` that contain the terms. A few rows are read directly, which is faster than the
    search index, where an item occurs four times at most."""
    likely = search_index.likely(reader.pk, terms, 4 * len(batch), batch) if len(batch) > FIRST else None
    matches = likely.sure | _checked(likely.doubtful, terms) if likely else _checked(batch, terms)
    return [key for key in batch if key in matches]


def _checked(candidates: Collection[UUID], terms: Sequence[Sequence[str]]) -> frozenset[UUID]:
    """Return the keys of rows whose current text has the terms."""
    if not candidates:
        return frozenset()
    rows = Notification.objects.order_by().filter(keys.among(Notification, candidates))
    rows = rows.alias(searched=search_index.searched_text())
    for ways in terms:
        rows = rows.filter(reduce(or_, (Q(searched__icontains=way) for way in ways)))
    return frozenset(_keys(rows))


def _keys(rows: QuerySet[Notification]) -> list[UUID]:
    return list(rows.values_list("pk", flat=True))


def _terms(words: list[str], language: str) -> list[list[str]]:
    """Return for each word the forms in which an item may contain it: its stem, or its number. Words without a meaning,
    such as "the" or a currency's sign, are left out if others remain."""
    dictionary = DICTIONARIES.get(language.partition("-")[0])
    stems = _lexemes(dictionary, [word.lower() for word in words]) if dictionary else [[word] for word in words]
    stemmed_words = [
        (word, stem) for word, stem in zip(words, stems, strict=True) if stem != [] and any(map(str.isalnum, word))
    ]
    if not stemmed_words:
        return [[word] for word in words]
    return [[way for way in (_common(word, stem), _number(word, language)) if way] for word, stem in stemmed_words]


def _lexemes(dictionary: str, words: list[str]) -> list[list[str] | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ts_lexize(%s::regdictionary, word)"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS said(word, at) ORDER BY at",
            [dictionary, words],
        )
        return [row[0] for row in cursor.fetchall()]


def _common(word: str, stem: list[str] | None) -> str:
    """Return the common beginning of a word's forms: "invoic" for "invoices", "compan" for "companies" with the stem
    "compani". A beginning that is too short to mean anything is replaced by the word itself."""
    length = len(stem[0].removesuffix("i")) if stem else 0
    return word[:length] if SHORTEST_STEM <= length < len(word) else word


def _number(word: str, language: str) -> str:
    """Return a number such as 1,200.50 or 1.200,50 in its stored form, without trailing zeros; empty if it is none."""
    digits = word.strip("€$£¥ ")
    try:
        number: Decimal = parse_decimal(digits, locale=locale_of(language))
    except (NumberFormatError, ValueError):
        return ""
    return f"{number.normalize():f}" if number.is_finite() and len(digits) <= 30 else ""
