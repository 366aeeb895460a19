"""Files of messages to and from customers."""

from notifications.conversation.tests.test_attachments import said, story
from notifications.models import Recipient
from tests.api.test_attachments import FILES, read, sent
from tests.factories import BrandFactory, RecipientFactory
from tests.support.api import person_caller
from tests.support.story import Story

__all__ = ["story"]


def test_customers_see_what_concerns_them_only(story: Story) -> None:
    brand = BrandFactory(slug="acme", name="Acme", names_staff=False)
    erin: Recipient = RecipientFactory(ref="C-88", name="Erin", engine=story.engine, brand=brand)
    story.happen(
        "request.status_changed",
        {"case": {"id": "4711", "title": "Invoice 4711", "status": "received"}, "customer": {"ref": "C-88"}},
        minute=1,
    )
    bob, customer = person_caller(story.bob), person_caller(erin)
    inside, for_her = sent(bob), sent(bob)
    said(bob, inside)
    assert said(bob, for_her, to=["C-88"]).status_code == 201
    hers = sent(customer)

    wrote = customer.post("/api/v1/cases/4711/messages", {"text": "", "attachments": [hers]})

    assert wrote.status_code == 201, wrote.content
    assert wrote.json()["attachments"][0]["name"] == "heating.png"
    assert [read(customer, each) for each in (inside, for_her, hers)] == [404, 200, 200]
    (theirs, own) = customer.get("/api/v1/cases/4711/messages").json()["items"]
    assert (theirs["by"]["name"], own["by"]["name"]) == ("Acme", "Erin")
    assert theirs["attachments"][0]["name"] == "heating.png"
    assert read(bob, hers) == 200
    kept = [each.get(f"{FILES}/{for_her}").headers["Cache-Control"] for each in (bob, customer)]
    assert kept == ["private, no-cache", "no-store"]
    stranger = RecipientFactory(ref="C-89", name="Sam", engine=story.engine)
    assert [read(person_caller(stranger), each) for each in (inside, for_her, hers)] == [404, 404, 404]
