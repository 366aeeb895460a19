"""Tests that start processes leave none running, whatever these are doing."""

import os
import subprocess
import sys

import psutil
import pytest

from tests.support.processes import House
from tests.support.waiting import eventually

FORKS = """
import os, time
for number in range(600):
    if os.fork() == 0:
        time.sleep(300)
        os._exit(0)
    time.sleep(0.002)
time.sleep(300)
"""


@pytest.mark.parametrize("leader_stays", [True, False])
def test_clearing_a_house_ends_those_too_who_are_just_forking(leader_stays: bool) -> None:
    house = House()
    script = FORKS if leader_stays else f"import os\nif os.fork(): os._exit(0)\n{FORKS}"
    forking = subprocess.Popen([sys.executable, "-c", script], env=house.environment, start_new_session=True)
    eventually(lambda: len(house.processes()) > 20, "it forks")

    house.clear()

    forking.wait(10)
    assert house.is_empty()
    assert not [each for each in psutil.process_iter() if _group(each.pid) == forking.pid]
    assert not house.folder.exists()


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid) if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE else 0
    except (ProcessLookupError, psutil.Error):
        return 0
