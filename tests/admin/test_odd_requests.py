"""Requests that no page of the desk makes: nothing comes of them."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from notifications.models import Engine, EngineAccess
from tests.admin.pages import list_of, text_of
from tests.admin.test_history import newest, restoring
from tests.admin.world import World

pytestmark = pytest.mark.django_db


# --- lists ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", ["9999-12-31", "9999-12-30", "0001-01-01", "x"])
def test_the_audit_list_takes_odd_days(day: World, root: Client, value: str) -> None:
    assert root.get(list_of(LogEntry, f"day={value}")).status_code == 200


# --- history --------------------------------------------------------------------------------------------------------
def test_a_restored_manager_makes_no_circle_and_a_restored_address_is_nobody_elses(world: World, root: Client) -> None:
    alice, bob = world.alice, world.bob
    alice.manager, alice.email = bob, "front@acme.example"
    alice.save()
    old = newest(alice)
    alice.manager, alice.email = None, "alice@acme.example"
    alice.save()
    bob.manager, bob.email = alice, "front@acme.example"
    bob.save()
    said = text_of(root.post(restoring(alice, old), follow=True))
    assert "This goes in a circle" in said
    assert "Bob Bauer already has this verified address" in said
    alice.refresh_from_db()
    assert (alice.manager, alice.email) == (None, "alice@acme.example")


def test_a_stored_secret_follows_no_restored_address(world: World, root: Client) -> None:
    engine = Engine.objects.create(slug="old", name="Old", kind="flowable", callback_url="https://old.example/rest")
    old = engine.history.get()
    engine.callback_url = "https://new.example/rest"
    engine.save()
    access = EngineAccess.objects.create(engine=engine, auth="basic", name="svc", secret="hunter2")
    said = text_of(root.post(restoring(engine, old), follow=True))
    assert "The sign-in would now be sent to another host" in said
    engine.refresh_from_db()
    assert engine.callback_url == "https://new.example/rest"

    access.delete()
    root.post(restoring(engine, old))
    engine.refresh_from_db()
    assert engine.callback_url == "https://old.example/rest"
