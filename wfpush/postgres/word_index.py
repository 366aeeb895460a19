"""An index of the words of rows, and a condition that searches it.

A word is found by its beginning, in capital letters or small ones. Punctuation separates words of titles, so that 4711
is found in INV-4711; ids and addresses are also kept whole. PostgreSQL's parser of texts would take `-4711` for a
number, and leave out or change words by language.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db.models import BooleanField, Func, Value
from django.utils.deconstruct import deconstructible

PARTING = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\u00a0–—‘’“”„‚«»…·•"
"""Characters that separate words, beside blanks."""
SHORTEST_BEGINNING = 2
"""The fewest letters of a beginning. Fewer are searched as a whole word: too many words begin so."""

_PARTED = str.maketrans(PARTING, " " * len(PARTING))
_QUOTED = PARTING.replace("'", "''").replace("%", "%%")
_CAPITALS = re.compile("[A-Z]+")


@deconstructible(path="wfpush.postgres.word_index.Words")
class Words(Func):
    """The words of the fields, and the ids as they are, for an index and for `having`. Empty fields add nothing.

    An index keeps the words of its making: a change of this class needs new indexes.
    """

    def __init__(self, *fields: str, ids: Sequence[str] = ()) -> None:
        super().__init__(*fields, *ids, output_field=SearchVectorField())
        self.whole = len(ids)

    def as_sql(self, compiler: Any, connection: Any, **_options: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        columns = [compiler.compile(each)[0] for each in self.get_source_expressions()]
        fields, ids = columns[: len(columns) - self.whole], columns[len(columns) - self.whole :]
        text = " || ' ' || ".join(fields)
        parted = f"translate(lower({text}), '{_QUOTED}', repeat(' ', {len(PARTING)}))"
        whole = "".join(f" || lower({each})::text" for each in ids)
        return f"array_to_tsvector(array_remove(string_to_array({parted}, ' '){whole}, ''))", []


def having(vector: Words, query: str, *, whole: bool = False) -> Func | None:
    """Return a condition of `filter`: rows with all of these words, or with this id; without `whole`, also rows whose
    words begin so. None for an empty query. `query` has no blanks around it."""
    words = query.translate(_PARTED).split()
    ids = [query] if query and " " not in query and words != [query] else []
    ways = [" & ".join(_lexemes(word, whole) for word in words), *(_lexemes(each, whole) for each in ids)]
    if not any(ways):
        return None
    tsquery = Func(Value(" | ".join(filter(None, ways))), template="%(expressions)s::tsquery")
    return Func(vector, tsquery, template="%(expressions)s", arg_joiner=" @@ ", output_field=BooleanField())


def has_words(text: str, query: str, *, whole: bool = False) -> bool:
    """Return whether the text has all of these words, or words that begin so, like `having`."""
    words, terms = (each.casefold().translate(_PARTED).split() for each in (text, query))
    return all(any(word == each if whole else word.startswith(each) for word in words) for each in terms)


def _lexemes(word: str, whole: bool) -> str:
    """Return the word for a tsquery, in all the ways in which the index may have it."""
    mark = "" if whole or len(word) < SHORTEST_BEGINNING else ":*"
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return "(" + " | ".join(f"'{each}'{mark}" for each in _spellings(quoted)) + ")"


def _spellings(word: str) -> list[str]:
    """Return the ways in which PostgreSQL's `lower` may have left the word: with the locale C it changes A to Z
    only."""
    ways = (word.lower(), word.capitalize(), word.upper())
    return list(dict.fromkeys(_CAPITALS.sub(lambda letters: letters[0].lower(), each) for each in ways))
