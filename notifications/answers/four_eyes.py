"""Four eyes: a person who started something, or decided the step before, may not decide this one."""

from collections.abc import Sequence

from notifications.answers.decision import Decision
from notifications.cases.facts import facts_of_task
from notifications.errors import FourEyes
from notifications.models import ANSWERABLE, FourEyesRule, Recipient, RefusedAnswer, Task
from notifications.reasons import YOU_DECIDED_BEFORE, YOU_STARTED_IT
from notifications.routing.conditions import holds
from notifications.types import Json
from wfpush.postgres.revision import Compiled

WHY = {"initiator": YOU_STARTED_IT(), "previous": YOU_DECIDED_BEFORE()}
"""The reasons for the values of the errors' member `why`."""


_ENABLED = Compiled[Sequence[FourEyesRule]](
    lambda: list(FourEyesRule.objects.filter(enabled=True).prefetch_related("conditions").order_by("name"))
)


def enabled() -> Sequence[FourEyesRule]:
    return _ENABLED.get()


def looks_back() -> bool:
    """Return whether an answer to one task of a case may keep its person from answering the next one."""
    return any(rule.not_previous for rule in enabled())


def check(task: Task, person: Recipient, rules: Sequence[FourEyesRule]) -> None:
    """Check a final answer by the `enabled` rules. Raises FourEyes."""
    started = task.initiator_id == person.pk
    facts = None
    for rule in rules:
        facts = facts or facts_of_task(task, task.case)
        if not _fits(rule, task, facts):
            continue
        if rule.not_initiator and started:
            raise FourEyes(str(WHY["initiator"]), rule=rule.name, why="initiator")
        if rule.not_previous and _decided_before(task, person):
            raise FourEyes(str(WHY["previous"]), rule=rule.name, why="previous")


def check_decision(decision: Decision) -> None:
    """Check an answer if it is final. Raises FourEyes."""
    rules = _ENABLED.get()
    if rules and decision.action.effect == "final":
        check(decision.task, decision.person, rules)


def refusal(decision: Decision, refused: FourEyes) -> RefusedAnswer:
    """Return the new row of an answer that was refused."""
    return RefusedAnswer(
        task=decision.task,
        recipient=decision.person,
        action=decision.answer.action[:60],
        comment=decision.answer.comment,
        via=decision.answer.via,
        rule=refused.extra["rule"],
        at=decision.at,
        why_fact=WHY[refused.extra["why"]].as_json(),
    )


def _fits(rule: FourEyesRule, task: Task, facts: Json) -> bool:
    if rule.engine_id is not None and rule.engine_id != task.engine_id:
        return False
    return all(holds(condition, facts) for condition in rule.conditions.all())


def _decided_before(task: Task, person: Recipient) -> bool:
    """Return whether the person decided the case's last decided task before this one, here or in the engine."""
    if task.case_id is None:
        return False
    ended = Task.objects.filter(case=task.case_id, id__lt=task.pk, outcome__by__ref__isnull=False)
    decided = ended.exclude(state__in=ANSWERABLE).order_by("-id").first()
    return decided is not None and bool(decided.outcome["by"]["ref"] == person.ref)
