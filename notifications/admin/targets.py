"""Targets of routes: which fields each kind needs."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from notifications.admin.conditions import ConditionForm, ConditionsInline
from notifications.admin.invalid_ids import Choosing
from notifications.admin.known_paths import offer
from notifications.models import RouteCondition, RouteTarget, TargetKind

OFFERED = {"types": "[name=event_types]", "engine": "[name=engine]"}

NEEDS: dict[str, tuple[str, ...]] = {
    TargetKind.TEAM: ("team",),
    TargetKind.PERSON: ("person",),
    TargetKind.PATH: ("path",),
    TargetKind.ROLE: ("role",),
    TargetKind.DUTY: ("rota",),
}
"""Fields that each kind of target requires. The team lead may name a team."""
MAY_NAME: dict[str, tuple[str, ...]] = {**NEEDS, TargetKind.TEAM_LEAD: ("team",)}
ROWS = ("team", "person", "rota")
TARGET_FIELDS = ("kind", *ROWS, "path", "role")
"""A tuple: sets of forms add to a list of fields that they are given."""


class TargetForm(forms.ModelForm):
    """Requires the fields of the target's kind, and clears the others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self.fields.get("path"), **OFFERED)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("kind", "")
        for name in NEEDS.get(kind, ()):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, NEEDED[name])
        for name in TARGET_FIELDS[1:]:
            if name not in MAY_NAME.get(kind, ()):
                cleaned[name] = None if name in ROWS else ""
                if name in self.errors:
                    del self.errors[name]
        return cleaned


NEEDED = {
    "team": _("Choose the team."),
    "person": _("Choose the person."),
    "rota": _("Choose the duty rota."),
    "role": _("Write the role as events name it, such as requester."),
    "path": _("Write where in the event the person is named, such as task.data.owner."),
}


class RouteConditionForm(ConditionForm):
    offered = OFFERED


class ConditionInline(ConditionsInline):
    model = RouteCondition
    form = RouteConditionForm
    verbose_name_plural = _("conditions: all must hold")


class TargetInline(Choosing, TabularInline):
    model = RouteTarget
    form = TargetForm
    extra = 0
    hide_title = True
    fields = TARGET_FIELDS
    autocomplete_fields = [*ROWS]
    verbose_name_plural = _("targets: who gets it")

    class Media:
        js = ["wfpush/admin/targets.js"]
