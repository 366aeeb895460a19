"""Processes on loopback: the kit's BPMN files run in SpiffWorkflow, behind the simulated interfaces."""

import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment

from tests.engines.book import Book, Json, Task

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


class Conditions(TaskDataEnvironment):
    """Reads the one form of condition that the files have, in each of their languages: `${a == 'b'}`, `=a = "b"`."""

    def evaluate(self, expression: str, context: Json, external_context: Json | None = None) -> Any:
        found = re.fullmatch(r"""(?:\$\{|=)\s*(\w+) ==? ['"](\w+)['"]\}?""", expression)
        assert found, expression
        return context.get(found[1]) == found[2]


@dataclass
class Model:
    id: str
    key: str
    spec: Any
    people: dict[str, dict[str, str]]
    """Of each user task: attributes of it and of its extensions, without their namespaces."""


@dataclass
class Running:
    model: Model
    workflow: Any
    starter: str
    open: dict[str, Task] = field(default_factory=dict)
    """By the id of SpiffWorkflow's step."""


class Processes(Book):
    """Tasks of running processes. `variables`: those of each process, as they were sent."""

    def __init__(self) -> None:
        super().__init__()
        self.models: dict[str, Model] = {}
        self.running: dict[str, Running] = {}
        self.created = lambda: datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")

    def deploy(self, xml: str) -> Model:
        parser = BpmnParser()
        parser.add_bpmn_io(io.BytesIO(xml.encode()))
        (key,) = parser.get_process_ids()
        people = {}
        for step in ElementTree.fromstring(xml).iter(f"{BPMN}userTask"):
            members = [item for each in step.iter() for item in each.attrib.items()]
            people[step.get("id", "")] = {name.rpartition("}")[2]: value for name, value in members}
        model = Model(str(next(self._numbers)), key, parser.get_spec(key), people)
        self.models[model.id] = model
        return model

    def of_key(self, key: str) -> list[Model]:
        return [model for model in self.models.values() if model.key == key]

    def start(self, key: str, values: Json, sent: Json, starter: str = "") -> str:
        """`values` as Python has them; `sent` as the engine was told."""
        workflow = BpmnWorkflow(self.of_key(key)[-1].spec, script_engine=PythonScriptEngine(Conditions({})))
        workflow.set_data(**values)
        process = str(next(self._numbers))
        self.variables[process] = dict(sent)
        self.running[process] = Running(self.of_key(key)[-1], workflow, starter)
        workflow.get_next_task(spec_name="Start").set_data(**values)
        self._advance(process)
        return process

    def complete(self, task: Task, by: str, variables: Json, outcome: str = "", sent: Json | None = None) -> None:
        super().complete(task, by, variables, outcome, sent)
        if running := self.running.get(task.process):
            step = running.workflow.get_task_from_id(self._step(running, task))
            step.set_data(**variables)
            step.run()
            self._advance(task.process)

    def end(self, process: str) -> None:
        for task in self.tasks.values():
            if task.process == process and task.is_open:
                self.somebody_cancels(task)
        self.running.pop(process, None)

    def remove(self, model: Model) -> None:
        """With its instances."""
        for process in [each for each, running in self.running.items() if running.model is model]:
            self.end(process)
        del self.models[model.id]

    @staticmethod
    def _step(running: Running, task: Task) -> Any:
        return next(step for step, each in running.open.items() if each is task)

    def _advance(self, process: str) -> None:
        running = self.running[process]
        running.workflow.do_engine_steps()
        for step in running.workflow.get_tasks(state=TaskState.READY, manual=True):
            if step.id not in running.open:
                spec, people = step.task_spec, running.model.people[step.task_spec.bpmn_id]
                due = re.sub(r"^\$\{(\w+)\}$|^=(\w+)$", r"\1\2", people.get("dueDate", ""))
                task = self.open(process=process, name=spec.bpmn_name, created=self.created(), due=step.data.get(due))
                running.open[step.id] = task

    def candidates(self, task: Task) -> tuple[list[str], list[str]]:
        if task.process not in self.running:
            return [], []
        running = self.running[task.process]
        step = running.workflow.get_task_from_id(self._step(running, task))
        people = running.model.people[step.task_spec.bpmn_id]
        return _names(people.get("candidateUsers")), _names(people.get("candidateGroups"))


def _names(text: str | None) -> list[str]:
    return text.split(",") if text else []
