"""Events at an engine's own address: by key or Standard Webhooks signature, as CloudEvents or the engine's own JSON."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from notifications.connectors import connector_for, credentials, signatures
from notifications.intake import mapping
from notifications.models import Engine, Event, SigningSecret
from tests.factories import EngineFactory
from tests.notifications.intake.test_mapping import CAMUNDA
from tests.support.api import BATCH, STRUCTURED, Caller, assigned, is_problem

PATH = "/api/v1/engines/invoices/events"


@pytest.fixture
def secret(invoices: Engine) -> str:
    text = signatures.new_secret()
    SigningSecret.objects.create(engine=invoices, secret=text)
    return text


def signed(secret: str, body: bytes, *, at: float | None = None, id: str = "msg_1") -> dict[str, str]:
    moment = int(time.time() if at is None else at)
    return {
        "webhook_id": id,
        "webhook_timestamp": str(moment),
        "webhook_signature": signatures.sign([secret], id, moment, body),
    }


def send(body: bytes, headers: dict[str, str], path: str = PATH) -> Any:
    return Caller().post(path, body, type=STRUCTURED, **headers)


BODY = json.dumps(assigned()).encode()


def test_a_signed_event_is_taken_without_a_key(secret: str) -> None:
    assert send(BODY, signed(secret, BODY)).status_code == 202
    assert Event.objects.get().engine.slug == "invoices"


def test_the_reference_library_signs_the_same(secret: str) -> None:
    moment = datetime.now(UTC).replace(microsecond=0)
    headers = signed(secret, BODY, at=moment.timestamp())
    headers["webhook_signature"] = Webhook(secret).sign("msg_1", moment, BODY.decode())

    assert send(BODY, headers).status_code == 202


def test_a_replay_has_no_second_effect(secret: str) -> None:
    headers = signed(secret, BODY)

    assert [send(BODY, headers).status_code for _ in range(3)] == [202, 200, 200]
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"webhook_signature": "v1" + "A" * 44},
        {"webhook_signature": "v1,???"},
        {"webhook_signature": "v1,"},
        {"webhook_signature": ""},
        {"webhook_signature": "v2,AAAA"},
        {"webhook_id": "msg_2"},
        {"webhook_id": ""},
        {"webhook_timestamp": "noon"},
        {"webhook_timestamp": "1e9"},
        {"webhook_timestamp": ""},
    ],
)
def test_a_signature_that_does_not_hold_is_refused(secret: str, change: dict[str, str]) -> None:
    answer = send(BODY, signed(secret, BODY) | change)

    assert is_problem(answer, 401, "unauthenticated")
    assert not Event.objects.exists()


@pytest.mark.parametrize("minutes", [-6, 6])
def test_six_minutes_off_are_too_many(secret: str, minutes: int) -> None:
    assert is_problem(send(BODY, signed(secret, BODY, at=time.time() + 60 * minutes)), 401, "unauthenticated")
    assert send(BODY, signed(secret, BODY, at=time.time() + 40 * minutes)).status_code == 202


def test_one_header_alone_is_not_enough(secret: str) -> None:
    for name, value in signed(secret, BODY).items():
        assert is_problem(send(BODY, {name: value}), 401, "unauthenticated")


def test_the_body_is_what_is_signed(secret: str) -> None:
    assert is_problem(send(BODY + b" ", signed(secret, BODY)), 401, "unauthenticated")


def test_another_engines_secret_an_engine_that_is_off_and_one_that_is_not_there(secret: str, invoices: Engine) -> None:
    EngineFactory(slug="claims")
    headers = signed(secret, BODY)

    for path in ("/api/v1/engines/claims/events", "/api/v1/engines/nobody/events"):
        assert is_problem(send(BODY, headers, path), 401, "unauthenticated")
    Engine.objects.update(active=False)
    assert is_problem(send(BODY, headers), 401, "unauthenticated")


def test_while_a_secret_rotates_both_sign_and_afterwards_the_new_one(secret: str, invoices: Engine) -> None:
    _, fresh = credentials.rotate_secret(invoices, now=timezone.now())
    assert send(BODY, signed(secret, BODY)).status_code == 202
    assert send(BODY, signed(fresh, BODY)).status_code == 200

    SigningSecret.objects.exclude(expires_at=None).update(expires_at=timezone.now())
    assert is_problem(send(BODY, signed(secret, BODY)), 401, "unauthenticated")
    assert send(BODY, signed(fresh, BODY)).status_code == 200


def test_the_signature_opens_nothing_else(secret: str) -> None:
    assert is_problem(send(BODY, signed(secret, BODY), "/api/v1/events"), 401, "unauthenticated")


def test_a_key_goes_before_a_signature(engine: Caller, secret: str) -> None:
    wrong = signed(secret, b"another body")

    assert engine.post(PATH, assigned(), **wrong).status_code == 202


# --- an engine's own JSON -------------------------------------------------------------------------
def test_its_own_json_goes_through_the_mapping_and_cloudevents_do_not(engine: Caller, invoices: Engine) -> None:
    mapping.use_preset(invoices, connector_for("camunda7").preset)

    answer = engine.post(PATH, CAMUNDA)
    assert (answer.status_code, answer.json()["type"]) == (202, "task.assigned")
    assert engine.post(PATH, CAMUNDA).json()["status"] == "duplicate"
    assert engine.post(PATH, assigned()).json()["id"] == "e-1"
    assert engine.post(PATH, [assigned("e-2")], type=BATCH).status_code == 202
    assert engine.post(PATH, {}, ce_specversion="1.0", ce_id="e-3", ce_source="s", ce_type="a.b").status_code == 202
    assert Event.objects.get(source="/engines/invoices", event_id__startswith="a1b2").data["task"]["assignee"] == "bob"


def test_its_own_json_may_be_signed(secret: str, invoices: Engine) -> None:
    mapping.use_preset(invoices, connector_for("camunda7").preset)
    body = json.dumps(CAMUNDA).encode()

    assert Caller().post(PATH, body, **signed(secret, body)).status_code == 202


def test_elsewhere_only_cloudevents_are_taken(engine: Caller, invoices: Engine) -> None:
    mapping.use_preset(invoices, connector_for("camunda7").preset)

    assert is_problem(engine.send(CAMUNDA), 422, "invalid_event")


def test_its_own_json_is_strict_too(engine: Caller, invoices: Engine) -> None:
    mapping.use_preset(invoices, connector_for("camunda7").preset)

    assert is_problem(engine.post(PATH, b'{"id": "a", "id": "b"}'), 400, "malformed")
    assert is_problem(engine.post(PATH, CAMUNDA | {"name": "\x00"}), 422, "invalid_event")
    assert is_problem(engine.post(PATH, CAMUNDA, type="text/xml"), 415, "unsupported_media_type")
