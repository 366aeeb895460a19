"""Labels of buttons: stored in every language they were written in, shown in the reader's language."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from notifications.types import Action, Json

ANY = ""
"""The key of a label for languages without one of their own."""


def tag(language: str) -> str:
    return language.replace("_", "-").lower()


def tags(language: str) -> Iterator[str]:
    """The language itself, then its base (de-AT: de)."""
    whole = tag(language)
    yield whole
    if "-" in whole:
        yield whole.partition("-")[0]


def languages(language: str, fallback: str = "en") -> Iterator[str]:
    """Tags to look for, best first."""
    yield from tags(language)
    yield from tags(fallback)


def label_in(labels: Mapping[str, str], language: str) -> str:
    """The best label for the language; empty where there are none."""
    return next((labels[each] for each in (*tags(language), ANY) if each in labels), "")


def read_in(action: Json, language: str) -> Action:
    """A stored action for a reader. A title that the engine gave is the same in every language."""
    parsed = Action.from_json(action)
    title = label_in(parsed.labels, language)
    return replace(parsed, title=title) if title else parsed
