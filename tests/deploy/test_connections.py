"""How many connections PostgreSQL must allow, by the count of docs/operations/database.md."""

import http.client
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.deploy.conftest import Deployed
from tests.support.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.ci]

LOOK_SECONDS = 0.005


def most_connections(deployed: Deployed, while_it: Callable[[], bool]) -> int:
    """Seen in 400 looks, and for as long as the condition holds."""
    most = looks = 0
    with deployed.counting() as count:
        while looks < 400 or while_it():
            most, looks = max(most, count()), looks + 1
            time.sleep(LOOK_SECONDS)
    return most


def ask(deployed: Deployed, port: int) -> int:
    """A request that looks into the database."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Host": "push.example.com", "Authorization": f"Bearer {deployed.api_key}"}
    line.request("GET", f"/api/v1/events/{uuid4()}", headers=headers)
    return line.getresponse().status


@pytest.mark.long
def test_a_web_process_takes_its_pool_and_five(deployed: Deployed) -> None:
    deployed.stop()
    port = next(iter(deployed.webs))
    web = deployed.start("web", "--port", str(port), DATABASE_POOL="3")
    with ThreadPoolExecutor(20) as callers:
        asked = [callers.submit(ask, deployed, port) for _ in range(100)]
        most = most_connections(deployed, lambda: not all(each.done() for each in asked))
    deployed.stop()

    assert {each.result() for each in asked} == {404}, web.said
    assert 3 <= most <= 3 + 5


@pytest.mark.long
@pytest.mark.parametrize(("workers", "dispatchers"), [(1, 1), (4, 3)])
def test_a_worker_takes_its_workers_its_dispatchers_and_five(
    deployed: Deployed, workers: int, dispatchers: int
) -> None:
    deployed.stop()
    deployed.start_worker("--grace", "3", "--dispatchers", str(dispatchers), CLUSTER_WORKERS=str(workers))
    eventually(lambda: deployed.connections() > dispatchers + 1, "the dispatchers look for work")
    most = most_connections(deployed, lambda: False)
    deployed.stop()

    assert most <= workers + dispatchers + 5
