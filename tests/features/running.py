"""Runs tests in a process of their own, with other features than this one has."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, *paths: str, **environment: str) -> None:
    """Run tests on a database of their own in `folder`, which is migrated with their features."""
    ours = ("PYTEST_", "WFPUSH_TESTS_", "DJANGO_SETTINGS")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *paths]
    told = subprocess.run(
        command,
        env={**inherited, **environment, "WFPUSH_DATA": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-6000:] + told.stderr[-2000:]
