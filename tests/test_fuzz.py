"""Every address gets odd requests: no 500, no flood of errors, no gigabytes.

Short here; as long as one likes in `make soak` (tests/soak/test_fuzz.py).
"""

import json
import logging
import zlib
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from notifications import roles
from notifications.api.frame import base
from notifications.inbox.sign_in.session import BACKEND
from notifications.models import Case, Device, Event, Notification, Task
from notifications.people import devices
from notifications.types import NewAddress
from tests.admin import world
from tests.support.api import Caller, browser_of, engine_caller
from tests.support.fuzz import HEAVY, MEMBERS, SWEPT, Fuzz, addresses, names_in_sources

pytestmark = pytest.mark.ci

HALVES = 2
"""Tests that share the addresses: each makes the world once."""


def superuser() -> Caller:
    caller = Caller(client=Client())
    caller.client.force_login(User.objects.create_superuser("root"), BACKEND)
    return caller


def operator() -> Caller:
    user = User.objects.create_user("op", is_staff=True)
    user.groups.add(Group.objects.get(name=roles.OPERATORS))
    caller = Caller(client=Client())
    caller.client.force_login(user, BACKEND)
    return caller


@pytest.fixture
def fuzz(db: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Fuzz:
    """With everybody who may call, and something of everything that a path can name."""
    monkeypatch.setattr(base.ApiView, "count", lambda *args: None)  # rates have their own tests
    logging.disable(logging.CRITICAL)  # thousands of refusals, all kept by pytest
    request.addfinalizer(partial(logging.disable, logging.NOTSET))  # which clears what loggers remember of it, too
    company = world.build()
    world.live(company)
    devices.register(
        company.bob, NewAddress("fcm", "phone", "token", "acme"), name="App on Android", now=timezone.now()
    )
    task = Task.objects.filter(notifications__recipient=company.bob).order_by("pk")[0]
    real = {
        "slug": company.engine.slug,
        "event_id": str(Event.objects.order_by("pk")[0].pk),
        "task_id": task.task_id,
        "ref": company.bob.ref,
        "case_id": Case.objects.order_by("pk")[0].case_id,
        "notification_id": str(Notification.objects.filter(recipient=company.bob).order_by("pk")[0].pk),
        "device_id": str(Device.objects.filter(recipient=company.bob)[0].pk),
    }
    callers = {
        "stranger": Caller(client=Client()),
        "person": browser_of(company.bob),
        "engine": engine_caller(company.engine),
        "operator": operator(),
        "superuser": superuser(),
    }
    return Fuzz(callers, real, seed=request.node.name)


@pytest.mark.parametrize("half", range(HALVES))
def test_whatever_is_sent_to_any_address_nothing_breaks(fuzz: Fuzz, half: int) -> None:
    for address in addresses():
        if zlib.crc32(str(address).encode()) % HALVES == half:
            desk = str(address).startswith("/admin/")  # tests/soak/test_fuzz.py has more for it
            fuzz.address(address, rounds=1, callers=1 if desk else 2)
            if not desk:
                fuzz.sweep(address, ["superuser"], most=1, swept=SWEPT[:1])

    assert not fuzz.faults, "\n".join(fuzz.faults)
    assert "/admin/" in fuzz.call(fuzz.callers["superuser"], "GET", "/admin/"), "signed out on the way"


def test_a_body_of_1_mib_costs_little_wherever_it_goes(fuzz: Fuzz) -> None:
    fuzz.callers = {name: fuzz.callers[name] for name in ("stranger", "engine")}
    for number, address in enumerate(each for each in addresses() if str(each).startswith("/api/v1/")):
        raw, kind = list(HEAVY.values())[number % len(HEAVY)]
        fuzz.heavy(address, raw, kind)

    assert not fuzz.faults, "\n".join(fuzz.faults)


def test_new_addresses_parameters_and_members_are_met_by_themselves() -> None:
    found = [str(address) for address in addresses()]
    described: Any = json.loads(Client().get("/api/schema").content)
    forms = described["components"]["schemas"]
    asked = {
        name
        for operations in described["paths"].values()
        for operation in operations.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for name in forms.get(content["schema"].get("$ref", "").rpartition("/")[2], {}).get("properties", {})
    }

    assert {"/api/v1/events", "/api/v1/tasks/<task_id>", "/admin/", "/sign-in"} <= set(found)
    assert len([path for path in found if path.startswith("/admin/")]) > 100
    assert {"event", "language", "answer"} <= set(names_in_sources())
    assert asked <= set(MEMBERS)
