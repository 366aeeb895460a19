"""Runs in a process of its own, with the feature of tests/features/bells (test_adding.py)."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from notifications import roles
from notifications.inbox.sign_in.session import BACKEND
from notifications.models import RouteTarget, Scope
from tests.factories import EngineFactory
from tests.features.bells.models import Bell
from tests.inbox.browser import signed_in
from tests.support.api import engine_caller
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    return Story.begin()


@pytest.fixture
def bell(story: Story) -> Bell:
    return Bell.objects.create(name="old", person=story.bob)


def test_it_migrates() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_its_target_finds_whom_a_route_means(story: Story, bell: Bell) -> None:
    RouteTarget.objects.update(kind="bell", ref=str(bell.pk))
    story.assign(candidates=["carol"], initiator="alice")
    assert [copy.reason_fact["code"] for copy in story.inbox(story.bob)] == ["has_bell"]
    assert {str(target) for target in RouteTarget.objects.all()} == {"who has a bell old"}


def test_whoever_has_one_finds_the_page_in_the_menu(story: Story, bell: Bell) -> None:
    client = signed_in(story.bob)
    assert 'href="/bells"' in client.get("/settings").content.decode()
    assert "old" in client.get("/bells").content.decode()
    assert 'href="/bells"' not in signed_in(story.carol).get("/settings").content.decode()


def test_the_desk_has_its_list_and_roles_their_rights(story: Story) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"), backend=BACKEND)
    assert "Nobody has: add the first one." in client.get("/admin/bells/bell/").content.decode()
    operators = Group.objects.get(name=roles.OPERATORS)
    assert operators.permissions.filter(codename="view_bell").exists()


def test_the_api_answers_and_describes_it(story: Story, bell: Bell) -> None:
    caller = engine_caller(EngineFactory(), [Scope.DIRECTORY])
    assert caller.get("/api/v1/bells/old").json() == {"name": "old", "person": "bob"}
    assert "Bells" in [tag["name"] for tag in signed_in(story.bob).get("/api/schema?format=json").json()["tags"]]
