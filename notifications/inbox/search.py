"""Finds a person's items by words: in titles, texts, key facts, cases, ids, and names of people.

A person's own items are some hundreds, at most some ten thousands: they are read through, newest first, without an
index of all texts, which every event would have to pay for. Words are found inside others (4711 in INV-004711), and by
their stem in the reader's language, which is that of PostgreSQL's full text search
(postgresql.org/docs/current/textsearch-dictionaries.html): "invoices" finds "invoice".
"""

from decimal import Decimal

from babel.numbers import NumberFormatError, parse_decimal
from django.db import connection
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from notifications.inbox.finding import MOST_WORDS
from notifications.models import Notification
from notifications.wording.formats import locale_of

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


class Facts(Func):
    """The values of the key facts as text, such as `[1200.5, "Acme GmbH"]`: notifications/wording/key_facts.py."""

    template = "jsonb_path_query_array(%(expressions)s, '$.key_facts[*][2]')::text"
    output_field = TextField()


def _text() -> Concat:
    """All that is searched of an item. Concat takes what is missing as empty."""
    fields = [
        "title",
        "body",
        "case__title",
        "case__case_id",
        "task__task_id",
        "task__initiator__name",
        "task__initiator__ref",
        "on_behalf_of__name",
    ]
    parts = [part for name in fields for part in (F(name), Value("\n"))]
    return Concat(*parts, Facts(F("details")), output_field=TextField())


def containing(rows: QuerySet[Notification], words: str, language: str) -> QuerySet[Notification]:
    """The items that contain every one of the words."""
    wanted = words.split()[:MOST_WORDS]
    if not wanted:
        return rows
    rows = rows.alias(searched=_text())
    for found in _stems(wanted, language):
        rows = rows.filter(found)
    return rows


def _stems(words: list[str], language: str) -> list[Q]:
    """For each word its condition: the stem of it, or the number that it is. What means nothing, such as "the"
    or a currency's sign, is left out if there is more."""
    dictionary = DICTIONARIES.get(language.partition("-")[0])
    stems = _lexemes(dictionary, [word.lower() for word in words]) if dictionary else [[word] for word in words]
    told = [(word, stem) for word, stem in zip(words, stems, strict=True) if stem != [] and any(map(str.isalnum, word))]
    if not told:
        return [_contains(word) for word in words]
    return [_contains(word, _common(word, stem), _number(word, language)) for word, stem in told]


def _contains(*texts: str) -> Q:
    found = Q()
    for text in {text for text in texts if text}:
        found |= Q(searched__icontains=text)
    return found


def _lexemes(dictionary: str, words: list[str]) -> list[list[str] | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ts_lexize(%s::regdictionary, word)"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS said(word, at) ORDER BY at",
            [dictionary, words],
        )
        return [row[0] for row in cursor.fetchall()]


def _common(word: str, stem: list[str] | None) -> str:
    """What all forms of the word begin with: "invoic" for "invoices", "compan" for "companies", whose stem is
    "compani". Empty where that is too short to mean anything."""
    if not stem:
        return ""
    length = len(stem[0].removesuffix("i"))
    return word[:length] if SHORTEST_STEM <= length < len(word) else ""


def _number(word: str, language: str) -> str:
    """1,200.50 or 1.200,50 as it is stored, without zeros at its end; empty for what is no number."""
    digits = word.strip("€$£¥ ")
    try:
        number: Decimal = parse_decimal(digits, locale=locale_of(language))
    except (NumberFormatError, ValueError):
        return ""
    return f"{number.normalize():f}" if number.is_finite() and len(digits) <= 30 else ""
