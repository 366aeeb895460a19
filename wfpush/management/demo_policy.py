"""The demo's SLA policy. It takes minutes for hours, so that escalations can be watched."""

from django.db import transaction

from escalations.models import Clock, Policy, PolicyCondition, PolicyStep, StepTarget, TimeKind
from notifications.models import Category, Engine, Operator, Template

NAME = "Demo: minutes as hours"
DUE_AFTER = 2
"""Minutes. The processes say two hours."""


@transaction.atomic
def make(engine: str) -> None:
    """Make the policy: the only assignee of an approval is reminded after a minute, their manager hears after two."""
    if Policy.objects.filter(name=NAME).exists():
        return
    policy = Policy.objects.create(
        name=NAME,
        engine=Engine.objects.get(slug=engine),
        clock=Clock.DURATION,
        minutes=DUE_AFTER,
        time=TimeKind.WALL,
    )
    PolicyCondition.objects.create(policy=policy, path="task.kind", operator=Operator.EQUALS, value="approval")
    PolicyCondition.objects.create(policy=policy, path="task.assignee", operator=Operator.EXISTS)
    _step(policy, -1, StepTarget.ASSIGNEE, "task-reminder")
    _step(policy, 0, StepTarget.MANAGER, "task-late")


def _step(policy: Policy, offset: int, target: StepTarget, template: str) -> None:
    PolicyStep.objects.create(
        policy=policy,
        offset=offset,
        time=TimeKind.WALL,
        target=target,
        template=Template.objects.get(slug=template),
        category=Category.objects.get(slug="approvals"),
    )
