"""What can be inserted into a template's text: variables, filters and tags, each with what it gives in the sample."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.errors import RenderError
from notifications.models import TemplateVersion
from notifications.types import Json, lookup
from notifications.wording import formats, liquid
from notifications.wording.known_paths import known_paths
from notifications.wording.liquid_filters import MISSING, Place
from notifications.wording.plaintext import cut
from notifications.wording.template_check import STANDARD, reaches, types_of

MOST = 300
"""Variables of one menu: a sample may have very many."""

LONGEST = 80
"""Characters of what a variable gives."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
POSITION = re.compile(r"\.(\d+)(?=\.|$)")
"""In a list: Liquid writes `documents[0]`."""

FILTERS: Sequence[tuple[str, str, str | Promise]] = (
    ("money: variables.currency", "variables.amount", gettext_lazy("an amount of money")),
    ("number", "1200.5", gettext_lazy("a number as the reader writes it")),
    ("datetime", "task.due_at", gettext_lazy("day and time of the reader")),
    ("date", "task.due_at", gettext_lazy("the day alone")),
    ("time", "task.due_at", gettext_lazy("the time alone")),
    ('default: "…"', "task.nickname", gettext_lazy("instead of a missing value")),
    ("capitalize", "task.kind", gettext_lazy("begins with a capital")),
    ("upcase", "task.kind", gettext_lazy("in capitals")),
    ("downcase", "task.name", gettext_lazy("in small letters")),
    ("truncate: 12", "task.name", gettext_lazy("cut to so many characters")),
    ('replace: "_", " "', "case.status", gettext_lazy("one text instead of another")),
    ("size", "task.candidates", gettext_lazy("how many, or how long")),
    ('map: "title" | join: ", "', "documents", gettext_lazy("one member of each, with commas")),
    ("first", "task.candidates", gettext_lazy("the first of several")),
    ("plus: 1", "1", gettext_lazy("a sum; also minus, times, divided_by")),
    ("round: 1", "2.345", gettext_lazy("rounded")),
)
"""Filter, what it is shown with, and what it is for. docs/writing-templates.md has all."""

PIECES: Sequence[tuple[str, str | Promise]] = (
    ("{% if customer.phone %}…{% endif %}", gettext_lazy("only if there is a value")),
    ('{% if task.priority == "urgent" %}…{% else %}…{% endif %}', gettext_lazy("one or the other")),
    ("{% for document in documents %}{{ document.title }}{% endfor %}", gettext_lazy("for each of several")),
    ("{% assign about = case.title | default: case.id %}", gettext_lazy("a name for a value")),
)


@dataclass(frozen=True)
class Item:
    """`text` is what is inserted by itself; inside “{{ … }}` only `inner` is. `gives`: what it becomes."""

    text: str
    inner: str
    gives: str
    note: str = ""
    is_missing: bool = False


@dataclass(frozen=True)
class Group:
    title: str
    items: Sequence[Item]


def menu(version: TemplateVersion, context: Json, language: str) -> list[Group]:
    """`context` is what a rendering of the sample has."""
    place = Place(formats.locale_of(language), formats.zone_of("UTC"))
    return [
        Group(_("Variables"), list(_variables(version, context, place))),
        Group(_("Filters"), [_filter(each, context, place) for each in FILTERS]),
        Group(_("Conditions and loops"), [Item(text, text, "", str(note)) for text, note in PIECES]),
    ]


def _variables(version: TemplateVersion, context: Json, place: Place) -> Iterator[Item]:
    """Yield the variables of the sample, then those that events carried or declare, then those of every event."""
    carried = [each for each in known_paths(None, types_of(version)) if each.kind != "object"]
    sensitive = [each.path for each in carried if each.sensitive]
    paths = dict.fromkeys([*_leaves(context), *(each.path for each in carried), *sorted(STANDARD)])
    for path in list(paths)[:MOST]:
        sample_value = lookup(context, path)
        missing, inner = sample_value is None, POSITION.sub(r"[\1]", path)
        gives = _("not in this sample") if missing else _render_text(f"{{{{ {inner} }}}}", context, place)
        note = _("sensitive: not on lock screens") if any(reaches(path, each) for each in sensitive) else ""
        yield Item(f"{{{{ {inner} }}}}", inner, gives, note, missing)


def _leaves(value: Json, above: str = "") -> Iterator[str]:
    """Paths to values that print as text: members of objects in objects, and lists as a whole."""
    for name, each in value.items():
        path = f"{above}{name}"
        if not NAME.fullmatch(name):
            continue
        if isinstance(each, dict) and each:
            yield from _leaves(each, f"{path}.")
        elif each is not None:
            yield path


def _filter(definition: tuple[str, str, str | Promise], context: Json, place: Place) -> Item:
    name, on, note = definition
    text = f"{{{{ {on} | {name} }}}}"
    gives = _render_text(text, context, place)
    return Item(text, f" | {name}", "" if gives == MISSING else gives, str(note))


def _render_text(source: str, context: Json, place: Place) -> str:
    try:
        return cut(" ".join(liquid.render(source, context, place).text.split()), LONGEST)
    except RenderError:
        return ""
