"""Engines that do what their documentation says conform, and keep nothing of the kit."""

import pytest

from notifications.conformance.tests.runs import run_kit

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
