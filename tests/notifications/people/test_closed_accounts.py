"""Closing an account, a new password or deactivating the person ends every way in.

However it is done: with the ORM behind our back, as shells, bulk actions and fixtures do, or as the desk does.
"""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from itertools import count
from typing import Any

import pytest
from django.conf import settings as project
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from notifications.channels.base import LEASE
from notifications.delivery import claims, device_messages, person_messages
from notifications.delivery.claims import Busy
from notifications.inbox import consumers
from notifications.models import (
    Callback,
    Delivery,
    Device,
    Notification,
    Recipient,
    RecipientToken,
    Response,
)
from notifications.people import devices, revocation
from notifications.types import NewAddress
from tests.factories import PASSWORD, NotificationFactory, action_token, sign_in_link
from tests.inbox.browser import signed_in
from tests.support.api import Caller, browser_of, engine_caller, is_problem, person_caller
from tests.support.length import some
from tests.support.story import Story
from tests.support.webpush import Browser
from wfpush.queue import outbox

pytestmark = pytest.mark.django_db
SOON = timedelta(hours=1)
WEAK = ["MD5PasswordHasher"]
APPROVE = {"action": "approve"}


class Doors:
    """Every way by which Bob gets in, with a copy of a task of its own behind each that answers."""

    def __init__(self, bob: Recipient, story: Story) -> None:
        self.bob, self.story, self.numbers = bob, story, count(1)
        self.app, self.browser = person_caller(bob), signed_in(bob)
        self.token = RecipientToken.objects.get(recipient=bob)
        self.phone = self.device(session="", token=self.token)
        self.firefox = self.device(session=devices.session_digest(self.browser.session.session_key))
        self.lock_screen, self.mail = self.answerable(self.phone), self.answerable(None)
        self.link = sign_in_link(bob, expires_at=timezone.now() + SOON)
        self.copy = NotificationFactory(recipient=bob)
        self.to_push, self.to_mail = self.message(self.phone), self.message(None)

    def device(self, session: str, token: RecipientToken | None = None) -> Device:
        new = NewAddress("webpush", f"https://push.example/{next(self.numbers)}", "endpoint", "BSender")
        return devices.register(self.bob, new, name="It", session=session, token=token, now=timezone.now())[0]

    def answerable(self, device: Device | None) -> str:
        """The token of a message that the device, or the mailbox, shows."""
        copy: Notification = NotificationFactory(recipient=self.bob, answer_from_email=True)
        token = action_token(copy, expires_at=timezone.now() + timedelta(days=30))
        channel = "webpush" if device else "email"
        Delivery.objects.filter(notification=copy).update(channel=channel, device=device, state="delivered")
        return token

    def message(self, device: Device | None) -> Delivery:
        """A message that is due."""
        copy: Notification = NotificationFactory(recipient=self.bob)
        action_token(copy, expires_at=timezone.now() + SOON)
        channel = "webpush" if device else "email"
        Delivery.objects.filter(notification=copy).update(channel=channel, device=device, due_at=timezone.now())
        return Delivery.objects.get(notification=copy)

    def pushed(self) -> bool:
        return bool(
            device_messages.for_deliveries(claims.for_all(["webpush"], 10, Busy(), timezone.now()), timezone.now())
        )

    def mailed(self) -> bool:
        now, due = timezone.now(), claims.waiting(["email"])
        rows = outbox.claim(due, limit=10, lease=LEASE, now=now)
        return bool(any(person_messages.for_deliveries([rows], "", now)))

    def socket_of_the_token(self) -> bool:
        return consumers.usable_token(self.token.digest) is not None

    def socket_of_the_session(self) -> bool:
        key = self.browser.cookies[project.SESSION_COOKIE_NAME].value
        return consumers.recipient_of_cookies({project.SESSION_COOKIE_NAME: key}) is not None

    def registers(self, caller: Caller) -> bool:
        there = Browser().address(f"https://updates.push.services.mozilla.com/{next(self.numbers)}")
        keys = {"p256dh": there.p256dh, "auth": there.auth}
        body = {"channel": "webpush", "subscription": {"endpoint": there.address, "expirationTime": None, "keys": keys}}
        return caller.post("/api/v1/subscriptions", body).status_code == 201

    def answers(self, caller: Caller) -> bool:
        copy = NotificationFactory(recipient=self.bob)
        return caller.post(f"/api/v1/notifications/{copy.pk}/responses", APPROVE).status_code == 201

    def presses(self, token: str) -> bool:
        return Caller().post("/api/v1/responses", {"token": token, **APPROVE}).status_code == 201

    def answers_by_mail(self) -> bool:
        Client().post(f"/a/{self.mail}", APPROVE)
        return Response.objects.filter(via="email").exists()

    def all(self) -> dict[str, Callable[[], bool]]:
        session = Caller(client=self.browser)
        return {
            "the token lists": lambda: self.app.get("/api/v1/notifications").status_code == 200,
            "the token registers a device": lambda: self.registers(self.app),
            "the token answers": lambda: self.answers(self.app),
            "the token opens a socket": self.socket_of_the_token,
            "the session reads": lambda: self.browser.get("/").status_code == 200,
            "the session lists": lambda: session.get("/api/v1/notifications").status_code == 200,
            "the session opens a socket": self.socket_of_the_session,
            "a push message is made": self.pushed,
            "the lock screen answers": lambda: self.presses(self.lock_screen),
            "the e-mail's page opens": lambda: Client().get(f"/a/{self.mail}").status_code == 200,
            "the e-mail answers": self.answers_by_mail,
            "the link is good": lambda: Client().get(f"/link/{self.link}").status_code == 200,
        }

    def open(self) -> set[str]:
        return {name for name, passes in self.all().items() if passes()}


def closed(bob: Recipient) -> None:
    User.objects.filter(pk=bob.user_id).update(is_active=False)


def closed_by_saving(bob: Recipient) -> None:
    user = User.objects.get(pk=bob.user_id)
    user.is_active = False
    user.save()


def deleted(bob: Recipient) -> None:
    User.objects.filter(pk=bob.user_id).delete()


def new_password(bob: Recipient) -> None:
    user = User.objects.get(pk=bob.user_id)
    user.set_password("another long walk")
    user.save()


def new_password_behind_our_back(bob: Recipient) -> None:
    User.objects.filter(pk=bob.user_id).update(password=make_password("another long walk"))


def new_password_by_command(bob: Recipient) -> None:
    call_command("create_person", bob.ref, password="another long walk", stdout=StringIO())


def deactivated(bob: Recipient) -> None:
    Recipient.objects.filter(pk=bob.pk).update(active=False)


def another_user(bob: Recipient) -> None:
    Recipient.objects.filter(pk=bob.pk).update(user=User.objects.create_user("robert", password=PASSWORD))


def settled_new_password(bob: Recipient) -> None:
    new_password(bob)
    revocation.settle(bob.pk, timezone.now())


GONE = [closed, closed_by_saving, deleted, deactivated]
ENDINGS = [*GONE, new_password, new_password_behind_our_back, new_password_by_command, another_user]


@pytest.fixture
def story() -> Story:
    return Story.begin()


@pytest.fixture
def doors(story: Story) -> Doors:
    return Doors(story.bob, story)


def test_all_doors_are_open_to_who_may_come_in(doors: Doors) -> None:
    assert doors.open() == set(doors.all())


@pytest.mark.parametrize("end", some(ENDINGS, 4))
def test_no_door_is_open_after_it(doors: Doors, end: Callable[[Recipient], None]) -> None:
    end(doors.bob)

    assert doors.open() == set()
    assert not Callback.objects.exists(), "no engine hears of it"


@pytest.mark.parametrize("end", some(ENDINGS, 4))
def test_the_sweep_ends_what_nobody_tried(doors: Doors, end: Callable[[Recipient], None]) -> None:
    end(doors.bob)
    revocation.sweep(timezone.now())

    assert not Device.objects.filter(recipient=doors.bob).exists()
    assert RecipientToken.objects.get().revoked_at is not None
    assert doors.open() == set()
    assert revocation.sweep(timezone.now()) == 0, "once"


@pytest.mark.parametrize("opened", ["sweeps", "does not sweep"])
def test_an_account_that_is_opened_again_opens_none_of_its_old_doors(doors: Doors, opened: str) -> None:
    closed(doors.bob)
    assert revocation.sweep(timezone.now()) == 1
    User.objects.filter(pk=doors.bob.user_id).update(is_active=True)
    if opened == "sweeps":
        revocation.sweep(timezone.now())

    assert doors.open() == set()
    app = person_caller(Recipient.objects.get(pk=doors.bob.pk))
    revocation.sweep(timezone.now())
    assert Client().post("/sign-in", {"username": "bob", "password": PASSWORD}).status_code == 302
    assert opened == "does not sweep" or app.get("/api/v1/notifications").status_code == 200


@pytest.mark.parametrize("end", GONE)
def test_nothing_is_mailed_to_a_closed_account(doors: Doors, end: Callable[[Recipient], None]) -> None:
    end(doors.bob)
    if end is deleted:
        return  # a person without an account is told by e-mail
    assert not doors.mailed()
    doors.to_mail.refresh_from_db()
    assert (doors.to_mail.state, doors.to_mail.reason) in {
        ("suppressed", "The account was closed"),
        ("suppressed", "No longer active"),
    }


def test_the_engine_gives_no_way_in_to_a_closed_account(doors: Doors) -> None:
    closed(doors.bob)
    engine = engine_caller(doors.story.engine)
    for way in ("tokens", "links"):
        assert engine.post(f"/api/v1/recipients/bob/{way}", {}).status_code == 403


def test_the_others_notice_nothing(story: Story) -> None:
    carol = Doors(story.carol, story)
    closed(story.bob)
    revocation.sweep(timezone.now())

    assert carol.open() == set(carol.all())


@pytest.mark.parametrize("end", some([*ENDINGS, settled_new_password], 3))
@pytest.mark.parametrize("way", ["app", "browser"])
def test_no_device_is_registered_for_who_is_put_out_meanwhile(
    doors: Doors, end: Callable[[Recipient], None], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = doors.app if way == "app" else browser_of(doors.bob)
    assert doors.registers(caller)
    known = set(Device.objects.values_list("pk", flat=True))
    once_let_in(lambda: end(doors.bob), monkeypatch)

    assert not doors.registers(caller)
    assert set(Device.objects.values_list("pk", flat=True)) <= known


@pytest.mark.parametrize("end", some([*ENDINGS, settled_new_password], 3))
def test_no_token_is_given_to_who_is_put_out_meanwhile(
    doors: Doors, end: Callable[[Recipient], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = browser_of(doors.bob)
    once_let_in(lambda: end(doors.bob), monkeypatch)

    answer = caller.post("/api/v1/tokens", {"label": "App"})
    assert is_problem(answer, 401, "unauthenticated"), answer.content
    assert not RecipientToken.objects.exclude(pk=doors.token.pk).exists()


def once_let_in(happens: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is let in and settled: now something happens, and then they get what they asked for."""
    settle = revocation.settle

    def settled(*given: Any) -> bool:
        found = settle(*given)
        monkeypatch.setattr(revocation, "settle", settle)
        happens()
        return found

    monkeypatch.setattr(revocation, "settle", settled)


def test_an_account_given_to_somebody_who_has_a_token_ends_nothing(story: Story) -> None:
    dora = Recipient.objects.create(ref="dora")
    app = person_caller(dora)
    Recipient.objects.filter(pk=dora.pk).update(user=User.objects.create_user("dora", password=PASSWORD))
    revocation.sweep(timezone.now())

    assert app.get("/api/v1/notifications").status_code == 200


def test_a_hash_made_stronger_at_sign_in_is_no_new_password(doors: Doors, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}" for name in ("PBKDF2PasswordHasher", *WEAK)]
    weak = make_password(PASSWORD, hasher="md5")
    User.objects.filter(pk=doors.bob.user_id).update(password=weak)
    revocation.sweep(timezone.now())
    app = person_caller(Recipient.objects.get(pk=doors.bob.pk))

    assert Client().post("/sign-in", {"username": "bob", "password": PASSWORD}).status_code == 302
    assert User.objects.get(pk=doors.bob.user_id).password != weak, "it was made stronger"
    assert app.get("/api/v1/notifications").status_code == 200


def test_external_people_are_signed_out_for_good_by_being_deactivated(story: Story) -> None:
    erin = Recipient.objects.create(ref="C-9", engine=story.engine)
    browser = Client()
    browser.post(f"/link/{sign_in_link(erin, expires_at=timezone.now() + SOON)}")
    assert browser.get("/").status_code == 200
    Recipient.objects.filter(pk=erin.pk).update(active=False)
    revocation.sweep(timezone.now())
    Recipient.objects.filter(pk=erin.pk).update(active=True)
    revocation.sweep(timezone.now())

    assert browser.get("/").status_code == 302
