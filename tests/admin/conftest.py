from collections.abc import Iterator
from copy import deepcopy
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_network

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from escalations.admin import dead_ends
from escalations.models import PersonCalendar, TeamCalendar
from notifications.inbox.sign_in.session import BACKEND
from notifications.models import (
    CaseList,
    ConnectedAccount,
    FourEyesRule,
    Limit,
    RefusedAnswer,
    Route,
    Template,
    TemplateVersion,
)
from notifications.reasons import said
from notifications.roles import ADMINISTRATORS, EDITORS, OPERATORS, ensure_roles
from notifications.wording import template_versions
from tests.admin import sla
from tests.admin import world as story
from tests.admin.chromium import Chromium
from tests.admin.desk import Browse, Desk
from tests.admin.world import World
from tests.factories import RouteFactory, TemplateFactory

admin.autodiscover()  # tests ask for what is registered as they are loaded


@pytest.fixture(autouse=True)
def nothing_found_before() -> None:
    """Forget the dead ends that the overview keeps for a while, so that tests do not see those of others."""
    dead_ends.forget()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    found = Chromium()
    yield found
    found.quit()


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    found = Desk()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def browse(root: Client, chromium: Chromium, desk: Desk) -> Browse:
    """`browse(visit)` runs a visit in Chromium and returns what it found. Nothing may have complained.

    The browser has a thread of its own. What it asks for is answered here, inside the test's transaction: visits must
    not use the database themselves.
    """
    return lambda visit: desk.browse(visit, chromium, root)


@pytest.fixture
def world(request: pytest.FixtureRequest, db: None) -> World:
    """The company, before anything has happened, unless the test asks for its day, too."""
    if "lived" in request.fixturenames:
        found: World = request.getfixturevalue("day")
        return found
    return story.build()


@pytest.fixture(scope="module")
def lived(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The company at the end of a day, in a transaction that the module's tests begin in and leave as it was."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = story.build()
        story.live(made)
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def day(lived: World, db: None) -> World:
    return deepcopy(lived)


@pytest.fixture
def evening(day: World) -> World:
    """With one more approval, of which Bob was reminded and Carol was told."""
    calendar = sla.calendar()
    TeamCalendar.objects.create(team=day.team, calendar=calendar)
    PersonCalendar.objects.create(recipient=day.bob, calendar=calendar)
    sla.policy(calendar=calendar)
    sla.escalated(day)
    rule = FourEyesRule.objects.create(name="Invoices over 5,000", not_previous=True)
    rule.conditions.create(path="variables.amount", operator="gt", value="5000")
    for package in settings.FEATURES.values():
        if find_spec(f"{package}.tests.world"):
            import_module(f"{package}.tests.world").add_to(day)
    task = day.bob.assigned_tasks.all()[0]
    RefusedAnswer.objects.create(
        task=task,
        recipient=day.bob,
        action="approve",
        via="inbox",
        rule=rule.name,
        why_fact=said("You started this.").as_json(),
        at=day.now,
    )
    ConnectedAccount.objects.create(
        engine=day.engine, recipient=day.bob, access_token="x", expires_at=day.now, connected_at=day.now
    )
    CaseList.objects.create(case_type="repair").people.add(day.carol)
    Limit.objects.create(engine=day.engine, most=600)
    return day


@pytest.fixture
def route(world: World) -> Route:
    made: Route = RouteFactory(name="Audit", types=["task.assigned"], targets=["assignee"])
    return made


@pytest.fixture
def template(world: World) -> Template:
    """With one version, published in two languages, and used by a route."""
    texts = {"en": ("{{ task.name }}", "Hello"), "de": ("{{ task.name }}", "Hallo")}
    made: Template = TemplateFactory(name="Invoice to approve", texts=texts)
    RouteFactory(name="Invoices", types=["task.assigned"], template=made)
    return made


@pytest.fixture
def published(template: Template) -> TemplateVersion:
    return template.versions.get()


@pytest.fixture
def draft(template: Template, published: TemplateVersion) -> TemplateVersion:
    return template_versions.new_draft(template, published)


@pytest.fixture
def loopback(settings: Settings) -> None:
    """Engines may be called on this machine."""
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def root(db: None) -> Client:
    """The desk as somebody with all rights has it."""
    return signed_in(User.objects.create_superuser("root"))


@pytest.fixture
def administrator(db: None) -> Client:
    return signed_in(member_of(ADMINISTRATORS))


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(member_of(OPERATORS))


@pytest.fixture
def editor(db: None) -> Client:
    return signed_in(member_of(EDITORS))


def member_of(group: str) -> User:
    ensure_roles(apps)
    user = User.objects.create_user(f"member-of-{group.lower().replace(' ', '-')}", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client
