"""The product without each of its features, and without all of them: it starts, migrates, and no link is dead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from wfpush import features

ROOT = Path(__file__).resolve().parents[2]
SWEEP = "tests/features/sweep.py"
CORE = ("tests/flows", "tests/notifications", "tests/escalations", "tests/api", "tests/inbox", "tests/admin")
"""Tests of the core. Those that tell of a feature are left out (tests/support/left_out.py)."""


def without(name: str) -> str:
    """All features but this one, and those that need it."""
    needs = {feature.name: feature.needs for feature in features.installed()}
    return ",".join(each for each in settings.FEATURES if name not in (each, *needs[each])) or "none"


def run(folder: Path, chosen: str, *paths: str) -> None:
    """Run tests with these features alone, on a database of their own that is migrated with them."""
    ours = ("PYTEST_", "WFPUSH_TESTS_", "DJANGO_SETTINGS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *paths]
    told = subprocess.run(
        command,
        env={**environment, "FEATURES": chosen, "WFPUSH_DATA": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-6000:] + told.stderr[-2000:]


@pytest.mark.ci
@pytest.mark.processes
def test_the_product_runs_without_any_feature(tmp_path: Path) -> None:
    run(tmp_path, "none", SWEEP)


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.timeout(3_600)
def test_the_tests_of_the_core_pass_without_any_feature(tmp_path: Path) -> None:
    run(tmp_path, "none", *CORE)


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.parametrize("name", settings.FEATURES)
def test_the_product_runs_without(name: str, tmp_path: Path) -> None:
    run(tmp_path, without(name), SWEEP)
