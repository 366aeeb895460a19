"""Flow 3. Milestones reach internal followers and external stakeholders, each in their language."""

import pytest

from tests.support.length import some
from tests.support.world import World

STAKEHOLDER = {"ref": "S-1", "name": "Sabine Muster", "email": "sabine@example.com", "locale": "de"}


@pytest.mark.parametrize(
    "status", some(["submitted", "under_review", "approved", "rejected", "completed", "at_the_printer"], 3)
)
def test_each_milestone_reaches_followers_and_stakeholders(world: World, status: str) -> None:
    world.send(
        "case.status_changed", {"case": {"id": "88", "title": "Claim 88", "status": "new"}, "recipients": ["alice"]}
    )
    world.follow("alice", "88")
    world.send("case.status_changed", {"case": {"id": "88", "status": status}, "recipients": [STAKEHOLDER]})
    newest, *_ = world.inbox("alice")
    assert "Claim 88" in newest["title"] and newest["state"] == "info" and newest["actions"] == []
    assert newest["case"]["status"] == status
    (german,) = world.inbox("S-1")
    assert "Claim 88" in german["title"] and german["title"] != newest["title"]
    assert "Claim 88" in world.mail_to("sabine")


def test_one_item_a_milestone(world: World) -> None:
    for status in ("submitted", "under_review", "approved"):
        world.send(
            "case.status_changed",
            {"case": {"id": "88", "title": "Claim 88", "status": status}, "recipients": ["alice"]},
        )
    assert len(world.inbox("alice")) == 3


def test_who_no_longer_follows_hears_no_more(world: World) -> None:
    world.send(
        "case.status_changed", {"case": {"id": "88", "title": "Claim 88", "status": "new"}, "recipients": ["alice"]}
    )
    world.follow("alice", "88")
    world.client.delete("/api/v1/cases/88/follow", headers=world._as("alice"))
    world.send("case.status_changed", {"case": {"id": "88", "status": "approved"}})
    assert len(world.inbox("alice")) == 1
