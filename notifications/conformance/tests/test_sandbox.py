"""The kit touches nothing that is not its own, and says what it cannot remove."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from notifications.conformance import kit
from notifications.conformance.sandbox import PROCESSES, SANDBOXES
from notifications.conformance.tests.engines import Runs
from notifications.conformance.tests.runs import KEY, run_kit
from notifications.conformance.tests.test_deviations import instead
from notifications.connectors import readable

KINDS = ["camunda7", "camunda8", "flowable"]


def somebody_elses(engine: Runs, kind: str, key: str) -> None:
    """Deploy another process, and start an instance of it."""
    engine.book.deploy((PROCESSES / f"{kind}.bpmn").read_text("utf-8").replace("KEY", key))
    values = {"kit_due": "2031-01-31T10:00:00.000+0000"}
    engine.book.start(key, values, {name: {"name": name, "value": value} for name, value in values.items()})


def ignore_filters(engine: Runs) -> None:
    listed = engine.listed_tasks
    engine.listed_tasks = lambda **given: listed(most=1000)  # type: ignore[method-assign]


@pytest.mark.parametrize("filters", [lambda engine: None, ignore_filters], ids=["filters", "no filters"])
@pytest.mark.parametrize("kind", KINDS)
async def test_other_processes_are_untouched(kind: str, filters: Callable[[Runs], None]) -> None:
    before: dict[str, Any] = {}

    def begin(engine: Runs) -> None:
        somebody_elses(engine, kind, "payroll")
        before.update(copy.deepcopy(engine.book.tasks))
        filters(engine)

    run = await run_kit(kind, before=begin)

    assert run.keys("differs") <= {"newer-only", "pages"}, "\n".join(run.printed)
    assert {id: run.engine.book.tasks[id] for id in before} == before
    assert [model.key for model in run.engine.book.models.values()] == ["payroll"]
    assert len(run.engine.book.running) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_it_begins_nothing_if_its_name_is_taken(kind: str) -> None:
    run = await run_kit(kind, before=lambda engine: somebody_elses(engine, kind, KEY))

    assert "already" in run.report.aborted
    assert not run.report.is_good
    assert [task.is_open for task in run.engine.book.tasks.values()] == [True]
    assert [model.key for model in run.engine.book.models.values()] == [KEY]


def test_each_kind_that_is_called_by_rest_has_a_sandbox() -> None:
    assert set(SANDBOXES) == set(readable())


async def test_it_says_what_stays() -> None:
    run = await run_kit("camunda7", instead("DELETE .*/deployment", 500, {"type": "?", "message": "It is locked"}))

    assert run.report.is_good
    assert run.report.left == [
        f"The deployment of {KEY} with its instances stays: The engine failed (500). It is locked"
    ]


async def test_a_deployment_whose_reply_is_lost_is_removed() -> None:
    run = await run_kit("flowable", instead("POST .*/repository/deployments", 503, of=201))

    assert "cannot start its process" in run.report.aborted
    assert len(run.keys("not tried")) == len(kit.REST_LINES) - kit.BEFORE_PROCESS
    assert not run.engine.book.models


async def test_it_says_when_it_may_not_deploy() -> None:
    run = await run_kit(
        "camunda8", instead("POST .*/deployments", 403, {"title": "FORBIDDEN", "status": 403, "detail": "No"})
    )

    assert run.report.aborted == "The kit cannot start its process. The engine refuses our sign-in (403). No"
