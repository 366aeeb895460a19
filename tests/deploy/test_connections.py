"""How many connections PostgreSQL must allow, by the count of docs/operations.md."""

import http.client
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.deploy.conftest import Deployed
from tests.support.waiting import eventually

pytestmark = pytest.mark.processes


def most_connections(deployed: Deployed) -> int:
    """Seen in a while."""
    return max(deployed.connections() for _ in range(400))


def ask(deployed: Deployed, port: int) -> int:
    """A request that looks into the database."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Host": "push.example.com", "Authorization": f"Bearer {deployed.api_key}"}
    line.request("GET", f"/api/v1/events/{uuid4()}", headers=headers)
    return line.getresponse().status


def test_a_web_process_takes_its_pool_and_five(deployed: Deployed) -> None:
    deployed.stop()
    port = next(iter(deployed.webs))
    deployed.start("web", "--port", str(port), DATABASE_POOL="3")
    with ThreadPoolExecutor(20) as callers:
        asked = [callers.submit(ask, deployed, port) for _ in range(100)]
        most = most_connections(deployed)
    deployed.stop()

    assert {each.result() for each in asked} == {404}
    assert 3 <= most <= 3 + 5


@pytest.mark.parametrize(("workers", "dispatchers"), [(1, 1), (4, 3)])
def test_a_worker_takes_its_workers_its_dispatchers_and_five(
    deployed: Deployed, workers: int, dispatchers: int
) -> None:
    deployed.stop()
    deployed.start_worker("--grace", "3", "--dispatchers", str(dispatchers), CLUSTER_WORKERS=str(workers))
    eventually(lambda: deployed.connections() > dispatchers + 1, "the dispatchers look for work")
    most = most_connections(deployed)
    deployed.stop()

    assert most <= workers + dispatchers + 5
