"""An engine whose people have accounts of their own, their authorization server, and wfpush between them."""

import html
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications.engines import connected_accounts
from notifications.models import (
    Callback,
    CallbackState,
    ConnectedAccount,
    Engine,
    EngineAccess,
    InTheNameOf,
    PersonalSignIn,
)
from tests.engines.book import Task
from tests.engines.guards import SECRET, SERVICE
from tests.engines.server import EngineServer
from tests.engines.world import KINDS, Kind
from tests.support.authorization import CLIENT, CLIENT_SECRET, SCOPE, AuthorizationServer
from tests.support.receiver import Receiver
from tests.support.running import running
from tests.support.world import World

FLOWABLE = next(kind for kind in KINDS if kind.name == "flowable")


@dataclass
class Acme:
    """`engine` is the truth; `people` signs people in. Bob's browser is `bob`."""

    engine: EngineServer
    people: AuthorizationServer
    world: World
    row: Engine
    bob: Client

    def assign(self, *people: str) -> Task:
        theirs = self.engine.book.open(name="Approve invoice 4711")
        said = {"id": theirs.id, "name": theirs.name, "candidates": list(people) or ["bob", "carol"]}
        self.world.send("task.assigned", {"task": said})
        return theirs

    def connect(self, browser: Client | None = None) -> str:
        """As Bob does it with a browser; returns what the page says then."""
        browser = browser or self.bob
        return text_of(browser.get(self.returned(self.begun(browser)), follow=True))

    def begun(self, browser: Client) -> str:
        """The address where the browser is sent to sign in."""
        answer = browser.post(f"/accounts/{self.row.slug}/connect")
        assert answer.status_code == 200, answer.content
        page = text_of(answer).partition('<template id="left"')[0]  # which is shown to those who have signed out
        led, pressed = re.findall(r'content="0; url=([^"]+)"|<a class="button primary" href="([^"]+)"', page)
        assert led[0] == pressed[1]
        return html.unescape(led[0])

    def returned(self, address: str) -> str:
        """Bob presses the button there. Returns the path of ours to which the browser comes back."""
        request = urllib.request.Request(address, data=b"user=bob", method="POST")
        location = urlsplit(_location(request))
        return f"{location.path}?{location.query}"

    def again(self) -> None:
        """Make the next attempt, as if it were due."""
        now = timezone.now()
        Callback.objects.filter(state=CallbackState.WAITING).update(due_at=now, lease_until=None, lease_token=None)
        self.world.run()

    def bob_approves_all(self) -> None:
        """Answer by the API, before anything is sent."""
        for item in self.world.inbox("bob"):
            self.world.client.post(
                f"/api/v1/notifications/{item['id']}/responses",
                {"action": "approve"},
                content_type="application/json",
                headers={"Authorization": f"Bearer {self.world.tokens['bob']}"},
            )

    def time_passes(self) -> None:
        """Longer than a token is valid."""
        ConnectedAccount.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    def account(self) -> ConnectedAccount:
        return ConnectedAccount.objects.get()

    def outcome(self, person: str = "bob") -> dict[str, Any]:
        found: dict[str, Any] = self.world.inbox(person)[0]["outcome"]
        return found

    def engine_says(self, person: str = "bob") -> str:
        return str(self.outcome(person)["engine"])


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _location(request: urllib.request.Request) -> str:
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=10) as answer:
            raise AssertionError(f"nowhere to go: {answer.status}")
    except urllib.error.HTTPError as answer:
        assert answer.code == 303, answer.read()
        return str(answer.headers["Location"])


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def made(settings: Settings) -> Iterator[Callable[..., Acme]]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with ExitStack() as stack:

        def make(kind: Kind = FLOWABLE, mode: str = InTheNameOf.PERSON) -> Acme:
            people = stack.enter_context(running(AuthorizationServer()))
            engine = stack.enter_context(running(kind.server(people)))
            world = World.begin(Receiver(url="http://127.0.0.1:9/none"))
            row = Engine.objects.get()
            row.kind, row.callback_url = kind.name, engine.base
            row.save()
            EngineAccess.objects.create(engine=row, auth="basic", name=SERVICE, secret=SECRET)
            PersonalSignIn.objects.create(
                engine=row,
                mode=mode,
                authorize_url=people.authorize_url,
                token_url=people.token_url,
                client_id=CLIENT,
                client_secret=CLIENT_SECRET,
                scope=SCOPE,
            )
            people.redirect_uris = {connected_accounts.way_back(row)}
            return Acme(engine, people, world, row, world.signed_in("bob"))

        yield make


@pytest.fixture
def acme(made: Callable[..., Acme]) -> Acme:
    return made()
