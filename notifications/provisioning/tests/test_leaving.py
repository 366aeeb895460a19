"""Somebody leaves: their access ends at once, their tasks go on, and not too many leave in an hour."""

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from notifications.models import Absence, Notification, Recipient, Response, Team
from notifications.provisioning import departures
from notifications.provisioning.models import ScimDeparture, ScimUser
from notifications.provisioning.tests.idp import Idp
from notifications.types import Json
from tests.admin.pages import page_of, text_of
from tests.notifications.people.test_closed_accounts import Doors
from tests.support.story import Story


@pytest.fixture
def joined(idp: Idp, story: Story) -> dict[str, Json]:
    """Bob and Carol of the story, taken over by the directory."""
    idp.directory.joins_existing = True
    idp.directory.save()
    return {name: idp.user(name) for name in ("bob", "carol")}


def test_somebody_whom_a_directory_takes_over_loses_nothing(idp: Idp, story: Story, joined: dict[str, Json]) -> None:
    doors = Doors(Recipient.objects.get(ref="bob"), story)
    assert doors.open() == set(doors.all())


@pytest.mark.parametrize("how", ["active", "delete", "put"])
def test_all_access_ends_within_two_seconds_and_what_was_decided_stays(
    how: str, idp: Idp, story: Story, joined: dict[str, Json]
) -> None:
    story.assign()
    doors = Doors(Recipient.objects.get(ref="bob"), story)
    decided = Response.objects.filter(recipient=story.bob).count()
    start = time.monotonic()
    path = f"/Users/{joined['bob']['id']}"
    if how == "active":
        idp.deactivate(joined["bob"])
    elif how == "put":
        idp.answer("PUT", path, {"schemas": [], "userName": "bob", "active": False})
    else:
        idp.answer("DELETE", path, expect=204)
    assert doors.open() == set()
    assert time.monotonic() - start < 2
    assert Response.objects.filter(recipient=story.bob).count() == decided
    bob = Recipient.objects.get(ref="bob")
    assert not bob.active and not bob.user.is_active and bob.account_seal == bob.seal()


def test_somebody_who_comes_back_has_to_sign_in_again(idp: Idp, story: Story, joined: dict[str, Json]) -> None:
    doors = Doors(Recipient.objects.get(ref="bob"), story)
    idp.answer("DELETE", f"/Users/{joined['bob']['id']}", expect=204)
    finance = Team.objects.get(slug="finance")
    assert idp.user("bob")["id"] == joined["bob"]["id"], "the same person, so the same id"
    bob = Recipient.objects.get(ref="bob")
    assert bob.present and bob.pk == story.bob.pk and finance.members.filter(pk=bob.pk).exists()
    assert (
        not doors.socket_of_the_token() and not doors.socket_of_the_session() and not doors.presses(doors.lock_screen)
    )


def test_a_name_of_somebody_who_left_is_not_given_to_somebody_else(idp: Idp) -> None:
    bob = idp.user("bob", externalId="1")
    idp.answer("DELETE", f"/Users/{bob['id']}", expect=204)
    assert (
        "belongs to somebody who left, with the externalId “1”" in idp.user("bob", externalId="2", expect=409)["detail"]
    )
    assert not Recipient.objects.get(ref="bob").active


# --- open tasks -------------------------------------------------------------------------------------------------------
def items_of(person: Recipient) -> list[Notification]:
    return list(Notification.objects.filter(recipient=person).order_by("created_at", "pk"))


def test_open_tasks_are_offered_to_the_manager_who_is_told_once(
    idp: Idp, story: Story, joined: dict[str, Json]
) -> None:
    for number in range(7):
        story.assign(f"T-{number}", name=f"Approve invoice {number}")
    idp.deactivate(joined["bob"])
    assert departures.has_due(timezone.now())
    departures.drain()
    departures.drain()
    *offers, notice = items_of(story.carol)
    assert [offer.task.task_id for offer in offers if offer.task] == [f"T-{number}" for number in range(7)]
    assert {offer.notice for offer in offers} == {"Bob has left."}
    assert {offer.on_behalf_of for offer in offers} == {story.bob}
    assert notice.title == "Bob has left"
    assert notice.body.startswith("7 open tasks are left behind. You are asked to take over.\n\n• ")
    assert notice.body.endswith("and 2 others")
    row = ScimDeparture.objects.get()
    assert (row.open_tasks, row.offered, row.to, row.due_at) == (7, 7, story.carol, None)


def test_the_delegate_gets_the_tasks_and_the_manager_hears_of_it(
    idp: Idp, story: Story, joined: dict[str, Json]
) -> None:
    now = timezone.now()
    Absence.objects.create(recipient=story.bob, delegate=story.alice, begins_at=now, ends_at=now + timedelta(days=9))
    story.assign()
    Notification.objects.filter(recipient=story.alice).delete()
    idp.deactivate(joined["bob"])
    departures.drain()
    (notice,) = items_of(story.carol)
    assert "Alice is asked to take over." in notice.body or "No open tasks" in notice.body


def test_without_anybody_to_take_over_the_desk_says_so(idp: Idp, story: Story, root: Client) -> None:
    idp.directory.joins_existing = True
    idp.directory.save()
    Recipient.objects.filter(ref="bob").update(manager=None)
    bob = idp.user("bob")
    story.assign()
    idp.deactivate(bob)
    departures.drain()
    assert "1 open task is left behind, and there is no delegate or manager." in text_of(root.get("/admin/"))
    assert "nobody" in text_of(root.get(page_of(idp.directory)))


def test_somebody_who_is_back_before_the_worker_looks_keeps_the_tasks(
    idp: Idp, story: Story, joined: dict[str, Json]
) -> None:
    story.assign()
    idp.deactivate(joined["bob"])
    idp.patch(f"/Users/{joined['bob']['id']}", {"op": "replace", "path": "active", "value": True})
    departures.drain()
    assert items_of(story.carol) == []


# --- the bound --------------------------------------------------------------------------------------------------------
def test_no_more_than_the_bound_leave_in_an_hour_until_an_administrator_allows_it(db: None, root: Client) -> None:
    idp = Idp.begin(max_departures=2, max_departures_percent=0)
    people = [idp.user(f"u{number}") for number in range(6)]
    with time_machine.travel(timezone.now(), tick=True) as clock:
        for user in people[:2]:
            idp.deactivate(user)
        refused = idp.deactivate(people[2], expect=429)
        assert "2 people of this directory were deactivated within an hour, which is its bound." in refused["detail"]
        response = idp.send("DELETE", f"/Users/{people[2]['id']}")
        assert response.status_code == 429 and 0 < int(response["Retry-After"]) <= 3600
        assert Recipient.objects.get(ref="u2").active and idp.answer("GET", f"/Users/{people[2]['id']}")["active"]
        idp.patch(f"/Users/{people[2]['id']}", {"op": "replace", "path": "title", "value": "x"})
        assert "Deactivations are refused: 2 people left within an hour." in text_of(root.get("/admin/"))

        root.post(page_of(idp.directory, "allow"), {"count": 1}, follow=True)
        assert "Deactivations are refused" not in text_of(root.get("/admin/"))
        idp.deactivate(people[2])
        idp.deactivate(people[3], expect=429)
        clock.shift(timedelta(minutes=61))
        idp.deactivate(people[3])
    assert ScimUser.objects.filter(active=False).count() == 4


def test_what_was_allowed_ends_after_an_hour(db: None) -> None:
    idp = Idp.begin(max_departures=0, max_departures_percent=0)
    bob = idp.user("bob")
    departures.allow(idp.directory, 5, timezone.now() - timedelta(minutes=61))
    idp.deactivate(bob, expect=429)


def test_the_bound_of_a_large_directory_is_a_share_of_it(db: None) -> None:
    idp = Idp.begin(max_departures=1, max_departures_percent=50)
    people = [idp.user(f"u{number}") for number in range(6)]
    for user in people[:3]:
        idp.deactivate(user)
    idp.deactivate(people[3], expect=429)


def test_somebody_who_is_made_deactivated_or_left_before_does_not_count(db: None) -> None:
    idp = Idp.begin(max_departures=1, max_departures_percent=0)
    users: list[Any] = [idp.user(f"u{number}", active=False) for number in range(3)]
    for user in users:
        idp.deactivate(user)
        idp.answer("DELETE", f"/Users/{user['id']}", expect=204)
    idp.deactivate(idp.user("bob"))
