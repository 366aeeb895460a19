"""The five parts of a rule as one form."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from escalations.admin.rules.forms import (
    AFTER,
    TEXT_FIELDS,
    Conditions,
    LateForm,
    RuleForm,
    Steps,
    Targets,
    Texts,
    WordsForm,
    forms_to_save,
    is_written,
    texts_of,
)
from escalations.kinds import KINDS, checks
from escalations.kinds.targets import OWN
from escalations.models import Clock, Policy, PolicyStep, TimeKind
from notifications.models import Condition, Route, RouteTarget, Template, VersionState
from notifications.starter.routes import WAITING

ONLY_EVENTS = ("event.source", "event.subject")
"""Paths of events that tasks lack. Policies look at tasks, so they cannot have conditions on these."""

REMINDER, ESCALATION = "task-reminder", "task-late"
"""Slugs of templates of the starter configuration."""

Fault = dict[str, str]
"""{"field", "label", "text"}: name and label of its field on the page, "" for a whole form; and a sentence."""


class RuleForms:
    """All forms of the page, bound to the posted data, or filled with the stored rule."""

    def __init__(self, route: Route, data: Mapping[str, Any] | None = None) -> None:
        self.route, self.policy = route, policy_of(route)
        self.is_new = route.pk is None
        """True for a new rule. Kept here, because trying the rule gives its route a key for a while."""
        self.policy_follows = follows(self.policy, route)
        """True if the policy is for the tasks of the route. If not, the conditions of its own page stay."""
        self.plain = is_plain(self.policy)
        """True if the page can show the policy: all its steps count the same kind of time."""
        start = {} if route.pk else starting_values()
        self.rule = RuleForm(data, instance=route, initial=start)
        self.words = WordsForm(data, prefix="words")
        template = start.get("template") or (route.template if route.template_id else None)
        self.texts = Texts(data, prefix="texts", initial=texts_of(template))
        self.conditions = Conditions(data, instance=route, prefix="conditions")
        self.targets = Targets(data, instance=route, prefix="targets")
        self.late = LateForm(data, instance=self.policy, prefix="late")
        self.steps = Steps(data, instance=self.policy, prefix="steps")
        if data is None and self.policy.clock == Clock.DURATION:
            self.steps.from_start = self.policy.minutes or 0

    # --- validation ---------------------------------------------------------------------------------------------------
    def is_valid(self) -> bool:
        forms = [self.rule, self.words, self.conditions, self.targets]
        forms += [self.texts] if self.writes_words else []
        forms += [self.late, self.steps] if self.counts else []
        checked = [form.is_valid() for form in forms]  # no short circuit: each form shows its own errors
        valid = all(checked)
        if valid and self.counts:
            self._complete_policy()
            valid = self._check_policy()
        return valid

    @property
    def writes_words(self) -> bool:
        return bool(self.words.is_valid() and self.words.cleaned_data["own"])

    @property
    def counts(self) -> bool:
        """Return whether the rule has reminders or escalations."""
        return self.plain and bool(self.late.data.get("late-counted"))

    def conditions_to_save(self) -> list[Any]:
        return [form.instance for form in forms_to_save(self.conditions)]

    def targets_to_save(self) -> list[RouteTarget]:
        return [form.instance for form in forms_to_save(self.targets)]

    def texts_to_save(self) -> list[dict[str, str]]:
        written = [form.cleaned_data for form in self.texts.forms if is_written(self.texts, form)]
        return [{name: text[name] for name in TEXT_FIELDS} for text in written]

    def steps_to_save(self) -> list[PolicyStep]:
        return [form.instance for form in forms_to_save(self.steps)]

    def _complete_policy(self) -> None:
        """Fill in the policy's fields that the page does not show: due date, offsets from it, and message templates."""
        policy, counted = self.policy, self.late.cleaned_data["counted"]
        policy.clock = Clock(counted)
        if self.policy_follows:
            policy.engine = self.rule.cleaned_data["engine"]
        policy.time, policy.calendar = TimeKind(self.late.cleaned_data["time"]), self.late.cleaned_data["calendar"]
        policy.enabled = self.rule.cleaned_data["enabled"]
        policy.minutes = self._due_after() if counted == AFTER else None
        for form in forms_to_save(self.steps):
            step: PolicyStep = form.instance
            step.offset = form.cleaned_data["offset"] - (policy.minutes or 0)
            step.time = policy.time
            self._set_template(step)

    def _due_after(self) -> int | None:
        minutes: int | None = self.late.cleaned_data["minutes"]
        forms = list(forms_to_save(self.steps))
        offsets = [form.cleaned_data["offset"] for form in forms]
        escalations = [form.cleaned_data["offset"] for form in forms if self._escalates(form.instance)]
        return minutes or (min(escalations) if escalations else max(offsets, default=None))

    def _escalates(self, step: PolicyStep) -> bool:
        """Return whether the step does more than remind people who have the task."""
        targets = {(each.kind, each.team_id, each.person_id, each.ref) for each in self.targets_to_save()}
        target = step.target, step.team_id, step.person_id, step.ref
        return step.target not in OWN and target not in targets

    def _set_template(self, step: PolicyStep) -> None:
        """Set template and category of a new message. Those of an old one stay."""
        if not KINDS[step.kind].is_message:
            return
        if step.template is None:
            slug = ESCALATION if self._escalates(step) else REMINDER
            usual = Template.objects.filter(slug=slug, versions__state=VersionState.PUBLISHED).first()
            step.template = usual or self.rule.cleaned_data["template"]
        step.category = step.category or self.rule.cleaned_data["category"]

    def _check_policy(self) -> bool:
        steps = list(forms_to_save(self.steps))
        if not steps:
            self.late.add_error("counted", gettext("Add a step: the action, and when it happens."))
            return False
        faults = checks.faults_of(self.policy, self.steps_to_save(), timezone.now())
        for fault in faults:
            if fault.step is None or fault.step >= len(steps):
                self.late.add_error(fault.field if fault.field in self.late.fields else "counted", fault.sentence)
            else:
                form = steps[fault.step]
                form.add_error(fault.field if fault.field in form.fields else "kind", fault.sentence)
        return not faults

    def faults(self) -> Iterator[Fault]:
        """Yield each fault once, with the name of its field on the page."""
        forms: list[Any] = [self.rule, *self.conditions.forms, *self.targets.forms]
        forms += self.texts.forms if self.writes_words else []
        forms += [self.late, *self.steps.forms] if self.counts else []
        for form in forms:
            for name, sentences in form.errors.items():
                if name == "id":
                    sentences = [gettext("Somebody else removed a row of this rule: remove it here, too.")]
                field = "" if name in ("__all__", "id") else form.add_prefix(name)
                label = str(form.fields[name].label or "") if name in form.fields else ""
                yield from ({"field": field, "label": label, "text": str(sentence)} for sentence in sentences)
        further = ([self.texts] if self.writes_words else []) + ([self.steps] if self.counts else [])
        for formset in (self.conditions, self.targets, *further):
            yield from ({"field": "", "label": "", "text": str(sentence)} for sentence in formset.non_form_errors())


def starting_values() -> dict[str, Any]:
    """Return the category and template of the route that is first for assigned tasks now."""
    routes = Route.objects.filter(enabled=True, event_types__name=WAITING[0], conditions=None)
    now = routes.select_related("category", "template").order_by("priority").first()
    now = now or Route.objects.filter(enabled=True).select_related("category", "template").first()
    return {"category": now.category, "template": now.template} if now is not None else {}


def policy_of(route: Route) -> Policy:
    """Return the policy of the rule; a new one if it has none."""
    policy = Policy.objects.filter(route=route).select_related("calendar", "route").first() if route.pk else None
    return policy or Policy()


def follows(policy: Policy, route: Route) -> bool:
    if policy.pk is None:
        return True
    own = list(policy.conditions.values_list("path", "operator", "value"))
    return policy.engine_id == route.engine_id and own == of_tasks(route.conditions.all())


def of_tasks(conditions: Iterable[Condition]) -> list[tuple[str, str, str]]:
    """Return path, operator and value of the conditions that can be checked against a task."""
    return [(each.path, each.operator, each.value) for each in conditions if each.path not in ONLY_EVENTS]


def is_plain(policy: Policy) -> bool:
    steps = list(policy.steps.all()) if policy.pk else []
    return all(step.time == policy.time for step in steps)
