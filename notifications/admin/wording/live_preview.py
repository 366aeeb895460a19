"""The live preview beside a draft: its unsaved content, rendered by the functions that publish and send; and the menu
of insertable variables, with their values in the sample."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.admin.desk.base import DeskAdmin
from notifications.admin.wording.preview import Subject, preview_context
from notifications.admin.wording.template_languages import languages_of
from notifications.errors import RenderError
from notifications.models import TemplateVersion
from notifications.types import Json, lookup
from notifications.wording import formats, liquid
from notifications.wording.known_paths import known_paths
from notifications.wording.liquid_filters import MISSING, Place
from notifications.wording.plaintext import cut, show_hidden_characters
from notifications.wording.template_check import STANDARD, check, reaches, types_of

Fault = dict[str, Any]
"""{"field", "text", "fatal"}: a field's name in the form, a sentence, and whether saving or publishing is refused."""


@dataclass
class DraftRows:
    """The unsaved rows of the draft's form, and the faults that prevent saving. `prefixes`: the prefixes of each row's
    fields, by the row's id()."""

    rows: dict[str, list[Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    prefixes: dict[int, str] = field(default_factory=dict)


def draft_json(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
    """Return {"html", "faults", "languages", "insert_menu"}. While a fault prevents saving, `html` is empty and the
    last two are missing. Only the user's last choices are stored."""
    if not desk.has_change_permission(request, version):
        raise PermissionDenied
    draft_rows = _read_forms(desk, request, version)
    if draft_rows.faults:
        return JsonResponse({"html": "", "faults": draft_rows.faults})
    draft, chosen = _unsaved_version(version, draft_rows), request.POST.copy()
    if chosen.get("language") not in {text.language for text in draft.texts.all()}:
        chosen.pop("language", None)  # its text was deleted, or is being renamed
    problems = check(draft)
    context = preview_context(request, draft, chosen, problems=problems)
    faults = list(_faults_of(context["form"]))
    if faults:
        return JsonResponse({"html": "", "faults": faults})
    payload: dict[str, Any] = {
        "html": _render(request, "admin/desk/looks.html", context),
        "faults": [
            _fault(f"{draft_rows.prefixes[id(problem.text)]}-{problem.field}", problem.message, fatal=problem.fatal)
            for problem in problems
        ],
        "languages": _render(request, "admin/desk/languages.html", {"languages": languages_of(draft, problems)}),
    }
    key = _menu_key(context)
    if request.POST.get("menu_key", "") != key:
        html = _render(request, "admin/desk/insert_menu.html", menu_context(draft, context))
        payload["insert_menu"] = {"key": key, "html": html}
    return JsonResponse(payload)


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> str:
    return show_hidden_characters(render_to_string(template, context, request))


def _read_forms(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> DraftRows:
    """Read the forms that save the rows, so that they refuse the same faults as when saving."""
    draft_rows = DraftRows()
    for formset_class, inline in desk.get_formsets_with_inlines(request, version):
        formset: Any = formset_class(data=request.POST, instance=version, queryset=inline.get_queryset(request))
        if not formset.is_valid():
            draft_rows.faults += [_fault("", text) for text in formset.non_form_errors()]
            draft_rows.faults += [fault for form in formset.forms for fault in _faults_of(form)]
            continue
        remaining_forms = [form for form in formset.forms if form not in formset.deleted_forms]
        remaining_forms = [form for form in remaining_forms if form.has_changed() or form.instance.pk]
        draft_rows.rows[formset.prefix] = [form.instance for form in remaining_forms]
        draft_rows.prefixes |= {id(form.instance): form.prefix for form in remaining_forms}
    return draft_rows


def _faults_of(form: Any) -> Iterator[Fault]:
    for name, texts in form.errors.items():
        yield _fault("" if name == "__all__" else form.add_prefix(name), " ".join(map(str, texts)))


def _fault(name: str, text: object, *, fatal: bool = True) -> Fault:
    return {"field": name, "text": str(text), "fatal": fatal}


def _unsaved_version(version: TemplateVersion, draft_rows: DraftRows) -> TemplateVersion:
    """Return the version with the form's rows instead of its own."""
    draft = TemplateVersion(pk=version.pk, template=version.template, number=version.number, state=version.state)
    draft._prefetched_objects_cache = draft_rows.rows  # type: ignore[attr-defined]
    return draft


# --- the menu ---------------------------------------------------------------------------------------------------------
MAX_VARIABLES = 300
"""Maximum number of variables in a menu: a sample may have very many."""

MAX_VALUE = 80
"""Maximum number of characters of a variable's value."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
POSITION = re.compile(r"\.(\d+)(?=\.|$)")
"""A position in a list: Liquid writes `documents[0]`."""

FILTERS: Sequence[tuple[str, str, str | Promise]] = (
    ("money: variables.currency", "variables.amount", gettext_lazy("an amount of money")),
    ("number", "1200.5", gettext_lazy("a number in the reader's format")),
    ("datetime", "task.due_at", gettext_lazy("day and time of the reader")),
    ("date", "task.due_at", gettext_lazy("day only")),
    ("time", "task.due_at", gettext_lazy("time only")),
    ('default: "…"', "task.nickname", gettext_lazy("instead of a missing value")),
    ("capitalize", "task.kind", gettext_lazy("capitalized")),
    ("upcase", "task.kind", gettext_lazy("upper case")),
    ("downcase", "task.name", gettext_lazy("lower case")),
    ("truncate: 12", "task.name", gettext_lazy("cut to a number of characters")),
    ('replace: "_", " "', "case.status", gettext_lazy("one text instead of another")),
    ("size", "task.candidates", gettext_lazy("count or length")),
    ('map: "title" | join: ", "', "documents", gettext_lazy("one member of each, separated by commas")),
    ("first", "task.candidates", gettext_lazy("the first of several")),
    ("plus: 1", "1", gettext_lazy("a sum; also minus, times, divided_by")),
    ("round: 1", "2.345", gettext_lazy("rounded")),
)
"""Filters with an example and a description. docs/writing-templates.md has all filters."""

PIECES: Sequence[tuple[str, str | Promise]] = (
    ("{% if customer.phone %}…{% endif %}", gettext_lazy("only if there is a value")),
    ('{% if task.priority == "urgent" %}…{% else %}…{% endif %}', gettext_lazy("one or the other")),
    ("{% for document in documents %}{{ document.title }}{% endfor %}", gettext_lazy("for each of several")),
    ("{% assign about = case.title | default: case.id %}", gettext_lazy("a name for a value")),
)


def menu_context(version: TemplateVersion, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of `admin/desk/insert_menu.html`: the groups of variables, the key, the sample."""
    subject: Subject | None = context.get("about")
    sample_context: Json = subject.writer().context(None) if subject else {}
    groups = menu(version, sample_context, context.get("language", "en"))
    return {"groups": groups, "key": _menu_key(context), "about": subject}


def _menu_key(context: dict[str, Any]) -> str:
    """Return a key that changes with the language and the sample of the menu's values."""
    subject: Subject | None = context.get("about")
    return f"{context['language']} {subject.words}" if subject else ""


@dataclass(frozen=True)
class Item:
    """A row of the menu. `text` is inserted, or inside “{{ … }}” only `inner`. `gives`: its value in the sample."""

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
    """Return the groups of the menu. `context`: the variables with which the sample is rendered."""
    place = _place(language)
    return [
        variables(version, context, language),
        Group(_("Filters"), [_filter_item(*each, context, place) for each in FILTERS]),
        Group(_("Conditions and loops"), [Item(text, text, "", str(note)) for text, note in PIECES]),
    ]


def variables(version: TemplateVersion, context: Json, language: str) -> Group:
    """Return the variables alone, amounts as money. `context`: the variables of the sample."""
    place = _place(language)
    items = [_as_money(item, context, place) for item in _variables(version, context, place)]
    return Group(_("Variables"), items)


def _as_money(item: Item, context: Json, place: Place) -> Item:
    """Return the item with the currency beside it, if there is one: an amount is read as money."""
    currency = f"{item.inner.rpartition('.')[0]}.currency"
    if not item.inner.endswith(".amount") or not isinstance(lookup(context, currency), str):
        return item
    text = f"{{{{ {item.inner} | money: {currency} }}}}"
    return Item(text, item.inner, _render_text(text, context, place), item.note)


def _place(language: str) -> Place:
    return Place(formats.locale_of(language), timezone.get_current_timezone())


def _variables(version: TemplateVersion, context: Json, place: Place) -> Iterator[Item]:
    """Yield the variables of the sample, then those in events or declared, then those of every event."""
    carried = [each for each in known_paths(None, types_of(version)) if each.kind != "object"]
    sensitive = [each.path for each in carried if each.sensitive]
    paths = dict.fromkeys([*_leaves(context), *(each.path for each in carried), *sorted(STANDARD)])
    for path in list(paths)[:MAX_VARIABLES]:
        sample_value = lookup(context, path)
        missing, inner = sample_value is None, POSITION.sub(r"[\1]", path)
        gives = _("not in this sample") if missing else _render_text(f"{{{{ {inner} }}}}", context, place)
        note = _("sensitive: not on lock screens") if any(reaches(path, each) for each in sensitive) else ""
        yield Item(f"{{{{ {inner} }}}}", inner, gives, note, missing)


def _leaves(value: Json, above: str = "") -> Iterator[str]:
    """Yield the paths to values that print as text: members of objects in objects, and lists as a whole."""
    for name, each in value.items():
        path = f"{above}{name}"
        if not NAME.fullmatch(name):
            continue
        if isinstance(each, dict) and each:
            yield from _leaves(each, f"{path}.")
        elif each is not None:
            yield path


def _filter_item(name: str, on: str, note: str | Promise, context: Json, place: Place) -> Item:
    text = f"{{{{ {on} | {name} }}}}"
    gives = _render_text(text, context, place)
    return Item(text, f" | {name}", "" if gives == MISSING else gives, str(note))


def _render_text(source: str, context: Json, place: Place) -> str:
    try:
        return cut(" ".join(liquid.render(source, context, place).text.split()), MAX_VALUE)
    except RenderError:
        return ""
