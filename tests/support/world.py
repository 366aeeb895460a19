"""The public API as an engine and its people use it; tests do the work that a running installation would be woken
for."""

import json
from dataclasses import dataclass, field
from io import StringIO
from itertools import count
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from notifications.channels import registry
from notifications.delivery import claims
from notifications.delivery.engine import Engine
from notifications.engines import callback, callback_claims
from notifications.models import Recipient
from notifications.routing import pipeline
from notifications.types import Json
from tests.factories import PASSWORD, TeamFactory
from tests.support.messages import show_messages
from tests.support.receiver import Receiver
from tests.support.unrecorded import unrecorded
from wfpush.concurrency.threads import in_database_thread
from wfpush.queue import outbox


@dataclass
class World:
    """One engine with its callback address; Alice, Bob and Carol with accounts; Carol leads finance, Bob is in it."""

    receiver: Receiver
    key: str
    secret: str
    tokens: dict[str, str] = field(default_factory=dict)
    client: Client = field(default_factory=Client)
    _ids: Any = field(default_factory=lambda: count(1))

    @classmethod
    @unrecorded()
    def begin(cls, receiver: Receiver) -> "World":
        carol = _person("carol", None)
        bob = _person("bob", carol)
        _person("alice", bob)
        out = StringIO()
        call_command("create_engine", "invoices", callback_url=receiver.url, stdout=out)
        made = json.loads(out.getvalue().splitlines()[-1])
        TeamFactory(slug="finance", name="Finance", lead=carol, members=[bob, carol])
        return cls(receiver, made["api_key"], made["signing_secret"])

    # --- the engine ---------------------------------------------------------------------------------
    def send(self, type: str, data: Json, **members: Any) -> str:
        """Send a CloudEvent and let everything due happen. Returns our address of the event."""
        event = {"specversion": "1.0", "id": f"e-{next(self._ids)}", "source": "invoices", "type": type, "data": data}
        answer = self.post("/api/v1/events", {**event, **members})
        self.run()
        url: str = answer["url"]
        return url

    def run(self) -> None:
        """What worker and dispatcher would do now. The dispatcher, too, asks first whether something is due."""
        self._work()
        if _channels_due() or callback_claims.has_due(timezone.now()):
            async_to_sync(_dispatch)()
            self._work()

    def _work(self) -> None:
        pipeline.drain()
        show_messages()

    def put(self, path: str, body: Json) -> Json:
        answer = self.client.put(path, json.dumps(body), content_type="application/json", headers=self._as_engine)
        assert answer.status_code in (200, 201), answer.content
        return _json(answer)

    def post(self, path: str, body: Json, *, expect: tuple[int, ...] = (200, 201, 202)) -> Json:
        answer = self.client.post(path, json.dumps(body), content_type="application/json", headers=self._as_engine)
        assert answer.status_code in expect, answer.content
        return _json(answer)

    def get(self, path: str) -> Json:
        answer = self.client.get(path, headers=self._as_engine)
        assert answer.status_code == 200, answer.content
        return _json(answer)

    @property
    def _as_engine(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    # --- people -------------------------------------------------------------------------------------
    def _as(self, person: str) -> dict[str, str]:
        if person not in self.tokens:
            self.tokens[person] = self.post(f"/api/v1/recipients/{person}/tokens", {})["token"]
        return {"Authorization": f"Bearer {self.tokens[person]}"}

    def inbox(self, person: str, query: str = "") -> list[Json]:
        """Newest first."""
        answer = self.client.get(f"/api/v1/notifications{query}", headers=self._as(person))
        assert answer.status_code == 200, answer.content
        items: list[Json] = _json(answer)["items"]
        return items

    def respond(self, person: str, action: str, comment: str = "", *, expect: int = 201) -> Json:
        """Answer the person's newest open item by the API."""
        item = next(each for each in self.inbox(person) if each["task"])
        answer = self.client.post(
            f"/api/v1/notifications/{item['id']}/responses",
            json.dumps({"action": action, "comment": comment, "revision": item["revision"]}),
            content_type="application/json",
            headers=self._as(person),
        )
        assert answer.status_code == expect, answer.content
        self.run()
        return _json(answer)

    def ask(self, method: str, path: str, person: str, body: Json | None = None, **headers: str) -> Any:
        """A call of a person: the answer as it came."""
        said = {"content_type": "application/json", "headers": {**self._as(person), **headers}}
        call = getattr(self.client, method)
        return call(path, json.dumps(body), **said) if body is not None else call(path, headers=said["headers"])

    def reply(self, person: str, text: str, *, expect: int = 201, **headers: str) -> Json:
        """Reply to the newest question that the person was asked."""
        item = next(each for each in self.inbox(person) if "reply" in [action["action"] for action in each["actions"]])
        path = f"/api/v1/notifications/{item['id']}/responses"
        answer = self.ask("post", path, person, {"action": "reply", "comment": text}, **headers)
        assert answer.status_code == expect, answer.content
        self.run()
        return _json(answer)

    def follow(self, person: str, case_id: str) -> None:
        assert self.client.put(f"/api/v1/cases/{case_id}/follow", headers=self._as(person)).status_code == 204

    def signed_in(self, person: str) -> Client:
        """A browser in which the person has signed in."""
        browser = Client()
        answer = browser.post("/sign-in", {"username": person, "password": PASSWORD})
        assert answer.status_code == 302, answer.content
        return browser

    def mail_to(self, person: str) -> str:
        """The plain text of the newest mail to a person's address."""
        bodies = [message.body for message in mail.outbox if person in message.to[0]]
        assert bodies, f"No mail to {person}"
        return str(bodies[-1])


def _person(ref: str, manager: Recipient | None) -> Recipient:
    """As `manage.py create_person` makes them."""
    name, email = ref.capitalize(), f"{ref}@example.org"
    user = User.objects.create_user(ref, email, PASSWORD, first_name=name)
    return Recipient.objects.create(ref=ref, name=name, user=user, email=email, email_verified=True, manager=manager)


def _channels_due() -> list[str]:
    """Those that have messages for people's addresses; also names of channels that no longer exist."""
    due = outbox.due(claims.waiting_for_persons(), timezone.now())
    return list(due.order_by().values_list("channel", flat=True).distinct())


async def _dispatch() -> None:
    """Only channels that have something to do have a lane. If one gives up, the next one has something to do, too."""
    while due := await in_database_thread(_channels_due):
        engine = Engine([channel for channel in registry.person_channels() if channel.name in due])
        await engine.drained()
        await engine.close()
    await callback._door.drained()
    await callback._door.close()


def _json(answer: Any) -> Json:
    content: Json = json.loads(answer.content) if answer.content else {}
    return content
