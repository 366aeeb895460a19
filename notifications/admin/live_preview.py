"""The preview of a draft while it is typed: the unsaved content of its form, through the functions that publish and
send."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from notifications.admin.base import DeskAdmin
from notifications.admin.preview import preview_context
from notifications.models import TemplateVersion
from notifications.wording.unhide import show_hidden_characters

Fault = dict[str, str]
"""{"field", "text"}: the name of a field of the form, and a sentence about its fault."""


@dataclass
class Typed:
    """The rows of the draft's form as they would be saved, and the faults that prevent saving."""

    rows: dict[str, list[Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def as_typed(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
    """{"html", "faults"}: `html` is empty while a fault prevents saving. Writes nothing."""
    if not desk.has_change_permission(request, version):
        raise PermissionDenied
    typed = read(desk, request, version)
    if typed.faults:
        return JsonResponse({"html": "", "faults": typed.faults})
    draft, chosen = unsaved(version, typed), request.POST.copy()
    if chosen.get("language") not in {text.language for text in draft.texts.all()}:
        chosen.pop("language", None)  # its text was deleted, or is being renamed
    context = preview_context(request, draft, chosen)
    faults = list(_faults_of(context["form"]))
    html = "" if faults else show_hidden_characters(render_to_string("admin/desk/looks.html", context, request))
    return JsonResponse({"html": html, "faults": faults})


def read(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> Typed:
    """Read the forms that save the rows, so that the same is refused as when saving."""
    typed = Typed()
    for formset_class, inline in desk.get_formsets_with_inlines(request, version):
        formset: Any = formset_class(data=request.POST, instance=version, queryset=inline.get_queryset(request))
        if not formset.is_valid():
            typed.faults += [{"field": "", "text": str(text)} for text in formset.non_form_errors()]
            typed.faults += [fault for form in formset.forms for fault in _faults_of(form)]
            continue
        kept = [form for form in formset.forms if form not in formset.deleted_forms]
        typed.rows[formset.prefix] = [form.instance for form in kept if form.has_changed() or form.instance.pk]
    return typed


def _faults_of(form: Any) -> Iterator[Fault]:
    for name, texts in form.errors.items():
        yield {"field": "" if name == "__all__" else form.add_prefix(name), "text": " ".join(map(str, texts))}


def unsaved(version: TemplateVersion, typed: Typed) -> TemplateVersion:
    """The version with the form's rows instead of its own."""
    draft = TemplateVersion(pk=version.pk, template=version.template, number=version.number, state=version.state)
    draft._prefetched_objects_cache = typed.rows  # type: ignore[attr-defined]
    return draft
