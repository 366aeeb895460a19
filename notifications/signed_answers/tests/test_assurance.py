"""How somebody signed in is recorded with their answers: password, identity provider, passkey, or unknown."""

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.utils import user_pk_to_url_str
from django.test import Client
from django.utils import timezone

from notifications.models import Callback, Recipient, Response
from notifications.people import recipient_tokens
from notifications.second_factors.tests.authenticator import SoftAuthenticator
from notifications.second_factors.tests.factors import add_app, code, give_code, give_password
from notifications.second_factors.tests.test_passkeys import sign_in_options
from notifications.sign_on.adapters import _assurance
from notifications.signed_answers.tests.signer import HERE, HOST, JSON, give_passkey, post
from tests.factories import PASSWORD, action_token
from tests.inbox.browser import get, signed_in
from tests.support.story import Story

pytestmark = pytest.mark.django_db


def assurances(browser: Client, story: Story) -> list[str | None]:
    """Bob approves in this browser. Return the assurance of the reply, the row and the callback."""
    story.assign()
    item = story.copy(story.bob)
    browser.get("/")
    reply = post(browser, f"/api/v1/notifications/{item.pk}/responses", {"action": "approve"}).json()
    data = json.loads(Callback.objects.get().body)["data"]
    return [reply["assurance"], Response.objects.get().assurance or None, data["assurance"]]


@pytest.fixture
def bob(story: Story) -> Recipient:
    return story.bob


def test_a_password(bob: Recipient, story: Story) -> None:
    browser = Client()
    give_password(browser, "bob")
    assert assurances(browser, story) == ["password"] * 3
    assert "Bob approved it (signed in with a password)" in get(browser, f"/n/{story.copy(bob).pk}").part("history")


def test_a_password_at_the_desk(bob: Recipient, story: Story) -> None:
    bob.user.is_staff = True  # type: ignore[union-attr]
    bob.user.save()  # type: ignore[union-attr]
    browser = Client()
    browser.post("/admin/login/?next=/admin/", {"username": "bob", "password": PASSWORD})
    assert assurances(browser, story) == ["password"] * 3


def test_a_password_with_the_code_of_an_app(bob: Recipient, story: Story) -> None:
    secret = add_app(bob.user)  # type: ignore[arg-type]
    browser = Client()
    give_password(browser, "bob")
    give_code(browser, code(secret))
    assert assurances(browser, story) == ["password"] * 3


def test_a_passkey(bob: Recipient, story: Story) -> None:
    key, browser = SoftAuthenticator(HERE, HOST), Client()
    give_passkey(bob.user, key)  # type: ignore[arg-type]
    key.user = user_pk_to_url_str(bob.user).encode()
    browser.post("/sign-in/passkey", {"credential": key.get(sign_in_options(browser))})
    assert assurances(browser, story) == ["passkey"] * 3


@pytest.mark.parametrize(
    ("records", "assurance"),
    [
        ([{"method": "socialaccount"}], "sso"),
        ([{"method": "password"}, {"method": "mfa", "type": "webauthn"}], "passkey"),
        ([{"method": "password"}, {"method": "mfa", "type": "totp"}], "password"),
        ([{"method": "link"}, {"method": "mfa", "type": "totp"}], ""),
        ([{"method": "link"}], ""),
        ([], ""),
    ],
    ids=str,
)
def test_what_django_allauth_recorded_of_the_sign_in(records: Any, assurance: str) -> None:
    assert _assurance(records) == assurance


def test_a_link_says_nothing(story: Story) -> None:
    assert assurances(signed_in(story.bob), story) == [None] * 3


def test_tokens_of_people_and_messages_say_nothing(bob: Recipient, story: Story) -> None:
    story.assign("T-1")
    story.assign("T-2")
    one, other = story.copy(bob, "T-1"), story.copy(bob, "T-2")
    _row, token = recipient_tokens.new_token(bob, label="script", now=timezone.now())
    program: Any = Client(headers={"Authorization": f"Bearer {token}"})
    assert program.post(f"/api/v1/notifications/{one.pk}/responses", {"action": "approve"}, **JSON).status_code == 201
    token = action_token(other, expires_at=timezone.now() + timedelta(days=1))
    assert program.post("/api/v1/responses", {"token": token, "action": "approve"}, **JSON).json()["assurance"] is None
    assert set(Response.objects.values_list("assurance", flat=True)) == {""}
