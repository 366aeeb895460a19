"""People who see a task in one way or another, press a button then or later, and an engine that changes it meanwhile.

What each of them saw is read from what was shown: pages, JSON, messages. What the engine is told has to be that.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any
from unittest.mock import patch

from django.test import Client
from django.utils import timezone

from notifications.connectors.base import Result
from notifications.delivery import device_messages
from notifications.engines import callback, calls, connected_accounts, returned_answers
from notifications.engines.returned_answers import take_back
from notifications.errors import Failure
from notifications.items import action_tokens
from notifications.models import (
    ANSWERABLE,
    AnswerMapping,
    Callback,
    CallbackState,
    Delivery,
    DeliveryState,
    Event,
    EventStatus,
    Notification,
    NotificationState,
    Recipient,
    Response,
    Task,
    TaskContent,
)
from notifications.models.responses import UNKNOWN
from notifications.reasons import said
from notifications.routing import pipeline
from notifications.types import Json
from tests.factories import RecipientFactory
from tests.inbox.browser import Page, get, signed_in
from tests.support.api import Caller, person_caller
from tests.support.callbacks import claimed
from tests.support.story import Story

LANGUAGES = ["en", "de", "fr", "es"]
FORM = {"schema": {"type": "object", "properties": {"note": {"type": "string"}}}}
WAYS = ["page", "list", "several", "api", "app", "lock screen", "phone", "mail", "mail page", "offline"]
ENGINE = ["done", "refused", "away", "silent", "account missing", "nothing"]
RESULTS = {
    "done": Result("done", 200),
    "refused": Result("refused", 422, said("There is no budget.")),
    "away": Result("later", None, said("refused"), down=True),
    "silent": Result("later", None, said("timed out"), unsure=True, down=True),
}
NO_ACCOUNT = connected_accounts.NotConnected(said("Bob has to connect his account."))


@dataclass(frozen=True)
class Seen:
    """What somebody saw: the amount in cents, and the title."""

    cents: int
    title: str


@dataclass
class Press:
    """A button that somebody may press: it gives the status, and what the reply shows. `asked`: all that the task asked
    when it was shown."""

    way: str
    asked: Json
    seen: Seen
    press: Callable[[], tuple[int, str]]


def cents(text: str) -> int:
    """“€1,200.50”, “1.200,50 €”."""
    return int(re.sub(r"\D", "", text) or 0)


@dataclass
class World:
    """One task at a time."""

    random: Random
    story: Story = field(default_factory=Story.begin)
    people: list[Recipient] = field(default_factory=list)
    number: int = 0
    minute: int = 0
    waiting: list[Press] = field(default_factory=list)
    answered: dict[str, Press] = field(default_factory=dict)
    told: int = 0
    refused: int = 0
    browsers: dict[str, Client] = field(default_factory=dict)
    apps: dict[str, Caller] = field(default_factory=dict)

    def __post_init__(self) -> None:
        AnswerMapping.objects.create(
            engine=self.story.engine, action="approve", variables={"paid": "{{ variables.amount }}"}
        )
        self.people = [self.story.bob, self.story.carol]
        self.people += [RecipientFactory(ref=f"p-{each}", name=each, locale=each) for each in LANGUAGES]
        self.people.append(RecipientFactory(ref="erin", name="Erin", engine=self.story.engine))  # a customer
        self.browsers = {each.ref: signed_in(each) for each in self.people}
        self.apps = {each.ref: person_caller(each) for each in self.people}

    @property
    def task_id(self) -> str:
        return f"T-{self.number}"

    @property
    def task(self) -> Task:
        return self.story.task(self.task_id)

    def amount(self) -> float:
        return self.random.randrange(100, 9_999_999) / 100

    def move(self) -> None:
        """Mostly what matters next: while an answer waits, it is not looked at again."""
        if Callback.objects.filter(task=self.task, state=CallbackState.WAITING).exists():
            moves = [self.update, self.update, self.undo, self.tell, self.press]
        else:
            moves = [self.update, self.look, self.press, self.press] if self.waiting else [self.look]
        self.random.choice(moves)()

    # --- the engine changes it ----------------------------------------------------------------------------------------
    def assign(self) -> None:
        self.number += 1
        self.waiting = []
        data: Json = {
            "task": {"id": self.task_id, "name": "Pay Good Ltd", "kind": "approval", "candidates": self._some()},
            "variables": {"amount": self.amount(), "currency": "EUR"},
        }
        self.story.happen("task.assigned", data, minute=self.minute)

    def _some(self) -> list[str]:
        return [each.ref for each in self.random.sample(self.people, 3)]

    def update(self) -> None:
        task: Json = {"id": self.task_id}
        kind = self.random.choice(
            ["amount", "amount", "amount", "name", "due", "priority", "documents", "actions", "form", "people"]
        )
        data: Json = {"task": task}
        if kind == "amount":
            data["variables"] = {"amount": self.amount()}
        elif kind == "people":
            return self.send("task.assigned", {"task": {**task, "name": self.task.name, "candidates": self._some()}})
        elif kind == "documents":
            data["documents"] = [{"title": "Invoice", "url": f"https://engine.example/{self.random.random()}"}]
        else:
            task |= {
                "name": {"name": f"Pay {self.random.choice(['Good', 'Evil', 'Other'])} Ltd"},
                "due": {"due_at": "2027-01-01T10:00:00Z"},
                "priority": {"priority": self.random.choice(["low", "high", "urgent"])},
                "actions": {"actions": self.random.choice([["approve", "reject"], ["approve", "reject", "return"]])},
                "form": {"form": self.random.choice([None, FORM])},
            }[kind]
        return self.send("task.updated", data)

    def send(self, type: str, data: Json) -> None:
        """Mostly it is processed before somebody looks again."""
        self.minute += 1
        self.story.send(type, data, minute=self.minute)
        if self.random.random() < 0.9:
            self.work()

    def work(self) -> None:
        pipeline.drain()
        if self.random.random() < 0.5:  # else the process has died before it looked
            returned_answers.look_at([self.task.pk], timezone.now())
            pipeline.drain()

    # --- people see it ------------------------------------------------------------------------------------------------
    def look(self) -> None:
        copies = Notification.objects.filter(task=self.task, state=NotificationState.OPEN).select_related("recipient")
        copy = self.random.choice([*copies] or [None])
        if copy is None:
            return
        way = self.random.choice(WAYS)
        found = getattr(self, f"_by_{way.replace(' ', '_')}")(copy)
        if found is not None:
            self.waiting.append(Press(way, self._asked(), *found))

    def _asked(self) -> Json:
        task = self.task
        said, documents = task.data["task"].get("form"), task.data.get("documents")
        parts = {"name": task.name, "form": said, "documents": documents, "actions": task.actions}
        return {name: value for name, value in parts.items() if value}

    def _by_page(self, copy: Notification) -> Any:
        page = get(self.browsers[copy.recipient.ref], f"/n/{copy.pk}")
        seen = Seen(cents(_of(page, "first")), page.part("title"))
        return seen, lambda: _pressed(page.press(_button(page)))

    def _by_list(self, copy: Notification) -> Any:
        page = get(self.browsers[copy.recipient.ref], "/")
        card = page.tree.xpath(f"//li[@id='n-{copy.pk}']")
        if not card or not card[0].xpath(".//button[@value='approve']"):
            return None
        amount, title = (card[0].xpath(f".//*[@data-slot='{name}']")[0].text_content() for name in ("first", "title"))
        button = card[0].xpath(".//button[@value='approve']")[0]
        return Seen(cents(amount), title.strip()), lambda: _pressed(page._submit(button, {"from": "list"}))

    def _by_several(self, copy: Notification) -> Any:
        page = get(self.browsers[copy.recipient.ref], f"/several?n={copy.pk}")
        if not page.tree.xpath("//button[@value='approve']"):
            return None
        seen = Seen(
            cents(page.tree.xpath("//p[@class='sum']")[0].text_content()),
            page.tree.xpath("//ol//a")[0].text_content().strip(),
        )
        return seen, lambda: _pressed(page._submit(page.tree.xpath("//button[@value='approve']")[0], {}))

    def _by_api(self, copy: Notification, **more: Any) -> Any:
        caller, path = self.apps[copy.recipient.ref], f"/api/v1/notifications/{copy.pk}"
        shown = caller.get(path).json()
        body = {"action": "approve", "revision": shown["revision"]}
        return _seen(shown), lambda: _replied(caller.post(f"{path}/responses", body, **more))

    def _by_app(self, copy: Notification) -> Any:
        """An app from before there were revisions."""
        caller, path = self.apps[copy.recipient.ref], f"/api/v1/notifications/{copy.pk}"
        shown = caller.get(path).json()
        first = TaskContent.objects.filter(task=copy.task_id, revision=copy.revision).exists()
        assert first
        return _seen(shown), lambda: _replied(caller.post(f"{path}/responses", {"action": "approve"}))

    def _by_offline(self, copy: Notification) -> Any:
        return self._by_api(copy, idempotency_key=f"key-{copy.pk}-{len(self.waiting)}")

    def _message(self, copy: Notification, channel: str) -> Any:
        row = Delivery.objects.create(
            event_id=copy.event_id,
            notification=Notification.objects.get(pk=copy.pk),
            recipient=copy.recipient,
            channel=channel,
            address=str(self.random.random()),
            state=DeliveryState.DELIVERED,
            created_at=timezone.now(),
        )
        (token,) = action_tokens.give([(row, ["approve", "reject"])], timezone.now())
        shown = device_messages.replacement(row, token, timezone.now()).message
        return token, Seen(cents(shown.glance.split(" · ")[0]), shown.title)

    def _by_lock_screen(self, copy: Notification) -> Any:
        token, seen = self._message(copy, "webpush")
        return seen, lambda: _replied(Caller().post("/api/v1/responses", {"token": token, "action": "approve"}))

    def _by_phone(self, copy: Notification) -> Any:
        token, seen = self._message(copy, "fcm")
        return seen, lambda: _replied(Caller().post("/api/v1/responses", {"token": token, "action": "approve"}))

    def _by_mail(self, copy: Notification) -> Any:
        token, seen = self._message(copy, "email")
        return seen, lambda: _replied(Caller().post("/api/v1/responses", {"token": token, "action": "approve"}))

    def _by_mail_page(self, copy: Notification) -> Any:
        token, _seen_in_mail = self._message(copy, "email")
        page = get(Caller().client, f"/a/{token}")
        if not page.tree.xpath("//button[@value='approve']"):
            return None
        seen = Seen(cents(_of(page, "first")), page.tree.xpath("//h1")[0].text_content().strip())
        return seen, lambda: _pressed(page._submit(page.tree.xpath("//button[@value='approve']")[0], {}))

    # --- and press ----------------------------------------------------------------------------------------------------
    def press(self) -> None:
        if not self.waiting:
            return
        chosen = self.random.choice(self.waiting)
        before = set(Response.objects.filter(task=self.task).values_list("pk", flat=True))
        status, shown = chosen.press()
        assert status < 500, (chosen.way, status, shown)
        for pk in set(Response.objects.filter(task=self.task).values_list("pk", flat=True)) - before:
            self.answered[str(pk)] = chosen
        if status == 409 and '"changed"' in shown:
            self.refused += 1
            reply = json.loads(shown)
            lock_screen = chosen.way in ("lock screen", "phone", "mail")
            assert reply["notification"]["title"] and (reply["changes"] or lock_screen), reply
            assert any(each["before"] != each["now"] or each["label"] for each in reply["changes"])

    def undo(self) -> None:
        given = (
            Response.objects.filter(task=self.task, effect="final", counts=True).select_related("notification").first()
        )
        if given is not None:
            try:
                take_back(given.notification, timezone.now())
            except Failure:
                return
            self.work()

    # --- the engine is told -------------------------------------------------------------------------------------------
    def tell(self, outcome: str = "") -> None:
        if self.random.random() < 0.7:
            Callback.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=1))
        outcome = outcome or self.random.choice(ENGINE)
        if outcome == "nothing":
            return None
        callback._door.breaker = calls.new_breaker()
        if outcome == "account missing":
            with patch.object(connected_accounts, "tokens_for", side_effect=NO_ACCOUNT):
                assert not claimed()
            return self.work()
        for each, _call in claimed():
            if outcome != "away":  # a refused connection tells nobody anything
                self.check(each)
            callback.record(each, RESULTS[outcome], timezone.now())
        return self.work()

    def check(self, call: Callback) -> None:
        """What the engine hears is what was seen."""
        data, press = json.loads(call.body)["data"], self.answered[str(call.pk)]
        seen = press.seen
        content = TaskContent.objects.get(task=call.task_id, revision=data["revision"]).content
        assert data["action"] == "approve"
        assert round(float(data["variables"]["paid"]) * 100) == seen.cents, (data, seen)
        assert (round(content["values"]["variables.amount"] * 100), content["name"]) == (seen.cents, seen.title)
        assert {name: value for name, value in content.items() if name not in ("values", "description")} == press.asked
        if not call.attempt_log.filter(UNKNOWN).exclude(number=call.attempts).exists():
            kept = Event.objects.filter(task=call.task_id, status=EventStatus.KEPT).order_by("id")
            amounts = [event.data["variables"]["amount"] for event in kept if event.data.get("variables")]
            names = [name for event in kept if (name := event.data["task"].get("name"))]
            assert round([seen.cents / 100, *amounts][-1] * 100) == seen.cents, amounts
            assert [seen.title, *names][-1] == seen.title, names
        self.told += 1

    def finish(self) -> None:
        """Everything that waits ends: nothing is lost, and no update is forgotten."""
        for _ in range(8):
            waiting = Callback.objects.filter(due_at__isnull=False)
            if not waiting.update(due_at=timezone.now() - timedelta(seconds=1)):
                break
            pipeline.drain()
            self.tell("done")
        pipeline.drain()
        task = self.task
        calls = Callback.objects.filter(task=task)
        assert not calls.filter(state=CallbackState.WAITING).exists()
        left = Event.objects.filter(task=task, status__in=(EventStatus.KEPT, EventStatus.ACCEPTED))
        assert not left.exists(), list(left)
        if task.state in ANSWERABLE:
            sent = Event.objects.filter(task=task, data__variables__has_key="amount").order_by("time").last()
            assert sent is not None and task.data["variables"]["amount"] == sent.data["variables"]["amount"]
        assert calls.filter(state=CallbackState.DELIVERED, response__effect="final").count() <= 1


def _seen(shown: Json) -> Seen:
    return Seen(round(shown["key_facts"][0]["value"] * 100), shown["title"])


def _of(page: Page, slot: str) -> str:
    return str(page.tree.xpath(f"//article//*[@data-slot='{slot}']")[0].text_content())


def _button(page: Page) -> str:
    found = page.tree.xpath("//article//button[@value='approve']")
    return " ".join(found[0].text_content().split()) if found else "none"


def _pressed(page: Page) -> tuple[int, str]:
    return page.status, page.text


def _replied(response: Any) -> tuple[int, str]:
    return response.status_code, response.content.decode()
