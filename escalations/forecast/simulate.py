"""Simulates a clock by its own code. Nothing is stored or sent.

The steps are taken one after another in a transaction that is rolled back, each at the instant at which it will be due.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from escalations.clocks import due_steps
from escalations.models import Escalation, StepRun
from escalations.policies.matching import PolicyFit, enabled, tried
from escalations.policies.rules import RuleSet, rules_of
from notifications.errors import Invalid
from notifications.intake import cloudevents, eventdata, mapping
from notifications.items.representation import iso_utc
from notifications.models import Engine, Task
from notifications.reasons import NOTHING, Reason, in_text, read
from notifications.routing import pipeline
from notifications.types import InboundEvent, Json
from wfpush.queue import outbox

MOST_STEPS = 200
MEMBERS = ("event", "task", "engine", "now")


@dataclass(frozen=True)
class Row:
    """A step that would be taken, with the members that the trace shows."""

    at: datetime
    position: int
    number: int
    kind: str
    result: str
    why: Reason
    told: list[Json]


@dataclass
class Simulation:
    """The result of a simulation. `tried`: policies, and why each fits or not. `deadline` is None if none fits.

    `ends_early`: more steps would follow than are computed.
    """

    now: datetime
    task: str
    tried: list[PolicyFit] = field(default_factory=list)
    rules: RuleSet | None = None
    why: Reason = NOTHING
    started_at: datetime | None = None
    deadline: datetime | None = None
    state: str = ""
    rows: list[Row] = field(default_factory=list)
    ends_early: bool = False
    event: pipeline.Result | None = None


def of_task(task: Task, now: datetime) -> Simulation:
    """Simulate the steps from now on, if nothing happens to the task."""
    simulation = Simulation(now, str(task))
    with transaction.atomic():
        _follow(simulation, task)
        transaction.set_rollback(True)
    return simulation


def of_event(engine: Engine, inbound: InboundEvent, now: datetime) -> Simulation:
    """Simulate this event as if it came now, and the steps after it. Raises the errors that the real event would
    raise."""
    simulation = Simulation(now, "")
    with transaction.atomic():
        simulation.event = pipeline.tried(engine, inbound, now)
        if simulation.event.task is not None:
            simulation.task = str(simulation.event.task)
            _follow(simulation, simulation.event.task)
        transaction.set_rollback(True)
    return simulation


def _follow(simulation: Simulation, task: Task) -> None:
    escalation = Escalation.objects.filter(task=task).order_by("-id").first()
    if escalation is None:
        simulation.tried = list(tried(task, enabled()))
        return
    simulation.rules, simulation.why = rules_of(escalation), read(escalation, "why")
    simulation.started_at, simulation.deadline = escalation.started_at, escalation.deadline
    simulation.state = escalation.state
    for _ in range(MOST_STEPS):
        if escalation.due_at is None:
            return
        simulation.rows += _next_rows(escalation, simulation.now)
    simulation.ends_early = escalation.due_at is not None


def _next_rows(escalation: Escalation, now: datetime) -> list[Row]:
    """Take the clock's next steps as a worker would, at the instant at which they are due. Return their rows."""
    at = max(escalation.due_at or now, now)
    outbox.hold(escalation)
    due_steps.reread([escalation], at)
    runs = due_steps.advance([escalation], at)
    escalation.refresh_from_db(fields=["due_at", "state", "lease_token"])
    return [row_of(run) for run in runs]


def row_of(run: StepRun) -> Row:
    """Return the row of a step that was taken or simulated."""
    step = rules_of(run).by_id[run.step]
    return Row(run.due_at, step.position, run.number, step.kind, run.result, read(run, "why"), run.told)


# --- the simulation of programs: POST /api/v1/simulations and manage.py simulate --------------------------------------
def run(payload: Any, now: datetime) -> Simulation:
    """Simulate `{"event": {…}}` or `{"task": "…"}`, with `engine` if there are several, and `now`.

    Raises Invalid and InvalidEvent, with pointers.
    """
    if not isinstance(payload, dict):
        raise _invalid("", "An object is needed, with event or task.")
    for name in payload:
        if name not in MEMBERS:
            raise _invalid(f"/{name}", f"There is no such member; there are {', '.join(MEMBERS)}.")
    if ("event" in payload) == ("task" in payload):
        raise _invalid("", "Give either an event or a task.")
    engine, instant = _engine(payload.get("engine")), _now(payload.get("now"), now)
    if "task" in payload:
        return of_task(_task(payload["task"], engine), instant)
    engine, event = _only_engine(engine), payload["event"]
    if isinstance(event, dict) and "specversion" in event:
        return of_event(engine, cloudevents.structured(event), instant)
    return of_event(engine, mapping.read(engine, event), instant)


def _engine(slug: Any) -> Engine | None:
    if slug is None:
        return None
    engine = Engine.objects.filter(slug=slug).first() if isinstance(slug, str) else None
    if engine is None:
        raise _invalid("/engine", "There is no engine of this slug.")
    return engine


def _only_engine(engine: Engine | None) -> Engine:
    engines = [engine] if engine is not None else list(Engine.objects.filter(active=True)[:2])
    if len(engines) != 1:
        raise _invalid("/engine", "Say which engine: its slug.")
    return engines[0]


def _now(text: Any, now: datetime) -> datetime:
    if text is None:
        return now
    instant = eventdata.instant(text)
    if instant is None:
        raise _invalid("/now", "Write an instant such as 2026-11-25T16:00:00Z.")
    return instant


def _task(task_id: Any, engine: Engine | None) -> Task:
    tasks = Task.objects.select_related("engine", "case", "assignee")
    matches = list(tasks.filter(task_id=task_id, **({"engine": engine} if engine else {}))[:2])
    if not matches:
        raise _invalid("/task", "There is no such task.")
    if len(matches) > 1:
        raise _invalid("/engine", "Several engines have a task of this id. Say which engine: its slug.")
    return matches[0]


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid(detail, [{"pointer": pointer, "detail": detail}])


# --- the answer -------------------------------------------------------------------------------------------------------
def as_json(simulation: Simulation) -> Json:
    return {
        "now": iso_utc(simulation.now),
        "task": simulation.task or None,
        "policy": simulation.rules.name if simulation.rules else None,
        "why": str(simulation.why),
        "policies": [
            {"name": each.policy.name, "fits": each.fits, "reason": str(each.reason)} for each in simulation.tried
        ],
        "state": simulation.state or None,
        "started_at": iso_utc(simulation.started_at),
        "due_at": iso_utc(simulation.deadline),
        "rows": [
            {
                "at": iso_utc(row.at),
                "step": row.position,
                "number": row.number,
                "kind": row.kind,
                "result": row.result,
                "why": str(row.why),
                "told": in_text(row.told),
            }
            for row in simulation.rows
        ],
        "ends_early": simulation.ends_early,
        "recipients": in_text(simulation.event.plan.as_json().get("recipients", [])) if simulation.event else [],
    }
