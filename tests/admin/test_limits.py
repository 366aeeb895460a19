"""Limits at the desk: what is used of each, and the warning before one is reached."""

import pytest
from django.test import Client

from notifications.intake.throttling import Quota, Throttle
from notifications.models import Limit
from tests.admin.pages import add_row, list_of, page_of, save_form, text_of
from tests.admin.world import World
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db

WARNING = "Invoices has sent 4 events within a minute; the limit is 5."


@pytest.fixture
def limit(world: World) -> Limit:
    """Of which 80 % are used."""
    for key in outbox.connection().scan_iter("wfpush:calls:*"):
        outbox.connection().delete(key)
    Throttle().count(Quota("engine", str(world.engine.pk), 5), 4)
    return Limit.objects.create(engine=world.engine, most=5)


def test_what_is_used_is_shown_with_a_warning(root: Client, limit: Limit) -> None:
    assert "Invoices 5 events a minute 4 (80 %)" in text_of(root.get(list_of(Limit)))
    assert "4 (80 %)" in text_of(root.get(page_of(limit)))
    assert WARNING in text_of(root.get("/admin/"))

    save_form(root, limit, most=6)

    assert "4 (67 %)" in text_of(root.get(list_of(Limit)))
    assert WARNING not in text_of(root.get("/admin/"))


def test_a_limit_is_of_one_thing(root: Client, world: World) -> None:
    refused = add_row(root, Limit, engine=world.engine.pk, channel="email", most=5)
    assert "Choose one: an engine, an API key or a channel." in text_of(refused)
    add_row(root, Limit, channel="email", most=5)
    assert str(Limit.objects.get()) == "e-mail: 5 messages an hour"
