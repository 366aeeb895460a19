"""Who may call: wrong, revoked and expired keys are all the same; nothing of a key gets into a log."""

import logging
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.api.frame import authentication
from notifications.models import ApiKey, Engine, RecipientToken, Scope
from tests.factories import BrandFactory, EngineFactory, NotificationFactory, RecipientFactory
from tests.support.api import Caller, assigned, browser_of, engine_caller, is_problem, person_caller
from wfpush.crypto import new_api_key, new_recipient_token
from wfpush.observability.logging import QuietStreamHandler

ENGINES_OWN = [
    ("POST", "/api/v1/events"),
    ("POST", "/api/v1/engines/invoices/events"),
    ("GET", "/api/v1/events/01930000-0000-7000-8000-000000000000"),
    ("GET", "/api/v1/tasks/T-42"),
    ("PUT", "/api/v1/recipients/bob"),
    ("POST", "/api/v1/recipients/bob/tokens"),
    ("POST", "/api/v1/recipients/bob/links"),
    ("PUT", "/api/v1/teams/finance"),
]
PEOPLES_OWN = [
    ("GET", "/api/v1/notifications"),
    ("GET", "/api/v1/notifications/01930000-0000-7000-8000-000000000000"),
    ("POST", "/api/v1/notifications/01930000-0000-7000-8000-000000000000/read"),
    ("POST", "/api/v1/notifications/01930000-0000-7000-8000-000000000000/responses"),
    ("POST", "/api/v1/notifications/read"),
    ("PUT", "/api/v1/cases/4711/follow"),
    ("DELETE", "/api/v1/cases/4711/follow"),
    *([("GET", "/api/v1/absence")] if "absences" in settings.FEATURES else []),
    ("GET", "/api/v1/preferences"),
    ("GET", "/api/v1/subscriptions"),
    ("POST", "/api/v1/subscriptions"),
    ("POST", "/api/v1/tokens"),
    ("DELETE", "/api/v1/tokens/current"),
]


def spoiled(key: str, how: str) -> str:
    """A key that no longer works, or never did."""
    if how == "revoked":
        ApiKey.objects.update(revoked_at=timezone.now())
    elif how == "expired":
        ApiKey.objects.update(expires_at=timezone.now())
    elif how == "of an engine that is off":
        Engine.objects.update(active=False)
    elif how == "unknown":
        return new_api_key().key
    elif how == "cut":
        return key[:-1]
    return key


@pytest.mark.parametrize("how", ["revoked", "expired", "of an engine that is off", "unknown", "cut"])
def test_keys_that_do_not_work_are_all_the_same(engine: Caller, how: str) -> None:
    answer = Caller(spoiled(engine.key, how)).send(assigned())

    assert is_problem(answer, 401, "unauthenticated")
    assert answer.content == Caller().send(assigned()).content
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \u00fc\u00ff"},
        {"Authorization": "wfp_x"},
        {"Authorization": "Bearer eyJhbGciOi.x.y"},
        {"X-API-Key": "x"},
        {"X-API-Key": ""},
    ],
)
def test_other_credentials_are_refused_alike(db: None, headers: dict[str, str]) -> None:
    assert is_problem(Client().post("/api/v1/events", headers=headers), 401, "unauthenticated")
    assert is_problem(Client().get("/api/v1/notifications", headers=headers), 401, "unauthenticated")


def test_a_key_may_stand_in_its_own_header(engine: Caller) -> None:
    assert Caller().send(assigned(), x_api_key=engine.key).status_code == 202


def test_a_persons_token_does_not_stand_in_the_engines_header(db: None) -> None:
    token = person_caller(RecipientFactory()).key

    assert is_problem(Client().get("/api/v1/notifications", headers={"X-API-Key": token}), 401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), ENGINES_OWN)
def test_people_may_not_do_what_engines_do(invoices: Engine, method: str, path: str) -> None:
    person = RecipientFactory()

    assert is_problem(person_caller(person).call(method, path), 403, "scope_missing")
    assert is_problem(browser_of(person).call(method, path), 401, "unauthenticated")
    assert is_problem(Caller().call(method, path), 401, "unauthenticated")


@pytest.mark.parametrize(("method", "path"), PEOPLES_OWN)
def test_engines_may_not_do_what_people_do(engine: Caller, method: str, path: str) -> None:
    assert is_problem(engine.call(method, path), 403, "scope_missing")
    assert is_problem(Caller().call(method, path), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("POST", "/api/v1/events", {"events"}),
        ("GET", "/api/v1/tasks/T-42", {"events"}),
        ("PUT", "/api/v1/recipients/C-9", {"people", "directory"}),
        ("POST", "/api/v1/recipients/C-9/tokens", {"tokens"}),
        ("POST", "/api/v1/recipients/C-9/links", {"tokens"}),
        ("PUT", "/api/v1/teams/finance", {"directory"}),
    ],
)
def test_each_call_asks_for_its_scope(invoices: Engine, method: str, path: str, scopes: set[str]) -> None:
    for scope in Scope.values:
        answer = engine_caller(invoices, [scope]).call(method, path, {"external": True})
        if scope in scopes:
            assert answer.status_code != 403
        else:
            assert is_problem(answer, 403, "scope_missing")


def test_a_token_that_was_revoked_or_is_past_its_time_or_whose_person_is_gone_is_refused(db: None) -> None:
    person = RecipientFactory()
    caller = person_caller(person)
    assert caller.get("/api/v1/notifications").status_code == 200

    for spoil in (
        lambda: RecipientToken.objects.update(expires_at=timezone.now()),
        lambda: RecipientToken.objects.update(expires_at=timezone.now() + timedelta(days=1), revoked_at=timezone.now()),
        lambda: RecipientToken.objects.update(revoked_at=None) and type(person).objects.update(active=False),
    ):
        spoil()
        assert is_problem(caller.get("/api/v1/notifications"), 401, "unauthenticated")
    assert is_problem(Caller(new_recipient_token()).get("/api/v1/notifications"), 401, "unauthenticated")


# --- sessions -------------------------------------------------------------------------------------
def test_changes_by_session_need_the_csrf_token(db: None) -> None:
    copy = NotificationFactory()
    browser = browser_of(copy.recipient, checks_csrf=True)
    path = f"/api/v1/notifications/{copy.pk}/read"

    assert browser.get("/api/v1/notifications").status_code == 200
    assert is_problem(browser.post(path), 403, "csrf_failed")
    browser.get("/")
    token = browser.client.cookies["csrftoken"].value
    assert browser.post(path, x_csrftoken=token).status_code == 204


def test_a_token_needs_no_csrf_token_even_beside_a_session(db: None) -> None:
    copy = NotificationFactory()
    browser = browser_of(RecipientFactory(), checks_csrf=True)
    browser.key = person_caller(copy.recipient).key

    assert browser.post(f"/api/v1/notifications/{copy.pk}/read").status_code == 204


# --- other engines' objects -----------------------------------------------------------------------
def test_what_belongs_to_another_engine_is_not_there(engine: Caller) -> None:
    trace = engine.send(assigned()).headers["Location"].removeprefix("http://127.0.0.1:8000")
    claims = engine_caller(EngineFactory(slug="claims"))

    assert engine.get(trace).status_code == 200
    assert is_problem(claims.get(trace), 404, "not_found")
    assert is_problem(claims.get("/api/v1/tasks/T-42"), 404, "not_found")
    assert is_problem(claims.post("/api/v1/engines/invoices/events", assigned()), 404, "not_found")
    assert is_problem(claims.post("/api/v1/engines/nobody/events", assigned()), 404, "not_found")


def test_no_key_gets_into_a_log(engine: Caller, caplog: pytest.LogCaptureFixture) -> None:
    ours = next(handler for handler in logging.getLogger().handlers if isinstance(handler, QuietStreamHandler))
    caplog.handler.setFormatter(ours.formatter)
    token = person_caller(RecipientFactory()).key
    for caller in (engine, Caller(token), Caller(engine.key[:-1]), Caller(new_api_key().key)):
        caller.send(assigned())
        caller.call("GET", f"/api/v1/nothing/{caller.key}?key={caller.key}")

    assert "request_finished" in caplog.text
    for secret in (engine.key, token):
        assert secret[8:] not in caplog.text


def test_a_persons_token_is_one_statement_with_brand_and_account(db: None) -> None:
    person = RecipientFactory(brand=BrandFactory(name="Acme"))
    key = person_caller(person).key
    authentication._person_of_token(key, timezone.now())  # notes its use
    with CaptureQueriesContext(connection) as asked:
        caller = authentication._person_of_token(key, timezone.now())
        found = caller.recipient
        assert (found.brand and found.brand.name, found.user, found.timezone) == ("Acme", person.user, person.timezone)
        assert caller.token is not None and caller.token.expires_at > timezone.now()
    assert found == person and len(asked) == 1
