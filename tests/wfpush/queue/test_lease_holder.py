"""The kernel says whether the last process of a holder is dead."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.waiting import eventually
from wfpush.queue import lease_holder

pytestmark = pytest.mark.skipif(not lease_holder.machine(), reason="only Linux has an abstract namespace of sockets")

PARENT_AND_CHILD = "import os, time; pid = os.fork(); print(pid if pid else '', end='', flush=True); time.sleep(600)"


def test_a_holder_lives_as_long_as_the_last_process_that_it_forked() -> None:
    mine = lease_holder.new_id()
    bound = lease_holder.claim(mine)
    assert bound is not None
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT_AND_CHILD], stdout=subprocess.PIPE, pass_fds=[bound.fileno()]
    )
    assert parent.stdout is not None
    child = int(os.read(parent.stdout.fileno(), 20))
    bound.close()
    assert not lease_holder.is_dead(mine)
    parent.kill()
    parent.wait()
    assert not lease_holder.is_dead(mine), "the orphan may still do its work"
    os.kill(child, signal.SIGKILL)
    eventually(lambda: lease_holder.is_dead(mine), "the last process is gone")
    assert lease_holder.is_dead(mine), "who asked has not become it"


def test_tokens_tell_whose_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = lease_holder.new_id(), lease_holder.new_id()
    monkeypatch.setenv(lease_holder.VARIABLE, mine)
    made = {lease_holder.new_token() for _ in range(100)}
    assert len(made) == 100
    first, last = lease_holder.tokens_of(mine)
    assert all(first <= token <= last for token in made)
    first, last = lease_holder.tokens_of(other)
    assert not any(first <= token <= last for token in made)


def test_without_a_worker_tokens_are_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(lease_holder.VARIABLE, raising=False)
    assert len({lease_holder.new_token().hex[: lease_holder.DIGITS] for _ in range(100)}) == 100
