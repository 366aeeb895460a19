"""`python -m tools.messages [LANGUAGE …]`: update the translations from the sources, and compile them.

Without languages: all that there are. Needs what requirements.txt installs, and no gettext binaries. Translations stay,
texts that no source contains any more are removed, and untranslated ones are listed.
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
PYTHON_SOURCES = ("escalations", "notifications", "wfpush")
LANGUAGES = sorted(folder.name for folder in (ROOT / "locale").iterdir() if folder.is_dir())
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
LITERAL = r"u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
CALL = re.compile(rf"\b(_|n?p?gettext)\(\s*((?:{LITERAL}\s*,?\s*)+)")
THEN = datetime(2026, 1, 1, tzinfo=UTC)
"""The only date in the files, so that they change only with their messages."""

Message = tuple[str | tuple[str, str], str | None]
"""A message's id (or singular and plural) and its context."""


def path_of(language: str, ending: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{ending}"


def messages() -> dict[Message, set[str]]:
    """Every message of the sources, with the files that say it."""
    files: dict[Message, set[str]] = {}
    for path, message in sorted([*_of_python(), *_of_templates()], key=lambda each: (each[0], str(each[1]))):
        files.setdefault(message, set()).add(path)
    return files


def _of_python() -> Iterator[tuple[str, Message]]:
    for package in PYTHON_SOURCES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if not {"migrations", "starter", "tests"}.isdisjoint(file.parts):
                continue
            with file.open("rb") as source:
                for _line, text, _comments, context in extract("python", source, KEYWORDS):
                    yield str(file.relative_to(ROOT)), (text if isinstance(text, str) else (text[0], text[1]), context)


def _of_templates() -> Iterator[tuple[str, Message]]:
    for file in template_files():
        for call in CALL.finditer(templatize(file.read_text(encoding="utf-8"))):
            literals = [ast.literal_eval(literal) for literal in re.findall(LITERAL, call[2])]
            yield str(file.relative_to(ROOT)), _message(call[1], literals)


def template_files() -> list[Path]:
    """Return the templates of the project and of features."""
    folders = [ROOT / "templates", *(each for app in PYTHON_SOURCES for each in (ROOT / app).rglob("templates"))]
    return sorted(file for folder in folders for file in folder.rglob("*.*"))


def _message(function: str, literals: list[str]) -> Message:
    context = literals.pop(0) if "p" in function and function != "_" else None
    return ((literals[0], literals[1]) if function.startswith("n") else literals[0]), context


def updated(language: str) -> Catalog:
    """The language's catalogue, holding what the sources say now."""
    before = read(language)
    after = Catalog(
        locale=language,
        project="wfpush",
        version="1",
        charset="utf-8",
        fuzzy=False,
        creation_date=THEN,
        revision_date=THEN,
        last_translator="wfpush",
        language_team="wfpush",
        msgid_bugs_address="",
    )
    after.header_comment = "# Brought up to date and compiled by `make messages`."
    for (text, context), files in messages().items():
        entry = before.get(text if isinstance(text, str) else text[0], context)
        translation = entry.string if entry is not None and not entry.fuzzy else ""
        after.add(text, translation, locations=[(file, 0) for file in sorted(files)], context=context)
    return after


def read(language: str) -> Catalog:
    path = path_of(language, "po")
    if not path.is_file():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def as_po(catalog: Catalog) -> bytes:
    text = io.BytesIO()
    write_po(text, catalog, width=110, sort_output=True, include_lineno=False)
    return text.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    return compiled.getvalue()


def untranslated(catalog: Catalog) -> list[str]:
    """What the language cannot say yet, or says with other placeholders than the source."""
    return [str(message.id) for message in catalog if message.id and not (_complete(message.string) and _fits(message))]


def _complete(string: object) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w*\}|%[sd]")


def _fits(message: object) -> bool:
    """The translation has the placeholders of the source. Singular and plural may leave out a number."""
    source, translation = (_joined(getattr(message, name)) for name in ("id", "string"))
    expected, there = set(PLACEHOLDER.findall(source)), set(PLACEHOLDER.findall(translation))
    return there == expected


def _joined(text: object) -> str:
    return " ".join(text) if isinstance(text, tuple | list) else str(text)


def main(languages: list[str]) -> None:
    for language in languages:
        catalog = updated(language)
        path_of(language, "po").parent.mkdir(parents=True, exist_ok=True)
        path_of(language, "po").write_bytes(as_po(catalog))
        path_of(language, "mo").write_bytes(as_mo(catalog))
        missing = untranslated(catalog)
        sys.stdout.write("".join(f"{language}: not translated: {text!r}\n" for text in missing))
        sys.stdout.write(f"{language}: {len(catalog) - len(missing)} of {len(catalog)} messages are translated\n")


if __name__ == "__main__":
    main(sys.argv[1:] or LANGUAGES)
