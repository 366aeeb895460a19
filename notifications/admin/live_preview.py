"""The preview of a draft while it is typed: the unsaved content of its form, through the functions that publish and
send."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from notifications.admin import insert_menu
from notifications.admin.base import DeskAdmin
from notifications.admin.preview import About, preview_context
from notifications.admin.template_languages import languages_of
from notifications.models import TemplateVersion
from notifications.types import Json
from notifications.wording.plaintext import show_hidden_characters
from notifications.wording.template_check import Problem, check

Fault = dict[str, Any]
"""{"field", "text", "fatal"}: the name of a field of the form, a sentence about it, and whether it cannot stay so."""


@dataclass
class Typed:
    """The rows of the draft's form as they would be saved, and the faults that prevent saving. `prefixes`: of the
    fields of each row, by the row's id()."""

    rows: dict[str, list[Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    prefixes: dict[int, str] = field(default_factory=dict)


def as_typed(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
    """{"html", "faults", "languages", "insert_menu"}: `html` is empty, and the last two lack, while a fault prevents
    saving. Writes nothing but what the user looked at last."""
    if not desk.has_change_permission(request, version):
        raise PermissionDenied
    typed = read(desk, request, version)
    if typed.faults:
        return JsonResponse({"html": "", "faults": typed.faults})
    draft, chosen = unsaved(version, typed), request.POST.copy()
    if chosen.get("language") not in {text.language for text in draft.texts.all()}:
        chosen.pop("language", None)  # its text was deleted, or is being renamed
    problems = check(draft)
    context = preview_context(request, draft, chosen, problems=problems)
    faults = list(_faults_of(context["form"]))
    if faults:
        return JsonResponse({"html": "", "faults": faults})
    payload = {
        "html": _rendered(request, "admin/desk/looks.html", context),
        "faults": list(_marked(problems, typed)),
        "languages": _rendered(request, "admin/desk/languages.html", {"languages": languages_of(draft, problems)}),
    }
    return JsonResponse(payload | _menu_if_new(request, draft, context))


def menu_context(version: TemplateVersion, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of `admin/desk/insert_menu.html`: the groups of variables, the key, the sample."""
    subject: About | None = context.get("about")
    sample_context: Json = subject.writer().context(None) if subject else {}
    groups = insert_menu.menu(version, sample_context, context.get("language", "en"))
    return {"groups": groups, "key": _menu_key(context), "about": subject}


def _menu_key(context: dict[str, Any]) -> str:
    """Return a key that changes with the language and the sample of the menu's values."""
    subject: About | None = context.get("about")
    return f"{context['language']} {subject.words}" if subject else ""


def _menu_if_new(request: HttpRequest, draft: TemplateVersion, context: dict[str, Any]) -> dict[str, Any]:
    key = _menu_key(context)
    if request.POST.get("menu_key", "") == key:
        return {}
    html = _rendered(request, "admin/desk/insert_menu.html", menu_context(draft, context))
    return {"insert_menu": {"key": key, "html": html}}


def _rendered(request: HttpRequest, template: str, context: dict[str, Any]) -> str:
    return show_hidden_characters(render_to_string(template, context, request))


def read(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> Typed:
    """Read the forms that save the rows, so that the same is refused as when saving."""
    typed = Typed()
    for formset_class, inline in desk.get_formsets_with_inlines(request, version):
        formset: Any = formset_class(data=request.POST, instance=version, queryset=inline.get_queryset(request))
        if not formset.is_valid():
            typed.faults += [_fault("", text) for text in formset.non_form_errors()]
            typed.faults += [fault for form in formset.forms for fault in _faults_of(form)]
            continue
        remaining_forms = [form for form in formset.forms if form not in formset.deleted_forms]
        remaining_forms = [form for form in remaining_forms if form.has_changed() or form.instance.pk]
        typed.rows[formset.prefix] = [form.instance for form in remaining_forms]
        typed.prefixes |= {id(form.instance): form.prefix for form in remaining_forms}
    return typed


def _faults_of(form: Any) -> Iterator[Fault]:
    for name, texts in form.errors.items():
        yield _fault("" if name == "__all__" else form.add_prefix(name), " ".join(map(str, texts)))


def _marked(problems: Sequence[Problem], typed: Typed) -> Iterator[Fault]:
    """What the check finds, each at its field."""
    for problem in problems:
        yield _fault(f"{typed.prefixes[id(problem.text)]}-{problem.field}", problem.message, fatal=problem.fatal)


def _fault(name: str, text: object, *, fatal: bool = True) -> Fault:
    return {"field": name, "text": str(text), "fatal": fatal}


def unsaved(version: TemplateVersion, typed: Typed) -> TemplateVersion:
    """The version with the form's rows instead of its own."""
    draft = TemplateVersion(pk=version.pk, template=version.template, number=version.number, state=version.state)
    draft._prefetched_objects_cache = typed.rows  # type: ignore[attr-defined]
    return draft
