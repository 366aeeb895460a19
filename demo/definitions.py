"""The process models: read from BPMN files once, with the sample data that stands beside each."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.spiff.parser import VALIDATOR, SpiffBpmnParser
from SpiffWorkflow.spiff.serializer import DEFAULT_CONFIG

from demo.diagram import Diagram

FOLDER = Path(__file__).parent / "processes"

SERIALIZER: Any = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(DEFAULT_CONFIG))


class DataError(Exception):
    """The data to start with does not fit the process; `errors` maps each field to what is wrong with it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Sample:
    """A button on the page, and the data it starts with."""

    key: str
    label: str
    seed: bool
    data: dict[str, Any]


@dataclass(frozen=True)
class Definition:
    """One process model; `noun` is what an instance is called.

    `spec` and `subprocess_specs` are SpiffWorkflow's; instances share them, nobody changes them.
    """

    id: str
    name: str
    noun: str
    documentation: str
    spec: Any
    subprocess_specs: Any
    samples: dict[str, Sample]
    diagram: Diagram

    @property
    def default(self) -> dict[str, Any]:
        return next(iter(self.samples.values())).data

    def fill(self, data: Mapping[str, Any], sample: str | None = None) -> dict[str, Any]:
        """`data` over the sample's values (the first sample's unless named). Raises DataError for what does not fit."""
        if sample is not None and sample not in self.samples:
            raise DataError({"sample": f"there is none called {sample!r}; there are {', '.join(self.samples)}"})
        base = self.samples[sample].data if sample else self.default
        errors = {name: f"{self.id} has no such field" for name in data if name not in self.default}
        filled = {name: data.get(name, value) for name, value in base.items()}
        for name, value in filled.items():
            if value is None and name in self._optional:
                continue
            if reason := misfit(self.default[name], value):
                errors[name] = reason
        if errors:
            raise DataError(errors)
        return filled

    @property
    def _optional(self) -> set[str]:
        """What may be null: the number (then the next one is taken) and whatever some sample leaves out."""
        values = [item for sample in self.samples.values() for item in sample.data.items()]
        return {"number"} | {name for name, value in values if value is None}


def misfit(model: Any, value: Any) -> str | None:
    """Why `value` cannot stand where the sample has `model`, or None when it can."""
    if isinstance(model, bool):
        return None if isinstance(value, bool) else "must be true or false"
    if isinstance(model, int | float):
        fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
        return None if fits else "must be a number below 1,000,000,000,000"
    if isinstance(model, list):
        fits = isinstance(value, list) and bool(value) and all(isinstance(item, str) and item for item in value)
        return None if fits else "must be a list of at least one name"
    if isinstance(model, dict):
        if not isinstance(value, dict):
            return f"must be an object with {', '.join(model)}"
        wrong = (f"{name} {reason}" for name, part in model.items() if (reason := misfit(part, value.get(name))))
        return next(wrong, None)
    return None if isinstance(value, str) and 0 < len(value) <= 200 else "must be text of 1 to 200 characters"


def load_definitions(folder: Path = FOLDER) -> dict[str, Definition]:
    """Every `*.bpmn` of the folder, checked against the BPMN schema, by process id."""
    definitions = {}
    for path in sorted(folder.glob("*.bpmn")):
        parser = SpiffBpmnParser(validator=VALIDATOR)
        parser.add_bpmn_file(str(path))
        process_id = parser.get_process_ids()[0]
        process = parser.get_process_parser(process_id)
        beside = json.loads(path.with_suffix(".json").read_text("utf-8"))
        definitions[process_id] = Definition(
            id=process_id,
            name=process.get_name(),
            noun=beside["noun"],
            documentation=process.node.findtext("{*}documentation", "").strip(),
            spec=parser.get_spec(process_id),
            subprocess_specs=parser.get_subprocess_specs(process_id),
            samples=_samples(beside["samples"]),
            diagram=Diagram.read(path),
        )
    return definitions


def _samples(raw_samples: dict[str, Any]) -> dict[str, Sample]:
    """Each sample is the first one's data with its own differences."""
    samples: dict[str, Sample] = {}
    first: dict[str, Any] = {}
    for key, raw in raw_samples.items():
        data = {**first, **raw["data"]}
        first = first or data
        samples[key] = Sample(key, raw["label"], bool(raw.get("seed")), data)
    return samples


def script_engine(emit: Callable[[str, dict[str, Any]], str]) -> Any:
    """SpiffWorkflow's Python engine, whose service tasks hand `wfpush/<event type>` and their parameters to `emit`.

    `emit` returns the event's id, which the model finds in `last_event`.
    """

    def call_service(_data: dict[str, Any], operation_name: str, operation_params: dict[str, Any], **_: Any) -> str:
        values = {name: parameter["value"] for name, parameter in operation_params.items()}
        return json.dumps(emit(operation_name.removeprefix("wfpush/"), values))

    environment = TaskDataEnvironment({})
    environment.call_service = call_service
    return PythonScriptEngine(environment)
