"""Searches a person's items for words: in titles, texts, key facts, cases, ids, and names of people.

A person's own items are read through, newest first, without an index of all texts, which every event would have to pay
for. People who have very many get a search index (notifications/items/search_index.py). Words match inside others (4711
in INV-004711), and by their stem in the reader's language: "invoices" finds "invoice". Stems are those of PostgreSQL's
full text search (postgresql.org/docs/current/textsearch-dictionaries.html). Marks make no difference: "Muller" finds
"Müller". If nothing has the words, items are found in which a word differs by one letter: "Shmidt" finds "Schmidt".
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
from notifications.items.search_index import Pattern, Spelling, plain_letters
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
SHORTEST_MISTYPED, LONGEST_MISTYPED = 4, 20
"""Letters of words in which typing errors are forgiven."""

FIRST, LONGER = 200, 5
"""Items of the first read, unless a later page is requested, and the factor by which each further read is larger."""

MOST_SORTED = 1_000
"""Matches of the search index that are sorted. With more, rows are read in order until the page is full."""


def matching_keys(
    rows: QuerySet[Notification], words: str, language: str, reader: Recipient, start: int, end: int
) -> list[UUID]:
    """Return the keys of the reader's ordered rows that contain all words, from position `start` to `end`; if none
    does, those that contain them with a typing error."""
    terms = _terms(words.split()[:MOST_WORDS], language)
    if not terms:
        return _keys(rows[start:end])
    exact = _containing(rows, reader, terms, start, end)
    if exact or (start and _containing(rows, reader, terms, 0, 1)):
        return exact
    forgiving = [[*spellings, *_mistyped(spellings[0])] for spellings in terms]
    return _containing(rows, reader, forgiving, start, end) if forgiving != terms else []


def _containing(
    rows: QuerySet[Notification], reader: Recipient, terms: Sequence[Sequence[Spelling]], start: int, end: int
) -> list[UUID]:
    """Return the keys of the ordered rows that contain each term in one of its spellings."""
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


def _matching(batch: list[UUID], reader: Recipient, terms: Sequence[Sequence[Spelling]]) -> list[UUID]:
    """Return the keys of `batch` that contain the terms. A few rows are read directly, which is faster than the
    search index, where an item occurs four times at most."""
    likely = search_index.likely(reader.pk, terms, 4 * len(batch), batch) if len(batch) > FIRST else None
    matches = likely.sure | _checked(likely.doubtful, terms) if likely else _checked(batch, terms)
    return [key for key in batch if key in matches]


def _checked(candidates: Collection[UUID], terms: Sequence[Sequence[Spelling]]) -> frozenset[UUID]:
    """Return the keys of rows whose current text has the terms."""
    if not candidates:
        return frozenset()
    rows = Notification.objects.order_by().filter(keys.among(Notification, candidates))
    rows = rows.alias(searched=search_index.searched_text())
    for spellings in terms:
        rows = rows.filter(reduce(or_, map(_condition, spellings)))
    return frozenset(_keys(rows))


def _condition(spelling: Spelling) -> Q:
    if isinstance(spelling, Pattern):
        return reduce(or_, map(_condition, spelling.parts)) & Q(searched__regex=spelling.regex)
    return Q(searched__icontains=spelling)


def _keys(rows: QuerySet[Notification]) -> list[UUID]:
    return list(rows.values_list("pk", flat=True))


def _terms(words: list[str], language: str) -> list[list[Spelling]]:
    """Return for each word the spellings in which an item may contain it: its stem, or its number. Words without
    a meaning, such as "the" or a currency's sign, are left out if others remain."""
    dictionary = DICTIONARIES.get(language.partition("-")[0])
    stems = _lexemes(dictionary, [word.lower() for word in words]) if dictionary else [[word] for word in words]
    stemmed_words = [
        (word, stem) for word, stem in zip(words, stems, strict=True) if stem != [] and any(map(str.isalnum, word))
    ]
    if not stemmed_words:
        return [[plain_letters(word)] for word in words]
    return [
        [spelling for spelling in (plain_letters(_common(word, stem)), _number(word, language)) if spelling]
        for word, stem in stemmed_words
    ]


def _mistyped(word: Spelling) -> list[Pattern]:
    """Return a pattern of the words that differ by one letter: another one, one more, one less, or two exchanged. The
    first letter is right."""
    if not (isinstance(word, str) and word.isalpha() and SHORTEST_MISTYPED <= len(word) <= LONGEST_MISTYPED):
        return []
    first, rest = word.upper()[0], word.upper()[1:]
    ways = [
        way
        for at in range(len(rest))
        for start, letter, end in [(rest[:at], rest[at], rest[at + 1 :])]
        for way in (f"{start}.{end}", f"{start}.{letter}{end}", f"{start}{end}", f"{start}{end[:1]}{letter}{end[1:]}")
    ]
    # One error leaves one of the halves as it is, unless it exchanges the two letters between them.
    middle = len(word) // 2
    exchanged = f"{word[: middle - 1]}{word[middle]}{word[middle - 1]}{word[middle + 1 :]}"
    halves = (word[:middle], word[middle:], exchanged)
    return [Pattern(rf"\m{first}({'|'.join(dict.fromkeys(ways))})", halves)]


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
    number = number_in(word, language)
    return f"{number.normalize():f}" if number is not None else ""


def number_in(word: str, language: str) -> Decimal | None:
    """Return the number as people who read this language write it; None if it is none."""
    digits = word.strip("€$£¥ ")
    try:
        number: Decimal = parse_decimal(digits, locale=locale_of(language))
    except (NumberFormatError, ValueError):
        return None
    return number if number.is_finite() and len(digits) <= 30 else None
