"""What would happen, asked by an operator: by the API, and by `manage.py simulate`."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from escalations.models import Escalation, Policy, PolicyStep, StepRun
from notifications.models import Category, Delivery, Engine, Event, Notification, Task, Template
from notifications.roles import OPERATORS
from tests.support.api import Caller, assigned, browser_of, is_problem, person_caller, pointers
from tests.support.story import Story

SIMULATIONS = "/api/v1/simulations"
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
DUE = NOW + timedelta(hours=8)


@pytest.fixture
def carol(story: Story) -> Caller:
    """An operator."""
    assert story.carol.user is not None
    story.carol.user.groups.add(Group.objects.get(name=OPERATORS))
    return browser_of(story.carol)


@pytest.fixture
def policy(story: Story) -> Policy:
    made = Policy.objects.create(name="Approvals", time="wall")
    for minutes, target in ((-60, "assignee"), (0, "manager")):
        PolicyStep.objects.create(
            policy=made,
            offset=minutes,
            time="wall",
            target=target,
            template=Template.objects.get(slug="task-late"),
            category=Category.objects.get(slug="approvals"),
        )
    return made


def event(**task: Any) -> Any:
    return assigned(task={"due_at": DUE.isoformat(), **task})


def test_an_event_is_followed_to_its_last_step(carol: Caller, policy: Policy) -> None:
    answer = carol.post(SIMULATIONS, {"event": event(), "now": NOW.isoformat()})

    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert (said["policy"], said["due_at"]) == ("Approvals", "2026-11-26T17:00:00Z")
    assert [each["ref"] for each in said["recipients"]] == ["bob"]
    steps = [(row["at"], row["step"], [(told["ref"], told["reason"]) for told in row["told"]]) for row in said["rows"]]
    assert steps == [
        ("2026-11-26T16:00:00Z", 1, [("bob", "assignee")]),
        ("2026-11-26T17:00:00Z", 2, [("carol", "manager of Bob")]),
    ]
    kept = [model.objects.count() for model in (Event, Task, Notification, Delivery, Escalation, StepRun)]
    assert kept == [0] * 6


def test_an_open_task_is_followed_from_now_on(story: Story, carol: Caller, policy: Policy) -> None:
    with time_machine.travel(NOW, tick=False):
        story.happen("task.assigned", event()["data"])

    said = carol.post(SIMULATIONS, {"task": "T-42", "now": DUE.isoformat()}).json()

    assert [(row["step"], row["result"]) for row in said["rows"]] == [(1, "overtaken"), (2, "done")]
    assert said["state"] == "running"
    assert StepRun.objects.count() == 0


def test_where_no_policy_fits_it_says_why(carol: Caller, policy: Policy) -> None:
    policy.conditions.create(path="task.kind", value="review")

    said = carol.post(SIMULATIONS, {"event": event(kind="approval"), "now": NOW.isoformat()}).json()

    assert said["policy"] is None
    assert said["rows"] == []
    assert said["policies"] == [
        {"name": "Approvals", "fits": False, "reason": "task.kind is review does not hold: it is “approval”"}
    ]


BAD: list[tuple[Any, str]] = [
    ({}, ""),
    ({"task": "T-1", "event": {}}, ""),
    ({"task": "T-404"}, "/task"),
    ({"task": 7}, "/task"),
    ({"task": "T-1", "engine": "nobody"}, "/engine"),
    ({"task": "T-1", "then": 1}, "/then"),
    ({"event": {"specversion": "1.0"}}, "/id"),
    ({"event": event(), "now": "tomorrow"}, "/now"),
    ([], ""),
]


@pytest.mark.parametrize(("body", "pointer"), BAD)
def test_what_makes_no_sense_is_refused_in_words(carol: Caller, body: Any, pointer: str) -> None:
    answer = carol.post(SIMULATIONS, body)

    assert answer.status_code == 422, answer.content
    assert pointer in pointers(answer, answer.json()["code"])


def test_with_several_engines_it_is_said_whose(carol: Caller, story: Story) -> None:
    Engine.objects.create(slug="orders", name="Orders")

    assert pointers(carol.post(SIMULATIONS, {"event": event()})) == ["/engine"]
    assert carol.post(SIMULATIONS, {"event": event(), "engine": "orders"}).status_code == 200


def test_it_is_for_operators_with_a_session(story: Story, carol: Caller) -> None:
    for caller in (browser_of(story.bob), person_caller(story.carol)):
        assert is_problem(caller.post(SIMULATIONS, {"task": "T-42"}), 403, "not_allowed")


# --- the command ------------------------------------------------------------------------------------
def simulate(file: Path, said: Any, *more: str) -> str:
    file.write_text(json.dumps(said), encoding="utf-8")
    out = StringIO()
    call_command("simulate", str(file), *more, stdout=out)
    return out.getvalue()


def test_the_command_tells_it_in_lines(story: Story, policy: Policy, tmp_path: Path) -> None:
    said = simulate(tmp_path / "event.json", event(), "--now", NOW.isoformat())

    assert said.splitlines() == [
        "2026-11-26T09:00:00Z  Bob hears of it (assignee)",
        "2026-11-26T09:00:00Z  the clock begins (Approvals: it matches every task); due 2026-11-26T17:00:00Z",
        "2026-11-26T16:00:00Z  step 1: Bob (assignee) by live, email",
        "2026-11-26T17:00:00Z  step 2: Carol (manager of Bob) by live, email",
    ]


def test_the_command_gives_the_apis_answer_as_well(story: Story, policy: Policy, tmp_path: Path) -> None:
    story.happen("task.assigned", event()["data"])

    said = json.loads(simulate(tmp_path / "task.json", {"task": "T-42"}, "--json", "--engine", story.engine.slug))

    assert said["policy"] == "Approvals"


def test_the_command_says_what_is_wrong(story: Story, policy: Policy, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="/task There is no such task"):
        simulate(tmp_path / "task.json", {"task": "T-404"})
    with pytest.raises(CommandError, match=r"specversion|stable|mapping"):
        simulate(tmp_path / "event.json", {"hello": 1})


def test_without_a_policy_the_command_says_so(story: Story, tmp_path: Path) -> None:
    assert simulate(tmp_path / "event.json", event()).endswith("No policy applies.\n")
