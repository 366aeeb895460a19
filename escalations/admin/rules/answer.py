"""Shows on the rule's page its events, its recipients, its texts, and the steps if nobody answers. A valid rule is
saved and tried by the code of real events, then rolled back: the published rule does what the page showed."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from escalations.admin import dead_ends, policy_change, simulator
from escalations.admin.rules.bundle import ONLY_EVENTS, RuleForms
from escalations.admin.rules.events import Recent, as_if_new, event_lines, of_sample, recent, sample_of
from escalations.admin.rules.forms import WRITTEN, published, texts_of
from escalations.admin.rules.order import order_lines
from escalations.admin.rules.saving import CannotSave, save
from escalations.admin.simulator import Foresight
from escalations.forecast import policy_change as forecast
from escalations.forecast.target_cache import TargetCache
from escalations.kinds import wording
from escalations.kinds.targets import step_for
from escalations.models import Policy
from notifications import reasons
from notifications.admin.ledger.timeline import Line
from notifications.admin.rules.conditions import condition_sentence
from notifications.admin.rules.routing import doubts_about
from notifications.admin.wording.live_preview import Group, variables
from notifications.admin.wording.preview import Preview, Subject, previewed
from notifications.admin.wording.template_languages import name_of
from notifications.feature_targets import feature_targets
from notifications.models import (
    Engine,
    Event,
    Operator,
    Recipient,
    Route,
    RouteCondition,
    RouteTarget,
    TargetKind,
    Task,
    TemplateVersion,
)
from notifications.starter.routes import WAITING
from notifications.types import InboundEvent, Json, behaviour_of
from notifications.wording import liquid
from notifications.wording.key_facts import currency_paths, template_facts
from notifications.wording.template_check import check, variables_of

NAMED = 8
"""The number of people that a line names; the others are counted."""
LANGUAGES = 8
OFFERED = 20
SAMPLE = "sample"
COMPARING = (Operator.GREATER, Operator.GREATER_OR_EQUAL, Operator.LESS, Operator.LESS_OR_EQUAL)


@dataclass
class Answer:
    """The contents of the panels beside the five parts."""

    when: list[Line] = field(default_factory=list)
    who: list[Line] = field(default_factory=list)
    order: list[Line] = field(default_factory=list)
    previews: list[tuple[str, str, Preview]] = field(default_factory=list)
    words: list[Line] = field(default_factory=list)
    late: list[Line] = field(default_factory=list)
    tried: Foresight | None = None
    problems: list[Line] = field(default_factory=list)
    variables: Group | None = None
    """What can be inserted into words of the rule alone."""
    events: list[tuple[str, str]] = field(default_factory=list)
    """The id and title of events that the rule can be tried on. `event` is the id of the chosen one."""
    event: str = ""
    open_tasks: bool = False
    """True if the page asks whether open tasks follow the edited policy."""


def build_answer(rule: RuleForms, by: Any, now: datetime, *, event: str = "", may_read: bool) -> Answer:
    """Try the rule, and return the panels of the page. `event`: the id of the event to try it on, or “sample”.
    `may_read`: whether the reader may see events."""
    answer = Answer()
    valid = rule.is_valid()
    if not rule.rule.is_valid():
        return answer
    types, engine = rule.rule.cleaned_data["types"], rule.rule.cleaned_data["engine"]
    conditions = rule.conditions_to_save() if rule.conditions.is_valid() else []
    came = recent(types, engine, conditions, _used_paths(rule, conditions)) if may_read else []
    trial = _choose_trial(answer, came, types, engine, event, now)
    answer.when = list(event_lines(came)) if may_read else []
    version = published(rule.rule.cleaned_data["template"])
    answer.when += _currency_lines(conditions, version)
    meant = [(target, _people(target)) for target in rule.targets_to_save()] if rule.targets.is_valid() else []
    answer.who = list(_target_lines(meant)) or [Line(_("No recipient yet. Choose one, then publish."), "wait")]
    tried = trial.event(now) if trial is not None and rule.conditions.is_valid() else None
    answer.order = list(order_lines(rule, conditions, tried))
    if not valid:
        _show_words(answer, version, trial, now, with_variables=rule.writes_words)
        return answer
    try:
        with transaction.atomic():
            route = _try(answer, rule, by, now, trial)
            if answer.tried is not None:
                listed_pks = {person.pk for _target, people in meant for person in people or ()}
                answer.who += _recipient_lines(answer.tried.plan, route, listed_pks)
            transaction.set_rollback(True)
    except CannotSave as refused:
        answer.problems.append(Line(str(refused), "bad"))
    return answer


# --- events -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Trial:
    """The event that the rule is tried on. `task`: that of a real event."""

    engine: Engine
    inbound: InboundEvent
    words: str
    task: Task | None = None

    def event(self, now: datetime) -> Event:
        """Return an event that is not stored."""
        inbound = self.inbound
        event = Event(engine=self.engine, type=inbound.type, source=inbound.source, event_id=inbound.id)
        event.data, event.received_at = inbound.data, now
        return event


def _used_paths(rule: RuleForms, conditions: Sequence[RouteCondition]) -> set[str]:
    """Return the paths that the conditions and the words of the first language read."""
    texts = rule.texts_to_save() if rule.writes_words else texts_of(rule.rule.cleaned_data["template"])
    words = [liquid.parse(text[name]) for text in texts[:1] for name in WRITTEN]
    return {each.path for each in conditions} | {path for each in words for path in variables_of(each)}


def _choose_trial(
    answer: Answer,
    came: Sequence[Recent],
    types: Sequence[str],
    engine: Engine | None,
    event: str,
    now: datetime,
) -> _Trial | None:
    """Return the event to try the rule on: `event`, else the first of `_by_use` that meets the conditions, else the
    sample. Adds the choices to the answer."""
    offered = sorted(came, key=_by_use)[:OFFERED]
    answer.events = [(str(each.event.pk), str(each)) for each in offered]
    sample = sample_of(types)
    engine = engine or Engine.objects.filter(active=True).order_by("pk").first()
    if sample is not None and engine is not None:
        answer.events.append((SAMPLE, _("the sample of %(type)s") % {"type": sample}))
    chosen = next((each for each in offered if str(each.event.pk) == event), None)
    if chosen is None and event != SAMPLE:
        chosen = next((each for each in offered if each.meets), None)
    if chosen is not None:
        answer.event = str(chosen.event.pk)
        return _Trial(chosen.event.engine, as_if_new(chosen.event, now), str(chosen), chosen.event.task)
    if sample is None or engine is None:
        return None
    answer.event = SAMPLE
    return _Trial(engine, of_sample(sample), _("the sample of %(type)s") % {"type": sample})


def _by_use(recent: Recent) -> tuple[bool, int, bool]:
    """Sort events that meet the conditions first, those with the most paths that the rule uses, and new tasks."""
    return not recent.meets, recent.lacking, behaviour_of(recent.event.type) != WAITING[0]


def _currency_lines(conditions: Sequence[RouteCondition], version: TemplateVersion | None) -> Iterator[Line]:
    """Yield a line for each amount of the template that a condition compares, if none is about its currency."""
    named = {each.path for each in conditions}
    compared = {each.path for each in conditions if each.operator in COMPARING}
    for path, currency in currency_paths(template_facts(version)).items():
        if path in compared and currency not in named:
            text = _("%(path)s counts in every currency. To limit it to one, add a condition on %(currency)s.")
            names = {"path": path.removeprefix("variables."), "currency": currency.removeprefix("variables.")}
            yield Line(text % names, "wait")


# --- targets ----------------------------------------------------------------------------------------------------------
def _target_lines(meant: Iterable[tuple[RouteTarget, list[Recipient] | None]]) -> Iterator[Line]:
    """Yield a line for each target: its people today, or a note that each event names them."""
    for target, people in meant:
        text = _("%(target)s: %(people)s") if people else _("%(target)s: nobody, now")
        text = _("%(target)s: each event names them") if people is None else text
        placeholders = {"target": target, "people": _list_names(people or [])}
        yield Line(text % placeholders, "bad" if people == [] else "ok")


def _people(target: RouteTarget) -> list[Recipient] | None:
    """Return the people whom the target means now; None if they depend on the event."""
    if target.kind == TargetKind.TEAM and target.team is not None:
        return list(target.team.members.filter(active=True).order_by("name"))
    if target.kind == TargetKind.PERSON:
        return [target.person] if target.person is not None and target.person.active else []
    if target.kind == TargetKind.TEAM_LEAD and target.team is not None:
        return [target.team.lead] if target.team.lead is not None and target.team.lead.active else []
    if target.kind in feature_targets():
        cache = TargetCache()
        cache.at(timezone.now())
        return [each.recipient for each in cache.ask((), Task(), step_for(target)).hear]
    return None


def _list_names(people: Sequence[Recipient]) -> str:
    names = ", ".join(person.name for person in people[:NAMED])
    left = len(people) - NAMED
    if left <= 0:
        return names
    return ngettext("%(names)s and %(count)d other", "%(names)s and %(count)d others", left) % {
        "names": names, "count": left
    }  # fmt: skip


def _recipient_lines(plan: Json, route: Route, listed_pks: Collection[int]) -> Iterator[Line]:
    """Yield a line for each recipient of this event by the rule's own route, except `listed_pks`."""
    recipients = [each for each in plan.get("recipients") or [] if each.get("route") == route.name]
    mine = [each for each in recipients if each["recipient"] not in listed_pks]
    for each in mine[:NAMED]:
        yield Line(f"{each['name']}: {reasons.words(each)}", "ok")
    if len(mine) > NAMED:
        yield Line(ngettext("and %(count)d other", "and %(count)d others", len(mine) - NAMED)
                   % {"count": len(mine) - NAMED}, "ok")  # fmt: skip


# --- trial ------------------------------------------------------------------------------------------------------------
def _try(answer: Answer, rule: RuleForms, by: Any, now: datetime, trial: _Trial | None) -> Route:
    """Save the rule in a transaction that the caller rolls back, and add its effect to the answer. Return its route."""
    route = save(rule, by, now)
    answer.problems += [Line(doubt, "wait") for doubt in doubts_about(route)]
    policy = Policy.objects.filter(route=route, enabled=True).first() if rule.counts else None
    if policy is not None:
        answer.late = list(_policy_lines(answer, rule, policy, now))
    version = published(route.template)
    _show_words(answer, version, trial, now, with_variables=rule.writes_words)
    answer.words += list(_language_warnings(version, rule.targets_to_save()))
    if trial is None:
        text = _("There is no event to try it with: none was received, and no type has a sample.")
        answer.problems.append(Line(text, "wait"))
        return route
    tried = answer.tried = simulator.foreseen(trial.engine, trial.inbound, now)
    _unlink([*tried.event, *tried.policy, *(line for step in tried.steps for line in step.recipients)])
    return route


def _unlink(lines: Iterable[Line]) -> None:
    """Remove the links: rows of the trial have no pages."""
    for line in lines:
        line.href = ""
        _unlink(line.below)


def _policy_lines(answer: Answer, rule: RuleForms, policy: Policy, now: datetime) -> Iterator[Line]:
    yield Line(_("Due: %(when)s") % {"when": wording.due(policy)}, "ok")
    yield from (Line(sentence, "wait") for sentence in _for_other_tasks(rule, policy))
    yield from (Line(sentence, "wait") for sentence in dead_ends.warnings(policy))
    effect = forecast.of_policy(policy, now)
    if effect.changes:
        answer.open_tasks = True
        yield from (Line(sentence, "wait") for sentence in policy_change.sentences(effect))
    elif effect.joining:
        yield Line(policy_change.joining(effect), "quiet")


def _for_other_tasks(rule: RuleForms, policy: Policy) -> Iterator[str]:
    """Yield a sentence for each difference between the tasks of the policy and the events of the route."""
    types, paths = rule.rule.cleaned_data["types"], {each.path for each in rule.conditions_to_save()}
    if types and not set(types) & set(WAITING):
        yield _("The SLA applies to every task that meets the conditions, regardless of the type of its events.")
    if only := sorted(paths & set(ONLY_EVENTS)):
        yield _("Tasks do not have %(paths)s, so the SLA applies to them with any value.") % {"paths": ", ".join(only)}
    if not rule.policy_follows:
        which = [str(policy.engine)] if policy.engine else []
        which += [condition_sentence(condition) for condition in policy.conditions.all()]
        tasks = ", ".join(which) or _("every task")
        yield _("The SLA keeps the tasks set on its own page: %(tasks)s.") % {"tasks": tasks}


# --- texts ------------------------------------------------------------------------------------------------------------
def _show_words(
    answer: Answer,
    version: TemplateVersion | None,
    trial: _Trial | None,
    now: datetime,
    *,
    with_variables: bool = False,
) -> None:
    """Add the message in each language to the answer, and its variables for texts that are being written."""
    if version is None or trial is None:
        return
    task = trial.task
    subject = Subject(trial.event(now), task, task.case if task is not None else None, trial.words)
    for language in _languages(version)[:LANGUAGES]:
        answer.previews.append((language, name_of(language), previewed(version, language, subject)))
    if with_variables:
        answer.variables = variables(version, subject.writer().context(None), _languages(version)[0])
    problems = check(version)
    answer.words += [Line(str(problem.message), "bad" if problem.fatal else "wait") for problem in problems]


def _languages(version: TemplateVersion) -> list[str]:
    """Return the languages of the texts: the reader's own first, then the fallback language."""
    first, reader = version.template.fallback_language, (get_language() or "").partition("-")[0]
    languages = {text.language for text in version.texts.all()}
    return sorted(languages, key=lambda each: (each.partition("-")[0] != reader, each != first, each))


def _language_warnings(version: TemplateVersion | None, targets: Sequence[RouteTarget]) -> Iterator[Line]:
    """Yield a line for each language that people of the targets read and the template lacks."""
    if version is None:
        return
    spoken = {language.lower().partition("-")[0] for language in _languages(version)}
    teams, people = [each.team for each in targets if each.team], [each.person for each in targets if each.person]
    locales = list(Recipient.objects.filter(teams__in=teams, active=True).distinct().values_list("locale", flat=True))
    locales += [person.locale for person in people]
    lacking = sorted({each for each in locales if each.lower().partition("-")[0] not in spoken})
    for language in lacking:
        count = locales.count(language)
        text = ngettext("%(count)d person reads %(language)s, and gets %(instead)s.",
                        "%(count)d people read %(language)s, and get %(instead)s.", count)  # fmt: skip
        yield Line(text % {"count": count, "language": language, "instead": version.template.fallback_language}, "wait")
