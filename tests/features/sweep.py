"""Runs in a process of its own, with the features that `FEATURES` names (test_taking_out.py): every page that a link
leads to answers, and none leads to a feature that is not installed."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.inbox.sign_in.session import BACKEND
from notifications.models import Callback, Recipient, TaskState
from tests.inbox.browser import signed_in
from tests.support.length import LONG
from tests.support.story import Story

pytestmark = pytest.mark.django_db
MOST = 400 if LONG else 120
LEFT_ALONE = re.compile(r"logout|sign-out|/export/|/delete/|\.(csv|xlsx|ods|json|png|jpg|ics)$|^/static/|^/i18n/")


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and (address := dict(attrs).get("href")):
            self.found.append(address)


def links(body: str) -> list[str]:
    parser = Links()
    parser.feed(body)
    return parser.found


def walk(client: Client, start: str) -> tuple[set[str], list[str]]:
    """The paths below `start` that links lead to, and what is wrong with them."""
    known, wrong, left = {start}, [], [start]
    while left:
        address = left.pop(0)
        answer = client.get(address, follow=True)
        if answer.status_code != 200 or "/login/" in answer.request["PATH_INFO"]:
            wrong.append(f"{address}: {answer.status_code} {answer.request['PATH_INFO']}")
        if "text/html" not in answer.headers.get("Content-Type", "") or answer.streaming:
            continue
        for link in links(answer.content.decode()):
            target = urlsplit(urljoin(address, link))
            elsewhere = target.netloc or target.scheme not in ("", "http") or not target.path.startswith(start)
            if elsewhere or LEFT_ALONE.search(target.path):
                continue
            if target.path not in known and len(known) < MOST:
                known.add(target.path)
                left.append(target.path)
    return known, wrong


@pytest.fixture
def story() -> Story:
    made = Story.begin()
    made.assign(candidates=["bob", "carol"], initiator="alice")
    return made


def test_the_product_is_whole() -> None:
    call_command("check", fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_link_of_the_desk_leads_somewhere(story: Story) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"), backend=BACKEND)
    known, wrong = walk(client, "/admin/")
    assert wrong == []
    assert {"/admin/notifications/route/new-rule/", "/admin/escalations/policy/", "/admin/auth/user/"} <= known


def test_every_link_of_the_inbox_leads_somewhere(story: Story) -> None:
    for name in ("alice", "bob"):
        known, wrong = walk(signed_in(Recipient.objects.get(ref=name)), "/")
        assert wrong == []
        assert {"/settings", "/devices"} <= known


def test_a_question_pauses_its_task_and_goes_to_the_engine(story: Story) -> None:
    respond(story.copy(story.bob), Answer("request_info", "Which cost centre?"), now=timezone.now())

    task = story.task()
    assert (task.state, task.info[0]["text"]) == (TaskState.INFO_REQUESTED, "Which cost centre?")
    assert "info_requested" in Callback.objects.get().body
    page = signed_in(story.bob).get(f"/n/{story.copy(story.bob).pk}").content.decode()
    assert "Which cost centre?" in page


def test_the_description_of_the_api_names_what_is_there(story: Story) -> None:
    client = signed_in(story.bob)
    document = client.get("/api/schema").json()
    for path, operations in document["paths"].items():
        if "get" in operations and "{" not in path:
            assert client.get(path).status_code in (200, 401, 403, 422), path
    gone = set(settings.FEATURE_PACKAGES) - set(settings.FEATURES)
    assert not [path for path in document["paths"] for name in gone if f"/{name}/" in path]
