"""One answer to a task, with everything that was read to decide about it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from notifications.answers.answer_context import AnswerContext
from notifications.answers.submission import Answer
from notifications.errors import NotAllowed
from notifications.forms import checking
from notifications.forms.fields import Form, form_of
from notifications.models import Callback, Notification, Recipient, Task
from notifications.routing.entitlement import Entitlements
from notifications.types import Action

NOT_OFFERED = Action("", "", effect="final", comment="none")
"""The action of an answer that names none of those offered."""


@dataclass(frozen=True)
class Decision:
    """An answer to a task: checked by the guards (notifications/answers/guards.py), then written by recording.

    Asked: the locked `task`, the person's copy of it (`item`), the names of the actions `offered` to them, the `action`
    that the answer names, and the task's `form`. Shown: `answer.revision`; the present content is `item.revision`.
    Given: the `answer` with its comment, files and channel, and its values as they are recorded, at the time `at`.

    `copies`: the open copies of the task. `calls`: its earlier callbacks, with their responses.
    """

    task: Task
    item: Notification
    person: Recipient
    offered: Collection[str]
    action: Action
    form: Form | None
    answer: Answer
    at: datetime
    copies: list[Notification]
    calls: Sequence[Callback]
    entitlements: Entitlements


def read_decision(item: Notification, answer: Answer, context: AnswerContext) -> Decision:
    """Return the decision about an answer to a copy, from the rows that the context has read. Raises NotAllowed."""
    task, entitlements = item.task, context.entitlements
    if task is None:
        raise NotAllowed("This notification asks for nothing, so there is nothing to answer.")
    form = form_of(task.data)
    if form is not None and answer.values:
        answer = replace(answer, values=checking.normal(form, answer.values))
    actions = {action["action"]: action for action in item.actions}
    offered = [name for name in actions if answer.offered is None or name in answer.offered]
    return Decision(
        task=task,
        item=item,
        person=item.recipient,
        offered=offered,
        action=Action.from_json(actions[answer.action]) if answer.action in offered else NOT_OFFERED,
        form=form,
        answer=answer,
        at=context.now,
        copies=context.standing[task.pk],
        calls=context.calls[task.pk],
        entitlements=entitlements,
    )
