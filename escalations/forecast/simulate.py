"""Simulates a clock by its own code. Nothing is stored or sent.

The steps are taken one after another in a transaction that is rolled back, each at the instant at which it will be due.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from escalations.clocks import due_steps
from escalations.models import Escalation, StepRun
from escalations.policies.matching import Tried, enabled, tried
from escalations.policies.rules import RuleSet, rules_of
from notifications.models import Engine, Task
from notifications.reasons import NOTHING, Reason, read
from notifications.routing import pipeline
from notifications.types import InboundEvent, Json
from wfpush.queue import outbox

MOST_STEPS = 200


@dataclass(frozen=True)
class Row:
    """A step that would be taken, as the trace would show it."""

    at: datetime
    position: int
    number: int
    kind: str
    result: str
    why: Reason
    told: list[Json]


@dataclass
class Simulation:
    """`tried` says which policies fit and why not; without a policy that fits, there is neither a deadline nor rows.

    `ends_early`: more steps would follow than are computed.
    """

    now: datetime
    task: str
    tried: list[Tried] = field(default_factory=list)
    rules: RuleSet | None = None
    why: Reason = NOTHING
    started_at: datetime | None = None
    deadline: datetime | None = None
    state: str = ""
    rows: list[Row] = field(default_factory=list)
    ends_early: bool = False
    event: pipeline.Result | None = None


def of_task(task: Task, now: datetime) -> Simulation:
    """What would happen from now on, if nothing happens to the task."""
    simulation = Simulation(now, str(task))
    with transaction.atomic():
        _follow(simulation, task)
        transaction.set_rollback(True)
    return simulation


def of_event(engine: Engine, inbound: InboundEvent, now: datetime) -> Simulation:
    """What this event would do if it came now, and what would follow. Raises what processing the real event would
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
    """Claimed as by a worker, at the instant at which it is due."""
    at = max(escalation.due_at or now, now)
    outbox.hold(escalation)
    due_steps.reread([escalation], at)
    runs = due_steps.advance([escalation], at)
    escalation.refresh_from_db(fields=["due_at", "state", "lease_token"])
    return [row_of(run) for run in runs]


def row_of(run: StepRun) -> Row:
    """What a step did or would do, in common members."""
    step = rules_of(run).by_id[run.step]
    return Row(run.due_at, step.position, run.number, step.kind, run.result, read(run, "why"), run.told)
