"""Flow 7. Customers hear under the brand's name, in a portal they open with a link."""

import pytest

from notifications.models import Brand
from tests.support.world import World

CUSTOMER = {"ref": "C-9", "name": "Sabine Muster", "email": "sabine@example.com", "locale": "de"}


@pytest.fixture
def branded(world: World) -> World:
    Brand.objects.create(slug="acme", name="Acme Versicherung", accent="#8a1538", contact="+49 89 5555")
    world.put(
        "/api/v1/recipients/C-9",
        {"name": "Sabine Muster", "email": "sabine@example.com", "locale": "de", "external": True, "brand": "acme"},
    )
    return world


@pytest.mark.parametrize("status", ["received", "assigned", "updated", "completed"])
def test_each_step_reaches_the_customer_in_the_brands_name(branded: World, status: str) -> None:
    branded.send(
        "request.status_changed", {"case": {"id": "88", "title": "Schaden 88", "status": status}, "customer": CUSTOMER}
    )
    (item,) = branded.inbox("C-9")
    assert item["brand"]["name"] == "Acme Versicherung" and item["state"] == "info"
    words = branded.mail_to("sabine")
    assert "Acme Versicherung" in words and "88" in words


def test_one_customer_never_sees_anothers_items(branded: World) -> None:
    branded.send("request.status_changed", {"case": {"id": "88", "status": "received"}, "customer": CUSTOMER})
    branded.send(
        "request.status_changed",
        {"case": {"id": "89", "status": "received"}, "customer": {"ref": "C-10", "name": "Otto"}},
    )
    (mine,) = branded.inbox("C-9")
    answer = branded.client.get(f"/api/v1/notifications/{mine['id']}", headers=branded._as("C-10"))
    assert answer.status_code == 404
