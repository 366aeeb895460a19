"""Two workers take the steps of many tasks and are killed meanwhile: each step once, none early, none lost.

`make soak` has 10,000 tasks that run late within a minute; `make test` a few.
"""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.soak.installation import ENGINE_IS_HERE, LONG, Installation
from tests.soak.proof import proved
from tests.support.processes import Command, House
from tests.support.receiver import receiving
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

TASKS = 10_000 if LONG else 200
PEOPLE = 40 if LONG else 8
KILLS = 10 if LONG else 2
BATCH = 100
AHEAD = timedelta(seconds=240 if LONG else 12)
"""From the first task's arrival to its being late."""
WITHIN = timedelta(seconds=60 if LONG else 5)
"""In which all become late."""
PATIENCE = 900.0 if LONG else 150.0

POLICY = """
from escalations.models import Policy, PolicyStep
from notifications.models import Category, Template
policy = Policy.objects.create(name="Late", time="wall")
late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
PolicyStep.objects.create(policy=policy, time="wall", target="manager", template=late, category=category)
PolicyStep.objects.create(policy=policy, time="wall", kind="tell_engine")
"""
STEPS = 2


class TwoWorkers(Installation):
    def start_worker(self) -> None:
        self.workers = [self._start_one(), self._start_one()]

    def _start_one(self) -> Command:
        worker = self.house.start("worker", "--grace", "3", **ENGINE_IS_HERE)
        worker.says("dispatcher_runs")
        return worker

    def kill_one(self, number: int) -> None:
        """With all that it has started; another takes its place."""
        self.workers[number % 2].signal(signal.SIGKILL)
        self.workers[number % 2] = self._start_one()

    def steps(self) -> int:
        return int(str(self.house.rows("SELECT count(*) FROM escalations_steprun")[0][0]))


@pytest.fixture
def installation() -> Iterator[TwoWorkers]:
    house = House()
    try:
        with receiving() as receiver:
            made = TwoWorkers(house, receiver)
            for number in range(PEOPLE):
                for ref, manager in ((f"manager-{number}", None), (f"person-{number}", f"manager-{number}")):
                    said = {"name": ref, "manager": manager} if manager else {"name": ref}
                    status, answer = made.engine.insist("PUT", f"/api/v1/recipients/{ref}", said)
                    assert status == 201, answer
            assert house.run("shell", "-c", POLICY).process.returncode == 0
            yield made
    finally:
        house.clear()


def assigned(number: int, due_at: datetime) -> dict[str, Any]:
    task = {"id": f"T-{number}", "name": f"Approve invoice {number}", "assignee": f"person-{number % PEOPLE}"}
    event = {"specversion": "1.0", "id": f"e-{number}", "source": "invoices", "type": "task.assigned"}
    return {**event, "data": {"task": {**task, "due_at": due_at.isoformat()}}}


def test_each_step_is_taken_once_whoever_is_killed(installation: TwoWorkers) -> None:
    here, first = installation, datetime.now(UTC) + AHEAD
    due = [first + WITHIN * number / TASKS for number in range(TASKS)]
    for start in range(0, TASKS, BATCH):
        events = [assigned(number, due[number]) for number in range(start, start + BATCH)]
        status, answer = here.engine.insist("POST", "/api/v1/events", events, kind="application/cloudevents-batch+json")
        assert status in (200, 202), answer
    clocks = "SELECT count(*) FROM escalations_escalation"
    eventually(lambda: here.house.rows(clocks) == [(TASKS,)], "all clocks run", within=PATIENCE)
    for kill in range(1, KILLS + 1):
        share = TASKS * STEPS * kill // (KILLS + 1)
        eventually(lambda share=share: here.steps() >= share, f"{share} steps are taken", within=PATIENCE)
        here.kill_one(kill)
    eventually(lambda: here.steps() == TASKS * STEPS, "all steps are taken", within=PATIENCE)

    results = here.house.rows("SELECT result, count(*) FROM escalations_steprun GROUP BY result")
    assert results == [("done", TASKS * STEPS)]
    early = here.house.rows("SELECT count(*) FROM escalations_steprun WHERE ran_at < due_at")
    assert early == [(0,)]
    heard = here.house.rows(
        "SELECT count(*), count(DISTINCT (task_id, recipient_id)) FROM notifications_notification WHERE escalated"
    )
    assert heard == [(TASKS, TASKS)], "each manager has each task once"
    eventually(lambda: len(told(here)) == TASKS, "the engine was told of every task", within=PATIENCE)
    assert all(len(ids) == 1 for ids in told(here).values())
    (late,) = here.house.rows(
        "SELECT percentile_disc(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM ran_at - due_at))"
        " FROM escalations_steprun"
    )
    half, most = (float(str(each)) for each in late[0])  # type: ignore[attr-defined]
    proved(
        f"two workers, {KILLS} times one killed while {TASKS} tasks ran late within {WITHIN.seconds} s: {TASKS * STEPS}"
        f" steps, each taken once, none early; half of them within {half:.1f} s, 99 of 100 within {most:.1f} s"
    )


def told(here: TwoWorkers) -> dict[str, set[str]]:
    """Task to the ids under which the engine heard of it."""
    found: dict[str, set[str]] = {}
    for call in list(here.receiver.calls):
        found.setdefault(call.data["task_id"], set()).add(call.id)
    return found
