"""Admin pages of SLA policies: their tasks, clock and steps, also written as sentences."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.aggregates import Count
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.forms import PaginationInlineFormSet

from escalations.admin import simulator
from escalations.admin.dead_ends import warnings
from escalations.admin.fields import DurationField, DurationWidget
from escalations.admin.policy_change import ANSWER, EDIT, GIVE, following, joining, of_policy, question
from escalations.clocks import policy_reload
from escalations.kinds import KINDS, checks, wording
from escalations.models import Escalation, Policy, PolicyCondition, PolicyStep, StepTarget
from notifications.admin.desk import search
from notifications.admin.desk.base import LedgerAdmin
from notifications.admin.desk.decorators import action, column, display
from notifications.admin.desk.display import link, list_url, mark, shortened
from notifications.admin.desk.feature_rows import ROW_REF, FeatureRowField
from notifications.admin.desk.fields import OrderedChoicesField
from notifications.admin.desk.filters import Conditions
from notifications.admin.desk.invalid_ids import AutocompleteMixin
from notifications.admin.rules.conditions import ConditionsInline, ShowsValue, doubts_about_tasks, scope_of
from notifications.admin.rules.routing import MAX_WORDS
from notifications.admin.rules.second_person import RuleAdmin, RuleTargets
from notifications.channel_facts import offered_channels
from notifications.feature_targets import feature_targets

NAMES: dict[str, tuple[str, ...]] = {
    StepTarget.MANAGER: ("level",),
    StepTarget.TEAM: ("team",),
    StepTarget.TEAM_LEAD: ("team",),
    StepTarget.PERSON: ("person",),
    **dict.fromkeys(feature_targets(), ("ref",)),
}
"""The fields that each target needs, besides those that the step's kind uses."""
UNUSED: dict[str, Any] = {
    "target": "",
    "level": 1,
    "team": None,
    "person": None,
    **dict.fromkeys(ROW_REF, ""),
    "template": None,
    "category": None,
    "channels": [],
    "critical": False,
    "priority": "",
}
"""The values of fields that the step's kind or target does not use."""


# --- fields of the policy ---------------------------------------------------------------------------------------------
class PolicyForm(forms.ModelForm):
    minutes = DurationField(
        label=_("How long the task may take"),
        required=False,
        widget=DurationWidget(),
        help_text=_("Working days also have at most 24 hours."),
    )
    hold_minutes = DurationField(label=_("How long nobody is notified"), required=False, widget=DurationWidget())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for field, sentence in checks.of_policy(Policy(**cleaned)):
            if field not in self.errors:
                self.add_error(field, sentence)
        if EDIT in self.data:
            self.add_error(None, gettext("This is not saved yet."))
        return cleaned


class PolicyConditionInline(ConditionsInline):
    model = PolicyCondition


# --- its steps: each shows the fields that its kind needs, and reads as a sentence ------------------------------------
class StepFormBase(forms.ModelForm):
    """The base form of a step. It shows the fields that the step's kind uses, and clears the others."""

    ref = FeatureRowField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields:  # users who may not edit have no such field
            self.fields["kind"].widget.attrs["data-steps"] = switched()

    def clean(self) -> dict[str, Any]:
        """Clear the fields that the kind does not use. Fields that the page lacks keep their values."""
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
        widget=DurationWidget(signed=True),
        help_text=_("Working days also have at most 24 hours."),
    )
    repeat_every = DurationField(label=_("Again every"), required=False, widget=DurationWidget())
    channels = OrderedChoicesField(
        offered_channels(), label=_("Channels"), required=False, help_text=_("Empty: those of the category.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.instance.get_inline_title = capfirst(wording.sentence(wording.of_row(self.instance)))


def switched() -> str:
    """Return JSON with the fields of each kind and target, for static/wfpush/admin/steps.js."""
    kinds = {name: {"fields": list(kind.fields), "targets": kind.targets()} for name, kind in KINDS.items()}
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


class StepInline(AutocompleteMixin, StackedInline):
    model = PolicyStep
    form = StepForm
    formset = StepFormSet
    extra = 0
    collapsible = True
    verbose_name_plural = _("steps: what happens when")
    autocomplete_fields = ["team", "person", "template", "category"]
    fields = [
        ("kind", "offset", "time"),
        ("target", "level", "team", "person", *ROW_REF),
        ("template", "category", "channels"),
        "critical",
        "priority",
        ("repeat_every", "repeats"),
    ]

    class Media:
        js = ["wfpush/admin/steps.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyStep]:
        steps: QuerySet[PolicyStep] = super().get_queryset(request)
        return steps.select_related("team", "person", "template", "category")


# --- the page and the list --------------------------------------------------------------------------------------------
class Gaps(Conditions):
    title = _("gaps")
    parameter_name = "gaps"
    conditions = {
        "steps": (_("nobody is notified: no steps"), Q(steps=None)),
        "fallback": (_("no fallback owner"), Q(fallback=None)),
    }


@admin.register(Policy)
class PolicyAdmin(RuleAdmin):
    empty_says = _("When people are reminded, and who is notified if nobody answers. Add the first one.")
    form = PolicyForm
    list_display = ["name", "which", "due_is", "what_happens", "open_clocks", "on"]
    list_filter = ["enabled", Gaps, "clock", "calendar", "engine"]
    list_select_related = ["engine", "calendar"]
    search_fields = ["name", "conditions__path", "conditions__value", "steps__template__name", "steps__team__name"]
    autocomplete_fields = ["engine", "calendar", "fallback"]
    save_as = True
    parts = [PolicyCondition, PolicyStep]
    kept_when_restored = ["route"]
    due_is = column(wording.due_in_short, _("due"))
    inlines = [PolicyConditionInline, StepInline]
    actions_detail = ["test"]
    fieldsets = [
        (None, {"fields": ["name", "enabled", "position", "engine"]}),
        (_("The clock"), {"fields": ["clock", "minutes", "time", "calendar", "calendar_of"]}),
        (_("When it stops"), {"fields": ["pauses", "on_acknowledge", "hold_minutes"]}),
        (_("If nobody is reached"), {"fields": ["fallback"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        policies: QuerySet[Policy] = super().get_queryset(request)
        running = Escalation.objects.filter(
            policy=OuterRef("pk"), ended_at=None, state__in=policy_reload.OPEN
        ).order_by()
        count = running.values("policy").annotate(count=Count("pk")).values("count")
        clocks = Coalesce(Subquery(count, output_field=IntegerField()), 0)
        return policies.annotate(clocks=clocks).prefetch_related("conditions", "steps__team", "steps__person")

    def response_add(self, request: HttpRequest, obj: Policy, post_url_continue: str | None = None) -> HttpResponse:
        return self._ask_about_open_tasks(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Policy) -> HttpResponse:
        return self._ask_about_open_tasks(request, obj) or super().response_change(request, obj)

    def _ask_about_open_tasks(self, request: HttpRequest, policy: Policy) -> HttpResponse | None:
        """Return the page that asks whether open tasks follow the policy. None if nothing is to be asked: then messages
        say what follows from the change."""
        effect = of_policy(request, policy)
        page = question(self, request, effect)
        if page is not None:
            return page
        if request.POST.get(ANSWER) == GIVE:
            self.message_user(request, following(policy_reload.mark(policy, timezone.now())))
        elif effect.joining:
            self.message_user(request, joining(effect))
        if not PolicyStep.objects.filter(policy=policy).exists():
            text = gettext("This policy has no steps: tasks get their due date, and nobody is notified.")
            self.message_user(request, text, messages.WARNING)
        conditions = PolicyCondition.objects.filter(policy=policy)  # queried again: they were just saved
        for sentence in (*doubts_about_tasks(conditions, policy.engine), *warnings(policy)):
            self.message_user(request, sentence, messages.WARNING)
        return None

    # --- columns ----------------------------------------------------------------------------------------------------
    @display(description=_("which tasks"))
    def which(self, policy: Policy) -> SafeString:
        engine = [gettext("from %(engine)s") % {"engine": policy.engine}] if policy.engine else []
        return scope_of(engine, policy.conditions.all(), MAX_WORDS)

    @display(description=_("what happens"))
    def what_happens(self, policy: Policy) -> SafeString:
        steps = [wording.sentence(wording.of_row(step), policy.time) for step in policy.steps.all()]
        if not steps:
            return mark("bad", gettext("nobody is notified"))
        lines = format_html_join("", "<div>{}</div>", ((shortened(step, MAX_WORDS),) for step in steps))
        return format_html('<div class="desk-both">{}</div>', lines)

    @display(description=_("open tasks"), ordering="clocks")
    def open_clocks(self, policy: Any) -> SafeString | int:
        if not policy.clocks:
            return 0
        query = f"policy__id__exact={policy.pk}&now=open"
        return format_html('<a class="desk-link" href="{}">{}</a>', list_url(Escalation, query), policy.clocks)

    @display(description=_("enabled"), ordering="enabled", boolean=True)
    def on(self, policy: Policy) -> bool:
        return policy.enabled

    # --- actions ----------------------------------------------------------------------------------------------------
    def has_test_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perms(simulator.PERMISSIONS)

    @action(description=_("Test"), url_path="test", permissions=["test"], icon="science")
    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the simulator with the policy's open task that is due first; without one, with an empty form."""
        policy: Policy = self.get_row(request, object_id)
        if not self.has_test_permission(request):
            raise PermissionDenied
        running = Escalation.objects.filter(policy=policy, ended_at=None).order_by("deadline").first()
        address = reverse(simulator.NAME)
        return HttpResponseRedirect(f"{address}?task={running.task_id}" if running is not None else address)


def read_policy(policy: Policy) -> RuleTargets:
    """Return whom a policy names: the targets of its steps, and its fallback owner."""
    steps = list(policy.steps.select_related("team"))
    step_fields = sorted(
        [step.kind, step.target, step.offset, step.team_id or 0, step.person_id or 0, step.ref] for step in steps
    )
    conditions = sorted(policy.conditions.values_list("path", "operator", "value"))
    subject = (policy.engine_id, policy.fallback_id, str(step_fields), tuple(conditions))
    fallback = PolicyStep(person_id=policy.fallback_id)
    targets = [(step.target, step) for step in steps if step.target]
    return RuleTargets([*targets, (StepTarget.PERSON, fallback)], subject)


SEARCH = search.small(Policy, "timer", ["name"], lambda policy, _query: [search.on_or_off(policy.enabled)])


# --- lists across all policies ----------------------------------------------------------------------------------------
class PartOfPolicy(LedgerAdmin):
    """The list of a kind of policy part across all policies. Parts are edited on the policy's page."""

    list_select_related = ["policy"]
    list_filter = ["policy"]
    of_policy = column(lambda row: link(row.policy), _("policy"), "policy__name")


@admin.register(PolicyCondition)
class PolicyConditionAdmin(ShowsValue, PartOfPolicy):
    empty_says = _("The tasks that a policy applies to. They are edited on the policy's page.")
    list_display = ["path", "operator", "shown_value", "of_policy"]
    search_fields = ["path", "value", "policy__name"]


@admin.register(PolicyStep)
class PolicyStepAdmin(PartOfPolicy):
    empty_says = _("Steps of policies. They are edited on the policy's page.")
    list_display = ["says", "template", "category", "of_policy"]
    list_filter = ["kind", "target", "policy"]
    list_select_related = ["policy", "team", "person", "template", "category"]
    search_fields = ["policy__name", "team__name", "person__name", "=person__ref", "template__name"]
    says = column(lambda step: wording.sentence(wording.of_row(step)), _("step"), "offset")
