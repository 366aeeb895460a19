"""The units of systemd: valid, and closed to what the processes do not need."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = ("wfpush-web@.service", "wfpush-worker.service")
MOST_EXPOSED = "15"
"""Tenths of systemd's scale, on which 100 is a service without any restriction."""


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        assert not os.environ.get("CI"), "systemd-analyze is missing: apt-get install systemd"
        pytest.skip("systemd-analyze is missing (apt-get install systemd): the units in deploy/ were NOT checked")
    return found


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_says_nothing_that_systemd_does_not_know(analyze: str, tmp_path: Path, unit: str) -> None:
    text = (DEPLOY / unit).read_text(encoding="utf-8")
    there = tmp_path / unit.replace("@", "@8001")
    there.write_text(text.replace("/opt/wfpush/.venv/bin/python", sys.executable), encoding="utf-8")

    said = subprocess.run([analyze, "verify", str(there)], capture_output=True, text=True, check=False, timeout=60)

    assert said.returncode == 0, said.stderr
    assert there.name not in said.stderr, said.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_hardened(analyze: str, unit: str) -> None:
    words = [analyze, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(DEPLOY / unit)]

    said = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    assert said.returncode == 0, said.stdout + said.stderr
