"""The product without each of its features, and without all of them: it starts, migrates, and no link is dead."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.features.running import run
from wfpush import features

SWEEP = "tests/features/sweep.py"
CORE = ("tests/flows", "tests/notifications", "tests/escalations", "tests/api", "tests/inbox", "tests/admin")
"""Tests of the core. Those that tell of a feature are left out (tests/support/left_out.py)."""


def without(name: str) -> str:
    """All features but this one, and those that need it."""
    needs = {feature.name: feature.needs for feature in features.installed()}
    return ",".join(each for each in settings.FEATURES if name not in (each, *needs[each])) or "none"


@pytest.mark.ci
@pytest.mark.processes
def test_the_product_runs_without_any_feature(tmp_path: Path) -> None:
    run(tmp_path, SWEEP, FEATURES="none")


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.timeout(3_600)
def test_the_tests_of_the_core_pass_without_any_feature(tmp_path: Path) -> None:
    run(tmp_path, *CORE, FEATURES="none")


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.parametrize("name", settings.FEATURES)
def test_the_product_runs_without(name: str, tmp_path: Path) -> None:
    run(tmp_path, SWEEP, FEATURES=without(name))
