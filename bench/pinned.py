"""`python -m bench.pinned CORE COMMAND…`: the command, on one processor core where the system can keep it there."""

import os
import sys

PINNED = (sys.executable, "-m", "bench.pinned")


def cores() -> tuple[int, int]:
    """One for who is measured, another one for the rest; the same where there is only one."""
    if not hasattr(os, "sched_getaffinity"):
        return 0, 0
    ours = sorted(os.sched_getaffinity(0))
    return ours[0], ours[-1]


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [int(sys.argv[1])])
    os.execvp(sys.argv[2], sys.argv[2:])
