"""Engines that do what their documentation says conform, and keep nothing of the kit."""

import time

import pytest

from notifications.conformance.tests.engines import Runs
from notifications.conformance.tests.runs import run_kit
from tests.engines.guards import SECRET, Tokens

NOT_OFFERED = {
    "camunda7": set[str](),
    "flowable": set[str](),
    "camunda8": {"comment", "comment-once", "delegated", "refused"},
    "opentext": {"comment", "comment-once", "late", "lost-reply", "refused", "ended-by", "cancelled"},
}


@pytest.mark.parametrize("kind", NOT_OFFERED)
async def test_an_engine_as_documented_conforms(kind: str) -> None:
    run = await run_kit(kind)

    assert run.report.is_good, "\n".join(run.printed)
    assert run.keys("not offered here") == NOT_OFFERED[kind]
    assert run.keys("not tried") == set()


async def test_an_engine_behind_a_token_server_conforms() -> None:
    tokens = Tokens(time.monotonic, "form", "/oauth/token", {"audience": "zeebe-api"})
    await tokens.start()
    try:
        run = await run_kit("camunda8", tokens=tokens)
    finally:
        await tokens.stop()

    assert run.report.is_good, "\n".join(run.printed)
    assert run.keys("not tried") == {"wrong-scope"}
    assert not [each for each in (SECRET, *tokens.issued) if each in run.report.as_json(run.report.began_at)]


async def test_paths_that_differ_can_be_given() -> None:
    def move(engine: Runs) -> None:
        engine.reads_at = "/runtime/tasks"  # type: ignore[attr-defined]

    moved = "/runtime/tasks/{task}"
    run = await run_kit("opentext", before=move, paths={"read_task": moved, "update_task": moved})

    assert run.report.is_good, "\n".join(run.printed)
    assert "read" in (await run_kit("opentext", before=move)).keys("differs")
