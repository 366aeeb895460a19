"""The steps of a policy on its form: each shows the fields that its kind needs, and reads as a sentence."""

import json
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.forms import PaginationInlineFormSet

from escalations.admin.fields import DurationField
from escalations.kinds import KINDS, checks, wording
from escalations.models import PolicyStep, StepTarget
from notifications.admin.fields import OrderedChoicesField
from notifications.admin.invalid_ids import Choosing
from notifications.channel_facts import offered_channels

NAMES: dict[str, tuple[str, ...]] = {
    StepTarget.MANAGER: ("level",),
    StepTarget.TEAM: ("team",),
    StepTarget.TEAM_LEAD: ("team",),
    StepTarget.PERSON: ("person",),
    StepTarget.DUTY: ("rota",),
}
"""Of the fields that a kind uses, those that a target needs."""
UNUSED: dict[str, Any] = {
    "target": "",
    "level": 1,
    "team": None,
    "person": None,
    "rota": None,
    "template": None,
    "category": None,
    "channels": [],
    "critical": False,
    "priority": "",
}
"""The value of a field that is not used."""


class StepFormBase(forms.ModelForm):
    """Shows the fields that the step's kind uses, and clears the others."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:  # not for users who may not edit
            self.fields["kind"].widget.attrs["data-steps"] = switched()

    def clean(self) -> dict[str, Any]:
        """Fields that the page does not show stay as they are."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in UNUSED.keys() - used_by(cleaned.get("kind", ""), cleaned.get("target", "")):
            if name in self.fields:
                cleaned[name] = UNUSED[name]
                self.errors.pop(name, None)
        return cleaned


class StepForm(StepFormBase):
    offset = DurationField(
        label=_("When"),
        signed=True,
        initial=0,
        help_text=_("-1h 30m: before due. 2d: after it. A day has 24 hours, in working time, too."),
    )
    repeat_every = DurationField(label=_("Again every"), required=False, help_text=_("Such as 4h."))
    channels = OrderedChoicesField(
        offered_channels(), label=_("Channels"), required=False, help_text=_("Empty: those of the category.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.instance.get_inline_title = capfirst(wording.sentence(wording.of_row(self.instance)))


def switched() -> str:
    """The fields and targets for each kind and target: read by static/wfpush/admin/steps.js."""
    kinds = {
        name: {"fields": list(kind.fields), "targets": [each for each in StepTarget.values if each in kind.targets]}
        for name, kind in KINDS.items()
    }
    return json.dumps({"kinds": kinds, "targets": NAMES, "fields": list(UNUSED)})


def used_by(kind: str, target: str) -> set[str]:
    uses = KINDS[kind].fields if kind in KINDS else ()
    target_fields = {name for names in NAMES.values() for name in names}
    return {name for name in uses if name not in target_fields or name in NAMES.get(target, ())}


class StepFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        super().clean()
        remaining = [
            form for form in self.forms if form.is_valid() and form.cleaned_data and not self._should_delete_form(form)
        ]
        steps = [form.instance for form in remaining]
        for at, field, sentence in checks.of_steps(self.instance, steps, timezone.now()):
            remaining[at].add_error(field, sentence)


class StepInline(Choosing, StackedInline):
    model = PolicyStep
    form = StepForm
    formset = StepFormSet
    extra = 0
    collapsible = True
    verbose_name_plural = _("steps: what happens when")
    autocomplete_fields = ["team", "person", "rota", "template", "category"]
    fields = [
        ("kind", "offset", "time"),
        ("target", "level", "team", "person", "rota"),
        ("template", "category", "channels"),
        "critical",
        "priority",
        ("repeat_every", "repeats"),
    ]

    class Media:
        js = ["wfpush/admin/steps.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyStep]:
        steps: QuerySet[PolicyStep] = super().get_queryset(request)
        return steps.select_related("team", "person", "rota", "template", "category")
