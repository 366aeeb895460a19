"""Lines for engines with webhooks: every callback in every order, and the events that the engine sends."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from typing import Any

from django.utils import timezone

from notifications.answers.answer_body import OUTCOMES
from notifications.conformance.contract import Differs, Facts, Lines, NotOffered, NotTried, Options, described, expect
from notifications.conformance.receiver import Receiver
from notifications.connectors import signatures
from notifications.connectors.access import EngineClient
from notifications.connectors.base import Result
from notifications.connectors.webhook import post, signed_call
from notifications.engines.connection_test import event_of_test
from notifications.items.representation import iso_utc, task_event
from notifications.models import Case, Task
from notifications.types import USUAL_EFFECTS, Json, object_in, text_in
from wfpush.identifiers import uuid7

TASKS = 2
"""How many tasks the lines need: one for what comes before an answer, and one for what comes after it."""
KIT = {"ref": "wfpush-kit", "name": "wfpush kit"}


@dataclass
class WebhookTrial:
    receiver: Receiver
    line: EngineClient
    url: str
    options: Options
    facts: Facts = field(default_factory=Facts)

    def task(self, number: int) -> str:
        """Return one of the kit's tasks. Raises NotTried."""
        tasks: Sequence[str] = self.facts.get("tasks", ())
        if len(tasks) <= number:
            raise NotTried("The engine sent no task for it.")
        return tasks[number]

    async def send(self, event: Json, *, keys: Sequence[str] = (), age: timedelta = timedelta()) -> Result:
        """Send a callback as the product does. `keys`: other secrets to sign with. `age`: of the signature."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        signing = keys or [self.receiver.secret]
        return await post(self.line, signed_call(self.url, body, event["id"], signing, datetime.now(UTC) - age))

    def event(self, type: str, task: str, data: Json) -> Json:
        case = object_in(self.receiver.tasks().get(task, {}), "case").get("id")
        stored = Task(task_id=task, case=Case(case_id=case) if case else None)
        event: Json = json.loads(task_event(uuid7(), type, stored, timezone.now(), data))
        return event

    def answer(self, task: str, action: str = "", **members: Any) -> Json:
        """Return the answer that docs/api/callbacks.md describes. `action`: by default the first final one."""
        final = (name for name, effect in self.actions(task).items() if effect == "final")
        action = action or next(final, "approve")
        assigned = self.receiver.assignments(task)[-1]
        source = {"id": assigned.id, "source": assigned.source}
        data = {
            "action": action,
            "outcome": OUTCOMES.get(action, action),
            "comment": "Sent by the conformance kit.",
            "variables": {},
            "responded_by": KIT,
            "responded_at": now(),
            "via": "api",
            "assurance": None,
            "event": source,
            "revision": None,
            "revised_by": source,
            "notification_id": str(uuid7()),
        }
        return self.event("task.responded", task, {**data, **members})

    def question(self, task: str) -> Json:
        return self.answer(task, "request_info", comment="Which cost centre?", asked=KIT)

    def message(self, task: str) -> Json:
        text: Json = {"kind": "comment", "text": "Grüße", "attachments": [], "reply_to": None}
        message = {"id": str(uuid7()), **text, "by": KIT, "for": [], "at": now(), "via": "api"}
        return self.event("task.message", task, {"message": message})

    def late(self, task: str) -> Json:
        return self.step("task.escalation_raised", task, 1)

    def step(self, type: str, task: str, number: int, **members: Any) -> Json:
        """Return the callback of a step of an SLA policy."""
        at = timezone.now()
        step = {"policy": "Conformance", "step": number, "number": 0, "due_at": iso_utc(at), "raised_at": iso_utc(at)}
        return self.event(type, task, {**step, "assignee": self.assigned_to(task), **members})

    def assigned_to(self, task: str) -> Json | None:
        assignee = object_in(self.receiver.tasks().get(task, {}), "task").get("assignee")
        ref = text_in(assignee, "ref") if isinstance(assignee, dict) else assignee
        return {"ref": ref, "name": ref} if ref else None

    def actions(self, task: str) -> dict[str, str]:
        """Return the effects of the task's actions, by name."""
        actions = object_in(self.receiver.tasks().get(task, {}), "task").get("actions") or ["approve"]
        objects = [{"action": each} if isinstance(each, str) else each for each in actions]
        return {each["action"]: each.get("effect") or USUAL_EFFECTS.get(each["action"], "final") for each in objects}


def now() -> str | None:
    return iso_utc(timezone.now())


LINES: Lines[WebhookTrial] = Lines()


@LINES.line(
    "A test of the connection is accepted", "Administrators read that the connection is broken although it works."
)
async def test(trial: WebhookTrial) -> None:
    expect(await trial.send(event_of_test("conformance", timezone.now())), "done")


@LINES.line(
    "Types that the engine does not know are accepted",
    "A new release of wfpush alarms operators, and calls are repeated for a week.",
)
async def unknown_type(trial: WebhookTrial) -> None:
    expect(await trial.send({**event_of_test("conformance", timezone.now()), "type": "wfpush.conformance"}), "done")


@LINES.line("The engine sends its tasks", "Tasks reach nobody. The lines about answers cannot be tried.")
async def tasks(trial: WebhookTrial) -> None:
    await trial.receiver.wait(lambda: len(trial.receiver.tasks()) >= TASKS, trial.options.by_hand)
    trial.facts["tasks"] = list(trial.receiver.tasks())
    if len(trial.facts["tasks"]) < TASKS:
        raise Differs(f"{len(trial.facts['tasks'])} of {TASKS} tasks with {trial.receiver.mark} arrived.")


@LINES.line("A call with a wrong signature is refused", "Anybody who knows the address can decide tasks.")
async def wrong_signature(trial: WebhookTrial) -> None:
    _refused(await trial.send(trial.message(trial.task(0)), keys=[signatures.new_secret()]))


@LINES.line("A call that was signed long ago is refused", "Somebody who recorded an answer can send it again.")
async def old_signature(trial: WebhookTrial) -> None:
    _refused(await trial.send(trial.message(trial.task(0)), age=timedelta(minutes=10)))


@LINES.line(
    "Questions, messages and late notices are accepted in every order",
    "What people write about a task waits, and holds back the answers after it.",
)
async def before_answer(trial: WebhookTrial) -> None:
    task = trial.task(1)
    kinds = [trial.question, trial.message, trial.late]
    for order in permutations(kinds if "request_info" in trial.actions(task) else kinds[1:]):
        for kind in order:
            await _accepted(trial, kind(task), "done")


@LINES.line(
    "An action that the task does not offer is refused with a reason",
    "An impossible answer counts, or is repeated for a week and nobody learns why.",
)
async def refused(trial: WebhookTrial) -> None:
    expect(await trial.send(trial.answer(trial.task(1), "conformance_impossible")), "refused")


@LINES.line("An answer to an unknown task is refused", "Answers to tasks that are gone count, or wait for a week.")
async def unknown_task(trial: WebhookTrial) -> None:
    event = trial.answer(trial.task(0))
    event["subject"] = event["data"]["task_id"] = f"unknown-{uuid7()}"
    expect(await trial.send(event), "handled", "refused")


@LINES.line("A task can be given to another person", "Forwarded and escalated tasks stay where they were.")
async def reassignment(trial: WebhookTrial) -> None:
    task, to = trial.task(1), {"ref": trial.options.assignees[1], "name": trial.options.assignees[1]}
    result = await trial.send(trial.step("task.reassignment_requested", task, 2, to=to))
    if result.outcome == "refused":
        raise NotOffered(f"The engine refuses: {result.detail}")
    expect(result, "done")
    if not await trial.receiver.wait(lambda: trial.assigned_to(task) == to, trial.options.patience):
        raise Differs("The engine agreed, and sent no task.assigned with the new assignee.")


@LINES.line("A final answer is accepted", "People read that their answer waits.")
async def accepted(trial: WebhookTrial) -> None:
    event, assignments = trial.answer(trial.task(0)), len(trial.receiver.assignments(trial.task(0)))
    expect(await trial.send(event), "done")
    trial.facts |= {"answer": event, "assignments": assignments}


@LINES.line(
    "The same answer again is accepted, and changes nothing",
    "After a broken connection, people read that somebody else handled the task, although their answer counted.",
)
async def repeated(trial: WebhookTrial) -> None:
    for _ in range(2):
        expect(await trial.send(_answered(trial)), "done")


@LINES.line(
    "A second answer is refused as handled", "Two people decide the same task, and both read that their answer counts."
)
async def second_answer(trial: WebhookTrial) -> None:
    event = {**_answered(trial), "id": str(uuid7())}
    expect(await trial.send(event), "handled")


@LINES.line(
    "What comes after the answer does no harm",
    "Questions, messages and late notices that arrive late are repeated for a week, and alarm an operator.",
)
async def after_answer(trial: WebhookTrial) -> None:
    task = _answered(trial)["subject"]
    for kind in (trial.question, trial.message, trial.late):
        await _accepted(trial, kind(task), "done", "handled", "refused")


@LINES.line(
    "Two signatures are accepted while a secret is rotated", "During a rotation of the secret all answers wait."
)
async def rotation(trial: WebhookTrial) -> None:
    keys = [signatures.new_secret(), trial.receiver.secret]
    expect(await trial.send(trial.answer(trial.task(1)), keys=keys), "done")


@LINES.line("An answered task stays closed", "People get tasks again that were decided.")
async def stays_closed(trial: WebhookTrial) -> None:
    task = _answered(trial)["subject"]
    if len(trial.receiver.assignments(task)) > trial.facts["assignments"]:
        raise Differs("The engine assigned the task again after the answer. A new round needs a new task id.")


EVENTS = (
    ("sign-in", "Events have the key or a valid signature", "wfpush refuses the event: the task reaches nobody."),
    ("format", "Events have the form of wfpush's events", "wfpush refuses the event: the task reaches nobody."),
    ("time", "Events have the time of the change", "An older event that arrives late can undo a newer one."),
    ("ids", "Each change has an id of its own", "wfpush refuses a change, and people do not see it."),
)
"""Lines about the events that the receiver took or refused, by kind of fault."""


async def _no_fault(kind: str, trial: WebhookTrial) -> None:
    faults = trial.receiver.faults.get(kind, ())
    if faults:
        raise Differs(f"{faults[0]}{f' And {len(faults) - 1} more.' if len(faults) > 1 else ''}")
    if not trial.receiver.events:
        raise NotTried("The engine sent no event.")


for _key, _title, _means in EVENTS:
    LINES.line(_title, _means, _key)(partial(_no_fault, _key))


@LINES.line("An event that was not taken comes again", "Tasks are lost while wfpush is restarted.")
async def again(trial: WebhookTrial) -> None:
    receiver = trial.receiver
    if not receiver.postponed:
        raise NotTried("The engine sent no event.")
    if not await receiver.wait(lambda: receiver.returned, trial.options.patience):
        raise Differs("The kit refused the first event with 503, and it did not come again with the same id.")


def _answered(trial: WebhookTrial) -> Json:
    event: Json = trial.facts.need("answer", "No answer was accepted.")
    return event


async def _accepted(trial: WebhookTrial, event: Json, *outcomes: str) -> None:
    result = await trial.send(event)
    if result.outcome not in outcomes:
        raise Differs(f"{event['type']}: {described(result)}")


def _refused(result: Result) -> None:
    if result.status not in (400, 401, 403):
        raise Differs(f"{described(result)} Expected: the status 401.")
