"""Of whom large files are read: asked by the head of a request alone."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from notifications.api.frame import file_senders
from notifications.api.frame.file_senders import may_send_files
from notifications.connectors.credentials import revoke_keys
from notifications.models import ActionToken, ApiKey, Recipient
from tests.factories import NotificationFactory, RecipientFactory, UserFactory, action_token
from tests.support.api import Caller, browser_of, person_caller

API, ANSWER = "/api/v1/attachments", "/n/01a21062-53e4-7282-b2a7-c5c4818a655f/answer"


@pytest.fixture
def bob(db: None) -> Recipient:
    person: Recipient = RecipientFactory(ref="bob", user=UserFactory())
    return person


def bearer(caller: Caller) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), (b"authorization", f"Bearer {caller.key}".encode())]


def cookie(value: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", f"csrftoken=x; {settings.SESSION_COOKIE_NAME}={value}".encode())]


def session_of(person: Recipient) -> str:
    return str(browser_of(person).client.cookies[settings.SESSION_COOKIE_NAME].value)


def test_bob_may_where_he_is_signed_in(bob: Recipient) -> None:
    session = session_of(bob)
    assert may_send_files(ANSWER, cookie(session))
    assert may_send_files(API, cookie(session))
    Recipient.objects.filter(pk=bob.pk).update(active=False)
    assert not may_send_files(ANSWER, cookie(session))


def test_engines_and_people_may_with_a_key_that_works(engine: Caller, bob: Recipient) -> None:
    assert may_send_files(API, bearer(engine))
    assert may_send_files(API, [(b"x-api-key", engine.key.encode())])
    assert may_send_files(API, bearer(person_caller(bob)))
    assert not may_send_files(ANSWER, bearer(engine))  # pages know sessions only
    revoke_keys(ApiKey.objects.all(), timezone.now())
    assert not may_send_files(API, bearer(engine))


@pytest.mark.parametrize("path", [API, ANSWER, "/cases/1/messages", "/a/none"])
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Basic eDp5")],
        [(b"authorization", b"Bearer wfp_none")],
        [(b"x-api-key", b"\xff")],
        cookie("0123456789abcdef0123456789abcdef"),
        cookie("with\x00nul"),
    ],
)
def test_strangers_may_not(path: str, headers: list[tuple[bytes, bytes]], db: None) -> None:
    assert not may_send_files(path, headers)


def test_an_e_mail_is_known_by_the_token_in_its_address_as_long_as_that_lives(bob: Recipient) -> None:
    token = action_token(NotificationFactory(recipient=bob), expires_at=timezone.now() + timedelta(hours=1))
    assert may_send_files(f"/a/{token}", [])
    ActionToken.objects.update(expires_at=timezone.now())
    assert not may_send_files(f"/a/{token}", [])


def test_without_a_database_the_view_tells_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_key: str) -> None:
        raise DatabaseError

    monkeypatch.setattr(file_senders, "person_of_session", away)
    assert may_send_files(ANSWER, cookie("0123456789abcdef0123456789abcdef"))
