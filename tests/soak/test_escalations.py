"""Two workers take the steps of many tasks and are killed meanwhile: each step once, none early, none lost.

And they come back after twelve hours. `make soak` has 10,000 tasks that run late within a minute; else a few do.
"""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.soak.installation import LONG, Installation, event, installed
from tests.soak.proof import proved
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes

TASKS = 10_000 if LONG else 60
PEOPLE = 40 if LONG else 8
KILLS = 10 if LONG else 1
WAITING = 1_000 if LONG else 10
"""Tasks that nobody looks after for twelve hours."""
AHEAD = timedelta(seconds=5 if LONG else 1)
WITHIN = timedelta(seconds=60 if LONG else 5)
"""In which all become late, when all clocks run."""
PATIENCE = 1800.0 if LONG else 150.0

POLICIES = """
from escalations.models import Policy, PolicyCondition, PolicyStep
from notifications.models import Category, Template
late, category = Template.objects.get(slug="task-late"), Category.objects.get(slug="approvals")
def policy(name, kind, steps):
    made = Policy.objects.create(name=name, time="wall")
    PolicyCondition.objects.create(policy=made, path="task.kind", value=kind)
    for offset, fields in steps:
        PolicyStep.objects.create(policy=made, offset=offset, time="wall", **fields)
manager = {"target": "manager", "template": late, "category": category}
engine = {"kind": "tell_engine"}
policy("Late", "invoice", [(0, manager), (0, engine)])
policy("Forgotten", "contract", [
    (-60, manager | {"target": "assignee"}),
    (0, manager | {"repeat_every": 60, "repeats": 11}),
    (30, {"kind": "raise_priority", "priority": "urgent"}),
    (60, engine),
])
"""
STEPS = 2
OF = "FROM escalations_escalation clock JOIN notifications_task task ON task.id = clock.task_id AND task.kind = '{}'"
RUNS = f"{OF} JOIN escalations_steprun run ON run.escalation_id = clock.id"


class TwoWorkers(Installation):
    def start_worker(self) -> None:
        self.workers = [self.start_one_worker(), self.start_one_worker()]

    def kill_one(self, number: int) -> None:
        """With all that it has started; another takes its place."""
        self.workers[number % 2].signal(signal.SIGKILL)
        self.workers[number % 2] = self.start_one_worker()

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.signal(signal.SIGTERM)
        for worker in self.workers:
            worker.ends()

    def assign(self, kind: str, number: int) -> None:
        """Events of tasks that are due in a day; the clocks of all of them run."""
        due = datetime.now(UTC) + timedelta(days=1)
        self.send_batches([assigned(kind, each, due) for each in range(number)])
        eventually(lambda: self.count(OF, kind) == number, "all clocks run", within=PATIENCE)

    def count(self, what: str, kind: str) -> int:
        return int(str(self.house.rows(f"SELECT count(*) {what.format(kind)}")[0][0]))

    def told(self, kind: str) -> dict[str, set[str]]:
        """Task to the ids under which the engine heard that it runs late."""
        found: dict[str, set[str]] = {}
        for call in list(self.receiver.calls):
            if call.data["task_id"].startswith(kind):
                found.setdefault(call.data["task_id"], set()).add(call.id)
        return found


@pytest.fixture(scope="module")
def installation() -> Iterator[TwoWorkers]:
    with installed(TwoWorkers, EMAIL_URL="smtp://127.0.0.1:9") as made:  # nobody reads mail
        for number in range(PEOPLE):
            made.put_person(f"manager-{number}")
            made.put_person(f"person-{number}", manager=f"manager-{number}")
        assert made.house.run("shell", "-c", POLICIES).process.returncode == 0
        yield made


def assigned(kind: str, number: int, due_at: datetime) -> dict[str, Any]:
    task = {"id": f"{kind}-{number}", "name": f"Approve {kind} {number}", "assignee": f"person-{number % PEOPLE}"}
    return event(f"{kind}-{number}", task={**task, "kind": kind, "due_at": due_at.isoformat()})


def run_late(here: TwoWorkers) -> None:
    """From now on, evenly: as though the engine had named these due dates."""
    here.house.rows(
        "UPDATE escalations_escalation clock SET deadline = said.at, due_at = said.at FROM ("
        f"SELECT clock.id, now() + interval '{AHEAD.total_seconds()} s'"
        f" + interval '{WITHIN.total_seconds()} s' * row_number() OVER (ORDER BY clock.id) / {TASKS} AS at"
        f" {OF.format('invoice')}) said WHERE clock.id = said.id RETURNING clock.id"
    )


def test_each_step_is_taken_once_whoever_is_killed(installation: TwoWorkers) -> None:
    here = installation
    here.assign("invoice", TASKS)
    run_late(here)
    for kill in range(1, KILLS + 1):
        share = TASKS * STEPS * kill // (KILLS + 1)
        eventually(
            lambda share=share: here.count(RUNS, "invoice") >= share, f"{share} steps are taken", within=PATIENCE
        )
        here.kill_one(kill)
    eventually(lambda: here.count(RUNS, "invoice") == TASKS * STEPS, "all steps are taken", within=PATIENCE)

    runs = RUNS.format("invoice")
    assert here.house.rows(f"SELECT result, count(*) {runs} GROUP BY result") == [("done", TASKS * STEPS)]
    assert here.house.rows(f"SELECT count(*) {runs} AND run.ran_at < run.due_at") == [(0,)], "early"
    heard = here.house.rows(
        f"SELECT count(*), count(DISTINCT (note.task_id, note.recipient_id)) {OF.format('invoice')}"
        " JOIN notifications_notification note ON note.task_id = task.id AND note.escalated"
    )
    assert heard == [(TASKS, TASKS)], "each manager has each task once"
    eventually(lambda: len(here.told("invoice")) == TASKS, "the engine was told of every task", within=PATIENCE)
    assert all(len(ids) == 1 for ids in here.told("invoice").values())
    (late,) = here.house.rows(
        "SELECT percentile_disc(ARRAY[0.5, 0.99, 1])"
        f" WITHIN GROUP (ORDER BY extract(epoch FROM run.ran_at - run.due_at)) {runs}"
    )
    half, most, last = (float(str(each)) for each in late[0])  # type: ignore[attr-defined]
    proved(
        f"two workers, {KILLS} times one killed while {TASKS} tasks ran late within {WITHIN.seconds} s: {TASKS * STEPS}"
        f" steps, each taken once, none early; half of them within {half:.1f} s, 99 of 100 within {most:.1f} s,"
        f" the last within {last:.1f} s"
    )


# --- twelve hours without a worker ------------------------------------------------------------------------------------
def twelve_hours_pass(here: TwoWorkers) -> None:
    """Since the tasks were due: all that is kept of them is so much older."""
    ago = "interval '36 hours'"  # a day until they are due, and half a day
    here.house.rows(
        f"UPDATE escalations_escalation clock SET started_at = started_at - {ago}, deadline = deadline - {ago},"
        f" due_at = clock.due_at - {ago} FROM notifications_task task"
        " WHERE task.id = clock.task_id AND task.kind = 'contract' RETURNING clock.id"
    )


def mail_goes_stale(here: TwoWorkers) -> int:
    """What the mail server has not taken is too old at the end of the outage. Returns how much of it there is."""
    return len(
        here.house.rows(
            "UPDATE notifications_delivery SET created_at = created_at - interval '3 days', due_at = now(),"
            " expires_at = now() - interval '1 minute' WHERE channel = 'email' AND state = 'pending' RETURNING id"
        )
    )


def test_after_twelve_hours_there_is_one_message_a_task_and_no_old_mail(installation: TwoWorkers) -> None:
    here = installation
    here.put_person("person-0", name="Zoe", manager="manager-0", email="zoe@example.org")
    here.assign("contract", WAITING)
    here.stop_workers()
    twelve_hours_pass(here)
    stale = mail_goes_stale(here)
    assert stale == WAITING // PEOPLE + (1 if WAITING % PEOPLE else 0), "a mail for each of Zoe's tasks"

    here.start_worker()

    left_out, taken = 1 + 11, 3
    whole = WAITING * (left_out + taken)
    eventually(lambda: here.count(RUNS, "contract") == whole, "all steps are taken or left out", within=PATIENCE)
    results = here.house.rows(f"SELECT result, count(*) {RUNS.format('contract')} GROUP BY result ORDER BY result")
    assert results == [("done", WAITING * taken), ("overtaken", WAITING * left_out)]
    heard = here.house.rows(
        "SELECT count(*), count(DISTINCT event.task_id) FROM notifications_event event JOIN notifications_delivery sent"
        " ON sent.event_id = event.id AND sent.channel = 'live' JOIN escalations_steprun run ON run.event_id = event.id"
        " JOIN notifications_task task ON task.id = event.task_id AND task.kind = 'contract' AND run.told <> '[]'"
        " JOIN notifications_recipient person ON person.id = sent.recipient_id AND person.ref LIKE 'manager-%'"
    )
    assert heard == [(WAITING, WAITING)], "each manager hears once of each task"
    raised = f"SELECT count(*) {OF.format('contract')} WHERE task.priority = 'urgent'"
    assert here.house.rows(raised) == [(WAITING,)]
    eventually(lambda: len(here.told("contract")) == WAITING, "the engine was told of every task", within=PATIENCE)
    assert all(len(ids) == 1 for ids in here.told("contract").values())
    dropped = "SELECT count(*) FROM notifications_delivery WHERE state = 'expired' AND reason_fact->>'code' = 'too_old'"
    eventually(lambda: here.house.rows(dropped) == [(stale,)], "old mail is dropped")
    proved(
        f"12 hours without a worker while {WAITING} tasks were due, each with 13 messages: one message a task when it"
        f" came back, and the engine told once; {stale} mails that were too old by then were dropped with that reason"
    )
