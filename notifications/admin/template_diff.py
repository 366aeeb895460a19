"""What differs between two versions of a template: by language and field, word for word."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from notifications.admin.base import DeskAdmin
from notifications.admin.history_states import Difference
from notifications.admin.word_diff import words_between
from notifications.models import TemplateVersion


class VersionsForm(forms.Form):
    earlier = forms.ModelChoiceField(
        TemplateVersion.objects.none(), label=_("From"), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    later = forms.ModelChoiceField(
        TemplateVersion.objects.none(), label=_("To"), widget=UnfoldAdminSelectWidget, empty_label=None
    )

    def __init__(self, data: Any, version: TemplateVersion) -> None:
        super().__init__(data)
        for field in self.fields.values():
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = version.template.versions.order_by("-number")
            field.label_from_instance = _version_label  # type: ignore[method-assign, assignment]


def _version_label(version: Any) -> str:
    label = f"{version.number} · {version.get_state_display()}"
    return f"{label} · {version.note}" if version.note else label


def compare_page(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
    """`?earlier=` and `?later=`; without them, this version with what was published before it."""
    form = VersionsForm(request.GET if {"earlier", "later"} & request.GET.keys() else _usual(version), version)
    parts: list[Difference] | None = None
    if form.is_valid():
        parts = list(differences(form.cleaned_data["earlier"], form.cleaned_data["later"]))
    return desk.page(request, "admin/desk/compare.html", gettext("Compare"), form=form, parts=parts, row=version)


def _usual(version: TemplateVersion) -> dict[str, int]:
    others = version.template.versions.exclude(pk=version.pk)
    before = others.filter(number__lt=version.number, published_at__isnull=False).order_by("-number").first()
    other = before or others.order_by("-number").first() or version
    earlier, later = sorted((other, version), key=lambda each: each.number)
    return {"earlier": earlier.pk, "later": later.pk}


def differences(earlier: TemplateVersion, later: TemplateVersion) -> Iterator[Difference]:
    """Each is a text, a button or a key fact, with the fields that differ below it."""
    before, after = dict(_parts(earlier)), dict(_parts(later))
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, {}), after.get(name, {})
        fields = [
            Difference(field, pieces=words_between(old.get(field, ""), new.get(field, "")))
            for field in (old | new)
            if old.get(field, "") != new.get(field, "")
        ]
        if fields:
            yield Difference(name[1], below=fields)


def _parts(version: TemplateVersion) -> Iterator[tuple[tuple[int, str], dict[str, str]]]:
    """The name of each part, in the order of the form, with its fields as text."""
    for at, texts in enumerate((version.texts.all(), version.customer_texts.all())):
        for text in texts:
            yield (at, str(text)), _fields(text, ("title", "body", "short_body"))
    for fact in version.facts.all():
        labels = {
            f"{fact._meta.get_field('labels').verbose_name}: {code}": label for code, label in fact.labels.items()
        }
        name = gettext("key fact “%(path)s”") % {"path": fact.path}
        yield (2, name), _fields(fact, ("position", "kind", "currency")) | labels
    for rule in version.actions.all():
        labels = {
            f"{rule._meta.get_field('labels').verbose_name}: {code}": label for code, label in rule.labels.items()
        }
        name = gettext("button “%(action)s”") % {"action": rule.action}
        yield (3, name), _fields(rule, ("comment",)) | labels


def _fields(row: Any, names: Sequence[str]) -> dict[str, str]:
    shown = {name: getattr(row, f"get_{name}_display", None) for name in names}
    return {
        str(row._meta.get_field(name).verbose_name): str(display() if display else getattr(row, name))
        for name, display in shown.items()
    }
