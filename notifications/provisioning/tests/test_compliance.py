"""scim2-tester, the checks of the makers of scim2-models, against a server on loopback."""

import pytest
from httpx2 import Client
from pytest_django.live_server_helper import LiveServer
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from notifications.provisioning.tests.idp import Idp


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_scim2_tester_finds_nothing(live_server: LiveServer, settings: pytest.FixtureRequest) -> None:
    idp = Idp.begin(max_departures=10_000)
    settings.BASE_URL = live_server.url  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {idp.token}"}
    with Client(base_url=f"{live_server.url}/scim/v2", headers=headers, timeout=30) as http:
        results = check_server(SyncSCIMClient(http))
    wrong = [str(each) for each in results if each.status not in (Status.SUCCESS, Status.SKIPPED)]
    assert wrong == []
    assert sum(each.status == Status.SUCCESS for each in results) > 100
