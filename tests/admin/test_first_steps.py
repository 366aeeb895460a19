"""An empty installation greets with the steps to the first message, until there is one."""

import json
import re
import shlex
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notifications.admin.engines import engine_wizard
from notifications.admin.engines.engine_wizard import step_url
from notifications.models import ApiKey, Engine, Notification, Recipient, Route, Scope
from notifications.routing import pipeline
from tests.admin.pages import adding, page_of
from tests.admin.world import World
from tests.factories import EventFactory
from wfpush.crypto import digest_of

pytestmark = pytest.mark.django_db


def steps(client: Client) -> list[Any]:
    found: list[Any] = client.get("/admin/").context["steps"]
    return found


def a_key(engine: Engine, **fields: Any) -> None:
    ApiKey.objects.create(engine=engine, name="k", prefix="wfp_k", digest=digest_of("wfp_k"), **fields)


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"), "notifications.signing_in.AccountBackend")
    return client


def test_each_step_leads_where_it_is_done_until_the_first_message(admin: Client) -> None:
    assert [step.done for step in steps(admin)] == [False, False, True, False], "routes are there from the start"
    assert [step.href for step in steps(admin)[:2]] == [reverse(engine_wizard.NAME), adding(Recipient)]

    engine = Engine.objects.create(slug="invoices", name="Invoices")
    (first, *_more) = steps(admin)
    assert (first.done, first.href) == (False, step_url(engine, "key"))
    a_key(engine, scopes=[Scope.EVENTS])
    assert steps(admin)[0].done
    Recipient.objects.create(ref="o'neil", name="Bob")
    assert [step.done for step in steps(admin)] == [True, True, True, False]

    assert all(admin.get(step.href).status_code == 200 for step in steps(admin) if step.href)

    command = shlex.split(steps(admin)[3].command)
    body, headers = json.loads(command[-1]), {"authorization": "Bearer wfp_k"}
    assert command[0] == "curl" and command[2].endswith("/api/v1/events")
    assert "X-API-Key: KEY" in command
    assert Client().post("/api/v1/events", json.dumps(body), "application/json", headers=headers).status_code == 202
    pipeline.drain()
    assert Notification.objects.get().recipient.ref == "o'neil"
    assert steps(admin) == []


@pytest.mark.parametrize("ended", [{"revoked_at": timedelta()}, {"expires_at": timedelta(seconds=-1)}])
def test_a_key_that_does_not_work_is_none(admin: Client, ended: dict[str, timedelta]) -> None:
    engine = Engine.objects.create(slug="invoices", name="Invoices")
    when = {name: timezone.now() + shift for name, shift in ended.items()}
    a_key(engine, scopes=[], **when)
    assert not steps(admin)[0].done


def test_an_event_that_reached_nobody_is_shown(admin: Client) -> None:
    engine = Engine.objects.create(slug="invoices", name="Invoices")
    event = EventFactory(engine=engine)
    last = steps(admin)[3]
    assert (last.done, last.href, last.command) == (False, page_of(event), "")


def test_without_routes_one_is_asked_for(admin: Client) -> None:
    Route.objects.update(enabled=False)
    assert [step.href for step in steps(admin)][2] == reverse("admin:notifications_route_new_rule")


def test_nothing_is_said_where_messages_are_or_to_who_cannot_do_it(day: World, root: Client) -> None:
    assert steps(root) == []
    Notification.objects.all().delete()
    assert steps(root)
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_event"))
    root.force_login(clerk, "notifications.signing_in.AccountBackend")
    page = root.get("/admin/")
    assert page.context["steps"] == [] and not re.search("first-steps", page.content.decode())
