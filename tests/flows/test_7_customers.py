"""Flow 7. Customers hear under the brand's name, in a portal they open with a link."""

import pytest
from django.test import Client

from notifications.models import Brand, Recipient
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


def test_the_portal_link_signs_in_once_and_only_by_its_button(branded: World) -> None:
    branded.send(
        "request.status_changed",
        {"case": {"id": "88", "title": "Schaden 88", "status": "received"}, "customer": CUSTOMER},
    )
    url = branded.post("/api/v1/recipients/C-9/links", {"next": "/"})["url"]
    path = url.split("8000", 1)[1]
    browser = Client()
    assert browser.get(path).status_code == 200
    assert browser.get("/").status_code == 302, "a GET signs nobody in"
    page = browser.post(path, follow=True).content.decode()
    assert "Schaden 88" in page and "Acme Versicherung" in page
    assert Client().post(path, follow=True).status_code in (200, 410)
    assert Recipient.objects.get(ref="C-9").user is None


def test_one_customer_never_sees_anothers_items(branded: World) -> None:
    branded.send("request.status_changed", {"case": {"id": "88", "status": "received"}, "customer": CUSTOMER})
    branded.send(
        "request.status_changed",
        {"case": {"id": "89", "status": "received"}, "customer": {"ref": "C-10", "name": "Otto"}},
    )
    (mine,) = branded.inbox("C-9")
    answer = branded.client.get(f"/api/v1/notifications/{mine['id']}", headers=branded._as("C-10"))
    assert answer.status_code == 404
