"""Which answers have to be signed, by the rules of the desk."""

from collections.abc import Collection, Sequence

from notifications.cases.facts import facts_of_task
from notifications.models import Notification, Task
from notifications.routing.conditions import holds
from notifications.signed_answers.models import SignatureRule
from notifications.types import Json
from wfpush.postgres.revision import Compiled

_ENABLED = Compiled[Sequence[SignatureRule]](
    lambda: list(SignatureRule.objects.filter(enabled=True).prefetch_related("conditions").order_by("name"))
)


def names_to_sign(copy: Notification, actions: Sequence[Json]) -> Collection[str]:
    """Return the names of those `actions` of a copy, with its task, that have to be signed."""
    task = copy.task
    final = [each["action"] for each in actions if each["effect"] == "final"]
    rules = _ENABLED.get() if final and task is not None else ()
    if not rules or task is None:
        return ()
    fitting = _fitting(rules, task, copy.category_id)
    return {name for name in final if any(_names(rule, name) for rule in fitting)}


def rule_for(task: Task, category: int, action: str) -> SignatureRule | None:
    """Return the first rule that wants this final answer signed."""
    rules = _ENABLED.get()
    return next((rule for rule in _fitting(rules, task, category) if _names(rule, action)), None) if rules else None


def _names(rule: SignatureRule, action: str) -> bool:
    return not rule.actions or action in rule.actions


def _fitting(rules: Sequence[SignatureRule], task: Task, category: int) -> list[SignatureRule]:
    """Return the rules that the task and the category of a person's copy fit."""
    near = [rule for rule in rules if rule.engine_id in (None, task.engine_id) and rule.category_id in (None, category)]
    facts = facts_of_task(task, task.case) if any(rule.conditions.all() for rule in near) else {}
    return [rule for rule in near if all(holds(condition, facts) for condition in rule.conditions.all())]
