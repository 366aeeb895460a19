"""`python -m tests.support.prepare`: the tests' data folder, for checks that read the settings outside pytest."""

from pathlib import Path

from wfpush.config import env

env.prepare(Path(__file__).resolve().parents[2])
