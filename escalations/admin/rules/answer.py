"""What a rule would do: for which events it is, whom it means, what they read, what happens if nobody answers. A valid
rule is saved by its own code, tried by that of real events, and rolled back: what is published is what was shown."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from escalations.admin import dead_ends, policy_change, simulator
from escalations.admin.rules import recent
from escalations.admin.rules.bundle import ONLY_EVENTS, RuleForms
from escalations.admin.rules.forms import published
from escalations.admin.rules.saving import CannotSave, save
from escalations.admin.simulator import Foresight
from escalations.forecast import policy_change as forecast
from escalations.kinds import wording
from escalations.models import Policy
from notifications import reasons
from notifications.admin.conditions import condition_sentence
from notifications.admin.preview import Preview, Subject, previewed
from notifications.admin.routing import doubts_about
from notifications.admin.timeline import Line
from notifications.models import Engine, Event, Recipient, Route, RouteTarget, TargetKind, TemplateVersion
from notifications.rotas.duty import Duties
from notifications.starter.routes import WAITING
from notifications.types import InboundEvent, Json
from notifications.wording import render

NAMED = 8
"""People whom a line names; the others are counted."""
LANGUAGES = 8


@dataclass
class Answer:
    """The contents of the panels beside the five parts."""

    when: list[Line] = field(default_factory=list)
    who: list[Line] = field(default_factory=list)
    previews: list[tuple[str, Preview]] = field(default_factory=list)
    words: list[Line] = field(default_factory=list)
    late: list[Line] = field(default_factory=list)
    tried: Foresight | None = None
    problems: list[Line] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    """The events that it can be tried on; `event` is the one that it was tried on."""
    event: str = ""
    open_tasks: bool = False
    """Whether to ask if open tasks follow the policy as it is now."""


def build_answer(rule: RuleForms, by: Any, now: datetime, *, event: str = "", may_read: bool) -> Answer:
    """Try the rule, and return what the page shows. `event`: the id of the event to try it on, or “sample”.
    `may_read`: whether the reader may see events."""
    answer = Answer()
    valid = rule.is_valid()
    if not rule.rule.is_valid():
        return answer
    types, engine = rule.rule.cleaned_data["types"], rule.rule.cleaned_data["engine"]
    conditions = rule.conditions_to_save() if rule.conditions.is_valid() else []
    came = recent.recent(types, engine, conditions) if may_read else []
    trial = _chosen(answer, came, types, engine, event, now)
    answer.when = list(_when(came)) if may_read else []
    meant = [(target, _people(target)) for target in rule.targets_to_save()] if rule.targets.is_valid() else []
    answer.who = list(_who(meant))
    if not valid:
        _show_words(answer, published(rule.rule.cleaned_data["template"]), trial, now)
        return answer
    try:
        with transaction.atomic():
            route = _try(answer, rule, by, now, trial)
            if answer.tried is not None:
                listed_pks = {person.pk for _target, people in meant for person in people or ()}
                answer.who += _of_event(answer.tried.plan, route, listed_pks)
            transaction.set_rollback(True)
    except CannotSave as refused:
        answer.problems.append(Line(str(refused), "bad"))
    return answer


# --- when -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Trial:
    """The event that the rule is tried on."""

    engine: Engine
    inbound: InboundEvent
    words: str


def _chosen(
    answer: Answer,
    came: Sequence[recent.Recent],
    types: Sequence[str],
    engine: Engine | None,
    event: str,
    now: datetime,
) -> _Trial | None:
    """Return what the rule is tried on: the event `event`, else the newest that the rule is for, else the sample. Adds
    the choices to the answer."""
    offered = sorted(came, key=lambda each: not each.meets)[: recent.OFFERED]
    answer.events = [(str(each.event.pk), str(each)) for each in offered]
    sample = recent.sample_of(types)
    engine = engine or Engine.objects.filter(active=True).order_by("pk").first()
    if sample is not None and engine is not None:
        answer.events.append((recent.SAMPLE, _("the sample of %(type)s") % {"type": sample}))
    chosen = next((each for each in offered if str(each.event.pk) == event), None)
    if chosen is None and event != recent.SAMPLE:
        chosen = next((each for each in offered if each.meets), None)
    if chosen is not None:
        answer.event = str(chosen.event.pk)
        return _Trial(chosen.event.engine, recent.as_if_new(chosen.event, now), str(chosen))
    if sample is None or engine is None:
        return None
    answer.event = recent.SAMPLE
    return _Trial(engine, recent.of_sample(sample), _("the sample of %(type)s") % {"type": sample})


def _when(came: Sequence[recent.Recent]) -> Iterator[Line]:
    meant = [each for each in came if each.meets]
    if not came:
        yield Line(_("No such event has come lately."), "wait")
    elif not meant:
        text = ngettext("It is not for the %(count)d such event that came lately.",
                        "It is for none of the last %(count)d such events.", len(came))  # fmt: skip
        yield Line(text % {"count": len(came)}, "wait")
    else:
        text = ngettext("It is for %(meant)d of the last %(count)d such event. The newest: %(newest)s.",
                        "It is for %(meant)d of the last %(count)d such events. The newest: %(newest)s.",
                        len(came))  # fmt: skip
        yield Line(text % {"meant": len(meant), "count": len(came), "newest": meant[0]}, "ok")


# --- who --------------------------------------------------------------------------------------------------------------
def _who(meant: Iterable[tuple[RouteTarget, list[Recipient] | None]]) -> Iterator[Line]:
    """Yield a line for each target: its people today, or that each event names them."""
    for target, people in meant:
        text = _("%(target)s: %(people)s") if people else _("%(target)s: nobody, now")
        text = _("%(target)s: each event names them") if people is None else text
        placeholders = {"target": target, "people": _list_names(people or [])}
        yield Line(text % placeholders, "bad" if people == [] else "ok")


def _people(target: RouteTarget) -> list[Recipient] | None:
    """None: it depends on the event."""
    if target.kind == TargetKind.TEAM and target.team is not None:
        return list(target.team.members.filter(active=True).order_by("name"))
    if target.kind == TargetKind.PERSON:
        return [target.person] if target.person is not None and target.person.active else []
    if target.kind == TargetKind.TEAM_LEAD and target.team is not None:
        return [target.team.lead] if target.team.lead is not None and target.team.lead.active else []
    if target.kind == TargetKind.DUTY and target.rota is not None:
        return list(Duties(timezone.now()).people(target.rota)[:1])
    return None


def _list_names(people: Sequence[Recipient]) -> str:
    names = ", ".join(person.name for person in people[:NAMED])
    left = len(people) - NAMED
    if left <= 0:
        return names
    return ngettext("%(names)s and %(count)d other", "%(names)s and %(count)d others", left) % {
        "names": names, "count": left
    }  # fmt: skip


def _of_event(plan: Json, route: Route, listed_pks: Collection[int]) -> Iterator[Line]:
    """Yield a line for each recipient of this event by the rule's own route, except `listed_pks`."""
    recipients = [each for each in plan.get("recipients") or [] if each.get("route") == route.name]
    mine = [each for each in recipients if each["recipient"] not in listed_pks]
    for each in mine[:NAMED]:
        yield Line(f"{each['name']}: {reasons.words(each)}", "ok")
    if len(mine) > NAMED:
        yield Line(ngettext("and %(count)d other", "and %(count)d others", len(mine) - NAMED)
                   % {"count": len(mine) - NAMED}, "ok")  # fmt: skip


# --- tried ------------------------------------------------------------------------------------------------------------
def _try(answer: Answer, rule: RuleForms, by: Any, now: datetime, trial: _Trial | None) -> Route:
    """Save the rule in a transaction that is rolled back, and add to the answer what it would do. Returns its route."""
    route = save(rule, by, now)
    answer.problems += [Line(doubt, "wait") for doubt in doubts_about(route)]
    policy = Policy.objects.filter(route=route, enabled=True).first() if rule.counts else None
    if policy is not None:
        answer.late = list(_late(answer, rule, policy, now))
    version = published(route.template)
    _show_words(answer, version, trial, now)
    answer.words += list(_without_words(version, rule.targets_to_save()))
    if trial is None:
        text = _("There is nothing to try it on: no event has come, and no type has a sample.")
        answer.problems.append(Line(text, "wait"))
        return route
    tried = answer.tried = simulator.foreseen(trial.engine, trial.inbound, now)
    _unlink([*tried.event, *tried.policy, *(line for step in tried.steps for line in step.recipients)])
    return route


def _unlink(lines: Iterable[Line]) -> None:
    """Rows of the trial have no pages."""
    for line in lines:
        line.href = ""
        _unlink(line.below)


def _late(answer: Answer, rule: RuleForms, policy: Policy, now: datetime) -> Iterator[Line]:
    yield Line(_("Due: %(when)s") % {"when": wording.due(policy)}, "ok")
    yield from (Line(sentence, "wait") for sentence in _for_other_tasks(rule, policy))
    for step in policy.steps.select_related("team", "person", "rota"):
        yield Line(wording.sentence(wording.of_row(step), policy.time), "ok")
    yield from (Line(sentence, "wait") for sentence in dead_ends.warnings(policy))
    effect = forecast.of_policy(policy, now)
    if effect.changes:
        answer.open_tasks = True
        yield from (Line(sentence, "wait") for sentence in policy_change.sentences(effect))
    elif effect.joining:
        yield Line(policy_change.joining(effect), "quiet")


def _for_other_tasks(rule: RuleForms, policy: Policy) -> Iterator[str]:
    """Yield a sentence for each way in which the tasks of the policy differ from the events of the route."""
    types, paths = rule.rule.cleaned_data["types"], {each.path for each in rule.conditions_to_save()}
    if types and not set(types) & set(WAITING):
        yield _("The time counts for every task that meets the conditions, whatever type its events have.")
    if only := sorted(paths & set(ONLY_EVENTS)):
        yield _("Tasks have no %(paths)s: the time counts for them whatever it was.") % {"paths": ", ".join(only)}
    if not rule.policy_follows:
        which = [str(policy.engine)] if policy.engine else []
        which += [condition_sentence(condition) for condition in policy.conditions.all()]
        tasks = ", ".join(which) or _("every task")
        yield _("Its own page says for which tasks the time counts, and that stays: %(tasks)s.") % {"tasks": tasks}


# --- words ------------------------------------------------------------------------------------------------------------
def _show_words(answer: Answer, version: TemplateVersion | None, trial: _Trial | None, now: datetime) -> None:
    if version is None or trial is None:
        return
    inbound = trial.inbound
    event = Event(engine=trial.engine, type=inbound.type, source=inbound.source, event_id=inbound.id)
    event.data, event.received_at = inbound.data, now
    for language in _languages(version)[:LANGUAGES]:
        answer.previews.append((language, previewed(version, language, Subject(event, None, None, trial.words))))
    problems = render.check(version)
    answer.words += [Line(str(problem.message), "bad" if problem.fatal else "wait") for problem in problems]


def _languages(version: TemplateVersion) -> list[str]:
    first = version.template.fallback_language
    return sorted({text.language for text in version.texts.all()}, key=lambda each: (each != first, each))


def _without_words(version: TemplateVersion | None, targets: Sequence[RouteTarget]) -> Iterator[Line]:
    """Languages of the people of named teams, and of named people, that the template does not speak."""
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
