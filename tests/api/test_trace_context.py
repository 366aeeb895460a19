"""The trace of an event's request goes on with what follows from it."""

import json
from typing import Any

import pytest
from django.utils import timezone

from notifications.answers.respond import respond
from notifications.answers.submission import Answer
from notifications.connectors.access import Access
from notifications.connectors.api import Api
from notifications.connectors.instructions import instruction_of
from notifications.connectors.webhook import Webhook
from notifications.models import Callback, Engine, Event, Notification, SigningSecret
from notifications.routing import pipeline
from tests.api.test_signed_events import PATH, secret, signed
from tests.factories import RecipientFactory
from tests.support.api import BATCH, STRUCTURED, Caller, assigned
from wfpush.net.trace_context import valid

__all__ = ["secret"]
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def send(secret: str, event: Any, trace: str, type: str = STRUCTURED) -> None:
    body = json.dumps(event).encode()
    answer = Caller().post(PATH, body, type=type, traceparent=trace, **signed(secret, body))
    assert answer.status_code == 202


def traces() -> list[Any]:
    return [event.extensions.get("traceparent") for event in Event.objects.order_by("id")]


def test_the_header_is_kept_unless_the_event_has_its_own(secret: str) -> None:
    send(secret, assigned(), TRACE)
    send(secret, [assigned(id="e-2"), assigned(id="e-3", traceparent=OTHER)], TRACE, BATCH)
    assert traces() == [TRACE, TRACE, OTHER]


def test_a_wrong_header_is_ignored(secret: str) -> None:
    send(secret, assigned(), "00-not-a-trace-01")
    assert traces() == [None]


@pytest.mark.parametrize(
    "text", ["", None, 5, "00-ab", TRACE.upper(), "ff" + TRACE[2:], f"00-{'0' * 32}-00f067aa0ba902b7-01", TRACE + "-x"]
)
def test_what_is_no_traceparent(text: Any) -> None:
    assert valid(text) == "" and valid(TRACE) == TRACE


def test_the_answer_to_the_engine_has_it(secret: str, invoices: Engine) -> None:
    RecipientFactory(ref="bob")
    send(secret, assigned(), TRACE)
    pipeline.drain()
    respond(Notification.objects.get(), Answer("approve"), now=timezone.now())
    callback = Callback.objects.get()
    call = Webhook().prepare(invoices, callback, timezone.now())
    assert call.headers["traceparent"] == TRACE == json.loads(call.body)["traceparent"]
    assert SigningSecret.objects.count() == 1
    assert instruction_of(callback, unsure=False).trace == TRACE


async def test_an_engine_with_a_rest_interface_gets_the_header() -> None:
    class Line:
        async def request(self, *_: Any, headers: dict[str, str], **__: Any) -> Any:
            sent.update(headers)
            raise LookupError

    sent: dict[str, str] = {}
    with pytest.raises(LookupError):
        await Api(Line(), Access("http://engine"), trace=TRACE).call("POST", "/")  # type: ignore[arg-type]
    assert sent["traceparent"] == TRACE
