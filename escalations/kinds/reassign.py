"""Kind `reassign`: asks the engine to give the task to another person.

The engine is right about its tasks: the assignee changes here only after it has changed there.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalations import reasons
from escalations.kinds import engine_calls
from escalations.kinds.base import PEOPLE, Faults, StepDescription, StepKind, StepOutcome, Taking, unnamed
from escalations.kinds.base import whom as name_of
from escalations.kinds.targets import Search, Staff, whom
from escalations.models import Escalation, PolicyStep, RunResult, StepTarget
from escalations.policies.rules import Occurrence
from notifications.answers import four_eyes, reassigning
from notifications.errors import FourEyes
from notifications.models import Callback, CallbackState, Recipient, Task
from notifications.reasons import Reason, joined


class Reassign(StepKind):
    kind = "reassign"
    label = gettext_lazy("reassign the task")
    fields = PEOPLE
    to_one_person = True
    afterwards = gettext_lazy("When the engine reassigns the task, this clock ends and a new one starts.")

    def take(self, takings: Sequence[Taking]) -> list[StepOutcome]:
        """Ask for the first person of the target, with delegates and fallback owner as for messages."""
        staff = Staff(takings[0].now, [taking.task for taking in takings])
        former = _former_assignees([taking.task for taking in takings])
        attempts = [_reassign(taking, staff, former) for taking in takings]
        calls = [each.call for each in attempts if isinstance(each, _Request)]
        events = iter(engine_calls.make(calls))
        return [
            StepOutcome(RunResult.DONE, each.why, event=next(events)) if isinstance(each, _Request) else each
            for each in attempts
        ]

    def faults(self, step: PolicyStep) -> Faults:
        if step.target not in self.targets():
            text = _("Choose one person who gets the task, such as the manager, the lead or a named person.")
            yield "target", text
            return
        yield from unnamed(step)
        if step.target == StepTarget.PERSON and step.person is not None and step.person.external:
            yield "person", _("%(person)s does not belong to your organisation.") % {"person": step.person}

    def says(self, step: StepDescription) -> str:
        if not step.target:
            return _("reassign the task to nobody")
        return _("reassign the task to %(whom)s") % {"whom": name_of(step)}

    def came_too_late(self, occurrence: Occurrence, escalation: Escalation) -> bool:
        """Return whether the step was due before the clock began: a new assignee must not lose a late task at once."""
        return occurrence.at < escalation.started_at


@dataclass(frozen=True)
class _Request:
    """The call that asks the engine, and the reason for the trace."""

    call: engine_calls.Call
    why: Reason


def _reassign(taking: Taking, staff: Staff, former: Mapping[UUID, set[str]]) -> StepOutcome | _Request:
    task = taking.task
    if not task.engine.callback_url:
        return engine_calls.no_address(taking)
    search = Search(task, taking.step, staff)
    recipients = whom(search, taking.rules)
    if not recipients:
        return StepOutcome(RunResult.NOBODY, joined(search.notes))
    person, reason = recipients[0].recipient, recipients[0].reason
    if person.pk == task.assignee_id:
        return StepOutcome(RunResult.DONE, reasons.HAS_IT(name=person))
    if person.ref in former.get(task.pk, ()):  # else managers in a circle would pass it round for ever
        return StepOutcome(RunResult.NOBODY, reasons.HAD_IT(name=person))
    note = reasons.ASKED(engine=task.engine, name=person, reason=reason)
    call = engine_calls.Call(taking, reassigning.TYPE, {"to": person.as_person()})
    return _Request(call, joined([note, *_four_eyes(task, person, staff)]))


def _former_assignees(tasks: Sequence[Task]) -> dict[UUID, set[str]]:
    """Return, by task, the refs of people from whom such steps have already taken the task."""
    done = Callback.objects.filter(task__in=tasks, response=None, state=CallbackState.DELIVERED).order_by()
    refs: dict[UUID, set[str]] = {}
    for call in done.only("task", "body"):
        event = json.loads(call.body)
        if event["type"] == reassigning.TYPE and event["data"]["assignee"]:
            refs.setdefault(call.task_id, set()).add(event["data"]["assignee"]["ref"])
    return refs


def _four_eyes(task: Task, person: Recipient, staff: Staff) -> Iterable[Reason]:
    """Yield a note if four eyes forbid the person to decide. They still get the task, and can pass it on or ask."""
    try:
        four_eyes.check(task, person, staff.once("four eyes", four_eyes.enabled))
    except FourEyes as refused:
        yield reasons.FOUR_EYES(name=person, rule=refused.extra["rule"])
