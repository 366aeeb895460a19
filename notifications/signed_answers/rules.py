"""Which answers have to be signed, by the rules of the desk."""

from collections.abc import Collection, Sequence

from notifications.answers.decision import Decision
from notifications.cases.facts import facts_of_task
from notifications.models import Notification, Task
from notifications.routing.conditions import holds
from notifications.signed_answers.models import SignatureRule
from notifications.types import Json, object_in
from wfpush.postgres.revision import Compiled

_ENABLED = Compiled[Sequence[SignatureRule]](
    lambda: list(SignatureRule.objects.filter(enabled=True).prefetch_related("conditions").order_by("name"))
)


def names_to_sign(copy: Notification, actions: Sequence[Json]) -> Collection[str]:
    """Return the names of those `actions` of a copy, with its task, that have to be signed as far as is known before
    the answer: by the copy's category, and without what the person enters."""
    task = copy.task
    final = [each["action"] for each in actions if each["effect"] == "final"]
    rules = _ENABLED.get() if final and task is not None else ()
    if not rules or task is None:
        return ()
    facts = facts_of_task(task, task.case) if any(rule.conditions.all() for rule in rules) else {}
    fitting = [rule for rule in rules if _fits(rule, task, {copy.category_id}) and _holds(rule, facts)]
    return {name for name in final if any(_names(rule, name) for rule in fitting)}


def wants_signature(decision: Decision) -> bool:
    """Return whether a rule wants this final answer signed. Its conditions hold for the facts of the task, or for those
    with what the person has entered. Its category is that of any copy of the task: steps and other routes give copies
    others."""
    task, rules = decision.task, _ENABLED.get()
    named = [rule for rule in rules if _names(rule, decision.action.name)]
    if not named:
        return False
    copies = Notification.objects.filter(task=task).values_list("category_id", flat=True)
    categories = set(copies.distinct()) if any(rule.category_id for rule in named) else set()
    facts = facts_of_task(task, task.case)
    entered = _with_entered(facts, decision)
    return any(_fits(rule, task, categories) and (_holds(rule, facts) or _holds(rule, entered)) for rule in named)


def _with_entered(facts: Json, decision: Decision) -> Json:
    """Return the facts with the variables and values of the answer in place of the task's."""
    variables = {**object_in(facts, "variables"), **decision.answer.variables}
    for field in decision.form or ():
        if field.name in decision.answer.values:
            variables[field.name] = value = decision.answer.values[field.name]
            *parents, last = field.source.split(".")
            target = variables
            for name in parents:
                target[name] = dict(object_in(target, name))
                target = target[name]
            target[last] = value
    return {**facts, "variables": variables}


def _names(rule: SignatureRule, action: str) -> bool:
    return not rule.actions or action in rule.actions


def _fits(rule: SignatureRule, task: Task, categories: Collection[int]) -> bool:
    return rule.engine_id in (None, task.engine_id) and (rule.category_id is None or rule.category_id in categories)


def _holds(rule: SignatureRule, facts: Json) -> bool:
    return all(holds(condition, facts) for condition in rule.conditions.all())
