"""`python -m tests.support.halves`: all tests, in two halves at once: what starts processes and browsers mostly waits.

The first half writes as it goes; what the second has to say follows. Each has a data folder of its own.
"""

import os
import subprocess
import sys
import tempfile
from typing import IO

WAITING = ("tests/soak", "tests/browsers")


def main(arguments: list[str]) -> int:
    folder = os.environ.get("WFPUSH_DATA", ".wfpush-test")
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        other = _start([*WAITING, *arguments], f"{folder}-2", said)
        try:
            first = _start([*(f"--ignore={each}" for each in WAITING), *arguments], folder, None).wait()
            second = other.wait()
        except BaseException:
            other.terminate()
            other.wait()
            raise
        said.seek(0)
        sys.stdout.write(said.read())
    return first or second


def _start(arguments: list[str], folder: str, said: IO[str] | None) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "pytest", *arguments]
    where = {**os.environ, "WFPUSH_DATA": folder}
    return subprocess.Popen(command, env=where, stdout=said, stderr=said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
