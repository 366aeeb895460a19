"""Tasks are read batch after batch: the engine sees one connection, and its token server one request for a token."""

import os
import signal

import pytest
from django.db import connections

from notifications.engines.task_sync import Reader
from notifications.models import Task
from tests.engines.server import Fault
from tests.engines.sides import RestSide, late
from tests.engines.world import KINDS
from tests.support.length import some
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

rest = pytest.mark.parametrize("side", KINDS, ids=lambda kind: kind.name, indirect=True)
with_tokens = pytest.mark.parametrize(
    "side", [kind for kind in KINDS if kind.token], ids=lambda kind: kind.name, indirect=True
)


def reads(reader: Reader) -> bool:
    """Whether the task is found to be open."""
    [standing] = reader.read(list(Task.objects.select_related("engine")), late()).values()
    return standing is not None and standing.is_open


@rest
def test_batch_after_batch_goes_over_one_connection(side: RestSide, reader: Reader) -> None:
    side.assign("bob")
    side.engine.peers.clear()

    assert [reads(reader) for _ in range(3)] == [True] * 3
    assert len(side.engine.peers) == 1


@with_tokens
def test_batch_after_batch_signs_in_with_one_token(side: RestSide, reader: Reader) -> None:
    side.assign("bob")
    asked = side.tokens.asked

    assert [reads(reader) for _ in range(3)] == [True] * 3
    assert side.tokens.asked == asked + 1

    side.tokens.revoke_all()
    assert reads(reader)
    assert side.tokens.asked == asked + 2


@pytest.mark.ci
@pytest.mark.parametrize("side", some(KINDS, 1), ids=lambda kind: kind.name, indirect=True)
def test_a_connection_that_the_engine_has_ended_is_made_anew(side: RestSide, reader: Reader) -> None:
    side.assign("bob")
    assert reads(reader)
    side.end_connections()

    eventually(lambda: reads(reader), "its end is noticed")


@pytest.mark.ci
@rest
def test_an_engine_that_hangs_is_read_again_when_it_is_back(
    side: RestSide, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    side.assign("bob")
    monkeypatch.setattr("notifications.engines.task_sync.WITHIN", 0.5)
    side.break_next(Fault(status=200, slow=True, roles=("query", "command", "comment")))
    assert not reads(reader)

    assert reads(reader)


@pytest.mark.parametrize("side", KINDS[:1], ids=lambda kind: kind.name, indirect=True)
def test_a_forked_process_reads_over_connections_of_its_own(side: RestSide, reader: Reader) -> None:
    side.assign("bob")
    assert reads(reader)
    tasks, when = list(Task.objects.select_related("engine__access")), late()
    connections.close_all()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        os._exit(0 if any(each and each.is_open for each in reader.read(tasks, when).values()) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(side.engine.peers) == 2
