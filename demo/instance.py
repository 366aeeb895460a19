"""One process instance: what its model, people and time do to it. Nothing here uses disk or network."""

from datetime import timedelta
from typing import Any

import msgspec
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition

from demo.callbacks import Answer, Reassignment, Words
from demo.definitions import SERIALIZER, Definition, script_engine
from demo.people import one_of, person
from demo.records import (
    Action,
    Clock,
    EventRecord,
    HistoryEntry,
    InstanceRecord,
    KeptFile,
    Message,
    Person,
    TaskRecord,
    TaskResult,
    Verdict,
    stamp,
)

_TOLD_OF = {"StartEvent", "EndEvent", "ServiceTask"}
_ADDRESSES = ("assignee", "candidates", "teams")
_TASK_FIELDS = ("description", "kind", *_ADDRESSES, "initiator", "priority", "actions", "form")
_OTHER_FIELDS = ("case", "exception", "variables", "location", "customer", "documents")
_ASKED = "question_asked"


class Instance:
    """A record and its running workflow. After every public method `record` is ready to be stored."""

    def __init__(self, record: InstanceRecord, workflow: Any, clock: Clock) -> None:
        self.record = record
        self._clock = clock
        self._workflow = workflow
        workflow.script_engine = script_engine(self._emit)

    @classmethod
    def start(cls, definition: Definition, record: InstanceRecord, base_url: str, clock: Clock) -> "Instance":
        """A new instance of the model, run up to its first human task."""
        instance = cls(record, BpmnWorkflow(definition.spec, definition.subprocess_specs), clock)
        url = f"{base_url}/instances/{record.id}"
        key = record.id.removeprefix(f"{definition.noun}-")
        first = instance._workflow.get_next_task(spec_name="Start")
        first.set_data(**record.data, instance={"id": record.id, "key": key, "url": url, "base_url": base_url})
        instance._advance()
        instance._touch()
        return instance

    @classmethod
    def resume(cls, record: InstanceRecord, clock: Clock) -> "Instance":
        """The instance as its record has it."""
        state = msgspec.json.decode(record.workflow)
        SERIALIZER.migrate(state)
        return cls(record, SERIALIZER.from_dict(state), clock)

    def respond(self, key: str, answer: Answer) -> Verdict:
        """Apply an answer that wfpush passes on. A repeated `key` (webhook-id) returns the stored verdict and changes
        nothing."""
        if key in self.record.answers:
            return self.record.answers[key]
        verdict = self._judge(answer)
        task = self.record.tasks.get(answer.task_id)
        if task is not None and verdict.taken:
            self._take(task, answer)
        elif task is not None:
            self._note("refused", f"Refused {answer.responded_by.name}'s answer: {verdict.detail}", task.step)
        self.record.answers[key] = verdict
        self._touch()
        return verdict

    def complete_here(self, answer: Answer) -> Verdict:
        """Somebody ends the task in the engine itself; wfpush hears `task.completed`."""
        verdict = self._judge(answer)
        if not verdict.taken:
            return verdict
        task = self.record.tasks[answer.task_id]
        if self._action(task, answer.action).effect != "final":
            return Verdict(422, f"“{answer.action}” does not complete a task.")
        result = {"action": answer.action, "by": _as_dict(answer.responded_by), "at": stamp(self._clock())}
        self._emit("task.completed", {"task": {"id": task.id}, "result": result, "case": task.data.get("case")})
        self._take(task, answer, where=" here in the engine")
        self._touch()
        return verdict

    def reassign(self, task_id: str, to: Person) -> Verdict:
        """The open task now waits for `to` alone; wfpush hears `task.assigned` with the new assignee."""
        task = self.record.tasks[task_id]
        if task.state != "open":
            return Verdict(409, f"“{task.name}” is already {task.state}.")
        fields = {name: value for name, value in task.data["task"].items() if name not in _ADDRESSES}
        task.data = {**task.data, "task": {**fields, "assignee": to.ref}}
        event = self._emit("task.assigned", task.data)
        self._note("moved", f"Reassigned to {to.name}: {task.name}", task.step, event)
        self._touch()
        return Verdict(200, f"Reassigned to {to.name}.")

    def hand_over(self, key: str, request: Reassignment) -> Verdict:
        """wfpush asks to reassign the task, for a step of its SLA policy. Somebody else who got the task meanwhile
        keeps it. The same `key` (webhook-id) again: the same verdict, nothing changes."""
        if key not in self.record.answers:
            self.record.answers[key] = self._give(self.record.tasks[request.task_id], request.assignee, request.to)
            self._touch()
        return self.record.answers[key]

    def _give(self, task: TaskRecord, had: Person | None, to: Person) -> Verdict:
        has_it = task.data["task"].get("assignee")
        if task.state == "open" and has_it == to.ref:
            return Verdict(200, f"{to.name} has it already.")
        if task.state == "open" and has_it and (had is None or has_it != had.ref):
            return Verdict(409, f"{person(has_it).name} has it meanwhile.")
        return self.reassign(task.id, to)

    # An answer, step by step

    def _judge(self, answer: Answer) -> Verdict:
        """Whether the answer can be taken: 200, 409 (the task is closed) or 422 (impossible), with the reason."""
        task, action = self.record.tasks.get(answer.task_id), answer.action
        if task is None:
            return Verdict(422, "The engine has no such task.")
        if task.state != "open":
            by_whom = f" by {task.result.by.name}" if task.result else ""
            return Verdict(409, f"“{task.name}” is already {task.state}{by_whom}.")
        if action not in {offer.action for offer in task.actions}:
            offered = ", ".join(offer.action for offer in task.actions)
            return Verdict(422, f"“{task.name}” does not offer “{action}”, only {offered}.")
        offer = self._action(task, action)
        if offer.comment == "required" and not answer.text.strip():
            return Verdict(422, f"“{offer.title}” needs a comment.")
        reason = self._evaluate(task.id, "refuse", {"answer": self._answer(task, answer)})
        return Verdict(422, str(reason)) if reason else Verdict(200, "taken")

    def note_message(self, key: str, task_id: str, message: Words) -> Verdict:
        """A reply or a comment that somebody wrote in wfpush stands in the story. The same `key` again: once."""
        if key not in self.record.answers:
            task, says = self.record.tasks[task_id], "replies" if message.kind == "reply" else "writes"
            words = f"{message.by.name if message.by else 'Somebody'} {says}: {task.name}"
            self._note("asked", words, task.step, comment=message.text, files=message.attachments)
            self.record.answers[key] = Verdict(200, "noted")
            self._touch()
        return self.record.answers[key]

    def _take(self, task: TaskRecord, answer: Answer, where: str = "") -> None:
        action, by = self._action(task, answer.action), answer.responded_by
        if action.effect == "acknowledge":
            self._note("seen", f"{by.name} has seen it: {task.name}", task.step)
        elif action.effect == "request_info":
            whom = f"{answer.asked.name} " if answer.asked else ""
            text = f"{by.name} asks {whom}about it: {task.name}"
            self._note("asked", text, task.step, comment=answer.text, files=answer.files)
            if answer.asked:  # the reply comes as a message; the process need not ask anybody
                return
            payload = {"task_id": task.id, "task_name": task.name, "text": answer.text, "by": _as_dict(by)}
            self.record.messages.append(Message(_ASKED, payload))
            self._advance()
        else:
            facts = self._answer(task, answer)
            task.state, task.closed_at = "completed", facts["at"]
            task.result = TaskResult(answer.action, by, facts["at"], answer.text)
            text = f"{by.name} answered “{action.title}”{where}: {task.name}"
            self._note("answered", text, task.step, comment=answer.text, files=answer.files)
            self._mark_done(task.step)
            living = self._living(task.id)
            living.set_data(answer=facts)
            living.run()
            self._advance()

    def _answer(self, task: TaskRecord, answer: Answer) -> dict[str, Any]:
        """The answer as process models see it."""
        return {
            "action": answer.action,
            "outcome": task.outcomes.get(answer.action, answer.action),
            "comment": answer.text,
            "values": answer.variables,
            "by": _as_dict(answer.responded_by),
            "at": stamp(self._clock()),
        }

    @staticmethod
    def _action(task: TaskRecord, name: str) -> Action:
        return next(action for action in task.actions if action.action == name)

    # The workflow, up to the next human task

    def _advance(self) -> None:
        self._run_automatic_steps()
        self._sync_tasks()
        while message := self._deliverable():
            self.record.messages.remove(message)
            definition = MessageEventDefinition(message.name)
            self._workflow.send_event(BpmnEvent(definition, payload=message.payload))
            self._run_automatic_steps()
            self._sync_tasks()
        if self._workflow.is_completed() and self.record.state == "running":
            self.record.state = "finished"
            self.record.messages.clear()

    def _run_automatic_steps(self) -> None:
        self._workflow.do_engine_steps(did_complete_task=self._tell_step)

    def _tell_step(self, step: Any) -> None:
        spec = step.task_spec
        kind = type(spec).__name__
        self._mark_done(spec.bpmn_id)
        if kind not in _TOLD_OF or not spec.bpmn_name or (kind == "EndEvent" and step.workflow is not self._workflow):
            return
        if kind == "ServiceTask":
            self._note("told", spec.bpmn_name, spec.bpmn_id, step.data["last_event"])
        else:
            self._note("started" if kind == "StartEvent" else "finished", spec.bpmn_name, spec.bpmn_id)

    def _deliverable(self) -> Message | None:
        """The oldest message that is waited for. A question waits here while another one is being answered."""
        alive = {task.id for task in self.record.open_tasks}
        self.record.messages = [m for m in self.record.messages if m.payload["task_id"] in alive]
        waiting = {event.name for event in self._workflow.waiting_events()}
        return next((message for message in self.record.messages if message.name in waiting), None)

    def _sync_tasks(self) -> None:
        """Open tasks that became ready, and cancel those that the model withdrew."""
        ready = {str(step.id): step for step in self._workflow.get_tasks(state=TaskState.READY, manual=True)}
        for task in self.record.open_tasks:
            if task.id not in ready:
                task.state, task.closed_at = "cancelled", stamp(self._clock())
                event = self._emit("task.cancelled", {"task": {"id": task.id}, "case": task.data.get("case")})
                self._note("dropped", f"No longer needed: {task.name}", task.step, event)
        for task_id, step in ready.items():
            if task_id not in self.record.tasks:
                self._open(task_id, step)

    def _open(self, task_id: str, step: Any) -> None:
        names = step.task_spec.extensions["properties"]
        values = {name: self._evaluate(task_id, name) for name in names if name != "refuse"}
        now = self._clock()
        url = f"{step.data['instance']['base_url']}/tasks/{task_id}"
        fields = {name: values[name] for name in _TASK_FIELDS if values.get(name) is not None}
        due_at = stamp(now + timedelta(minutes=values["due_in_minutes"]))
        data = {name: values[name] for name in _OTHER_FIELDS if name in values}
        data["task"] = {"id": task_id, "name": values["name"], **fields, "due_at": due_at, "url": url}
        task = TaskRecord(
            id=task_id,
            step=step.task_spec.bpmn_id,
            step_name=step.task_spec.bpmn_name,
            data=data,
            actions=[Action.read(raw) for raw in values["actions"]],
            outcomes=values["outcomes"],
            opened_at=stamp(now),
        )
        self.record.tasks[task_id] = task
        event = self._emit("task.assigned", data)
        self._note("opened", f"{task.name}: waiting for {one_of(task.addressed, task.teams)}", task.step, event)

    def _living(self, task_id: str) -> Any:
        steps = self._workflow.get_tasks(state=TaskState.READY, manual=True)
        return next(step for step in steps if str(step.id) == task_id)

    def _evaluate(self, task_id: str, name: str, extra: dict[str, Any] | None = None) -> Any:
        """The value of a property of the task's model, an expression over the process's data."""
        step = self._living(task_id)
        expression = step.task_spec.extensions["properties"].get(name)
        if expression is None:
            return None
        context = {**step.data, **(extra or {})}
        return self._workflow.script_engine.environment.evaluate(expression, context)

    # What is written down

    def _emit(self, event_type: str, data: dict[str, Any]) -> str:
        """Puts an event into the outbox. Returns its id."""
        self.record.event_count += 1
        subject = (data.get("task") or {}).get("id") or (data.get("case") or {}).get("id") or self.record.id
        content = {name: value for name, value in data.items() if value is not None}
        event_id = f"{self.record.id}.{self.record.event_count}"
        self.record.events.append(EventRecord(event_id, event_type, subject, stamp(self._clock()), content))
        return event_id

    def _note(
        self,
        kind: Any,
        text: str,
        step: str,
        event_id: str | None = None,
        comment: str = "",
        files: list[KeptFile] | None = None,
    ) -> None:
        entry = HistoryEntry(stamp(self._clock()), kind, text, step, event_id, comment, files or [])
        self.record.history.append(entry)

    def _mark_done(self, step: str | None) -> None:
        if step and step not in self.record.done:
            self.record.done.append(step)

    def _touch(self) -> None:
        state: dict[str, Any] = SERIALIZER.to_dict(self._workflow)
        state[SERIALIZER.VERSION_KEY] = SERIALIZER.VERSION
        self.record.workflow = msgspec.Raw(msgspec.json.encode(state))
        self.record.updated_at = stamp(self._clock())


def _as_dict(person: Person) -> dict[str, str]:
    return {"ref": person.ref, "name": person.name}
