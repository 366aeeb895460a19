"""One process of an installation that runs `manage.py` commands one after the other, for what tests have to set up.

To start the product anew for each of them takes longer than most tests. It is for setting up alone: what tests are
about is started as people start it.
"""

import contextlib
import gc
import io
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import django
from django.core.management import execute_from_command_line
from django.core.management.base import BaseCommand
from django.db import connections

ROOT = Path(__file__).resolve().parents[2]


class Clerk:
    """The tests' side of it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.clerk"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> str:
        """What the command said. Raises AssertionError with it, if it failed."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the process that runs commands has ended: {words}"
        failed, said = json.loads(answer)
        assert not failed, said
        return str(said)

    def leave(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def serve() -> None:
    """Run what is asked for, a line of JSON each, until nothing more can come."""
    gc.disable()  # until everything is loaded, as manage.py does
    django.setup()
    gc.freeze()
    gc.enable()
    BaseCommand.requires_system_checks = []  # they load all pages; what is tested makes them
    answers = sys.stdout
    for line in sys.stdin:
        said, failed = io.StringIO(), False
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                execute_from_command_line(["manage.py", *json.loads(line)])
            except SystemExit as end:
                failed = bool(end.code)
            except Exception:
                traceback.print_exc()
                failed = True
        connections.close_all()
        answers.write(json.dumps([failed, said.getvalue()]) + "\n")
        answers.flush()
    os._exit(0)  # there is nothing to clean up, which would take as long as one of these commands


if __name__ == "__main__":
    serve()
