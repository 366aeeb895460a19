"""Text messages by a provider's HTTP gateway, against one on loopback, and the statuses that it calls back with."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from notifications.channels.base import ReceiptsCall
from notifications.channels.sms import callbacks
from notifications.channels.sms.config import Http, Sms, Status
from notifications.channels.sms.transport import TextMessages
from notifications.errors import Malformed, NotFound, NotSigned, ServiceRefuses, TransportError
from notifications.types import Message, Receipt
from tests.support.mailserver import free_port
from tests.support.sms_gateway import STATUS_SECRET, TOKEN, Reply, SmsGateway, signed, sms_gateway_on_loopback

DELIVERY = UUID("01930000-0000-7000-8000-0000000000a7")
LINK = "https://push.example/a/wfa_token-that-opens-the-page"
NUMBER = "+498955501234"
SAID = f"Approve invoice 4711\nDue today.\n{LINK}"
UNKNOWN = "The SMS gateway may have accepted it, and it is not sent twice: "

Use = Callable[..., TextMessages]


def message(short_body: str = "Due today.") -> Message:
    return Message("n", "en", "Approve invoice 4711", "Long", short_body, "urgent", "approvals", (), "", (), {})


@pytest.fixture
def gateway() -> Iterator[SmsGateway]:
    with sms_gateway_on_loopback() as started:
        yield started


@pytest.fixture
def use(settings: Settings, gateway: SmsGateway) -> Use:
    """The channel, set up for a gateway."""
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]

    def set_up(**options: Any) -> TextMessages:
        given = {"url": gateway.url, "user": "", "password": "", "token": TOKEN, "id": "messages.0.id"} | options
        settings.SMS = Sms(Http(**given), "Acme", "49", 3, 10)
        return TextMessages()

    return set_up


def send(channel: TextMessages, said: Message | None = None) -> list[str]:
    return list(channel.send(NUMBER, said or message(), delivery_id=DELIVERY, link=LINK))


def fault(channel: TextMessages) -> TransportError:
    with pytest.raises(TransportError) as caught:
        send(channel)
    return caught.value


# --- what is sent -----------------------------------------------------------------------------------------------------
def test_a_form_with_a_bearer_token(gateway: SmsGateway, use: Use) -> None:
    assert send(use()) == ["m-1"]

    assert gateway.taken == [{"to": NUMBER, "from": "Acme", "text": SAID}]
    ((method, headers),) = gateway.asked
    assert (method, headers["Authorization"]) == ("POST", f"Bearer {TOKEN}")


def test_json_of_any_shape_with_a_name_and_password(gateway: SmsGateway, use: Use) -> None:
    fields = {
        "ref": "{id}",
        "messages": [{"to": [{"msisdn": "{number}"}], "from": "{from}", "body": "{text}", "flash": False}],
    }
    channel = use(format="json", fields=fields, token="", user="acme", password="p:w")
    assert send(channel, message("Say {to} and {text}.")) == ["m-1"]

    (said,) = gateway.taken
    text = SAID.replace("Due today.", "Say {to} and {text}.")
    assert said["ref"] == str(DELIVERY)
    assert said["messages"] == [{"to": [{"msisdn": NUMBER[1:]}], "from": "Acme", "body": text, "flash": False}]
    assert gateway.asked[0][1]["Authorization"] == "Basic " + base64.b64encode(b"acme:p:w").decode()


def test_a_token_in_a_header_of_the_gateways_own(gateway: SmsGateway, use: Use) -> None:
    send(use(token_header="X-Api-Key"))
    assert gateway.asked[0][1]["X-Api-Key"] == TOKEN
    assert "Authorization" not in gateway.asked[0][1]


def test_a_gateway_that_says_no_id_is_taken_at_its_word(gateway: SmsGateway, use: Use) -> None:
    for reply in (Reply(202, "OK 17"), Reply(200, {"messages": []}), Reply(200, {"messages": [{"id": None}]})):
        gateway.replies = [reply]
        assert send(use()) == []


# --- what the answers mean --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("reply", "kind", "permanent", "said"),
    [
        (
            Reply(401, "Who?"),
            ServiceRefuses,
            False,
            "The SMS gateway does not accept our sign-in (SMS_USER, SMS_PASSWORD",
        ),
        (Reply(403), ServiceRefuses, False, "The SMS gateway does not accept our sign-in"),
        (Reply(400, "No such number"), TransportError, True, "The SMS gateway refuses the message: 400 No such number"),
        (Reply(402, "No credit"), TransportError, True, "The SMS gateway refuses the message: 402 No credit"),
        (Reply(404), TransportError, False, "The SMS gateway is not at SMS_URL: 404"),
        (Reply(302, "", {"Location": "/x"}), TransportError, False, "The SMS gateway is not at SMS_URL: 302"),
        (Reply(500), TransportError, False, "The SMS gateway does not work at present: 500"),
        (Reply(503), TransportError, False, "The SMS gateway does not work at present: 503"),
        (Reply(502), TransportError, True, f"{UNKNOWN}502"),
        (Reply(504), TransportError, True, f"{UNKNOWN}504"),
        (Reply(breaks_off=True), TransportError, True, UNKNOWN),
    ],
)
def test_answers(
    gateway: SmsGateway, use: Use, reply: Reply, kind: type[TransportError], permanent: bool, said: str
) -> None:
    gateway.replies = [reply]
    refused = fault(use())

    assert (type(refused), refused.permanent) == (kind, permanent)
    assert refused.detail.startswith(said)


def test_one_that_is_asked_too_often_says_how_long_to_wait(gateway: SmsGateway, use: Use) -> None:
    gateway.replies = [Reply(429, "Slow down", {"Retry-After": "90"})]
    busy = fault(use())
    assert (busy.busy, busy.permanent, busy.retry_after) == (True, False, 90.0)
    assert "asks to wait: 429 Slow down" in busy.detail


def test_some_say_200_and_mean_no(gateway: SmsGateway, use: Use) -> None:
    channel = use(taken="messages.0.status", taken_is=("0",))
    assert send(channel) == ["m-1"]

    gateway.replies = [Reply(200, {"messages": [{"id": "", "status": 4}]})]
    assert fault(channel).permanent
    gateway.replies = [Reply(200, "nonsense")]
    assert "refuses the message: 200 nonsense" in fault(channel).detail


def test_where_nobody_answers_it_is_tried_again(use: Use) -> None:
    away = fault(use(url=f"http://127.0.0.1:{free_port()}/"))

    assert "The SMS gateway cannot be reached" in away.detail
    assert not away.permanent and not away.works


def test_secrets_that_an_answer_repeats_are_kept_nowhere(gateway: SmsGateway, use: Use) -> None:
    gateway.replies = [Reply(400, f"Your token {TOKEN} is known")]
    assert TOKEN not in fault(use()).detail


# --- statuses ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def expect(settings: Settings) -> Callable[..., None]:
    def set_up(**options: Any) -> None:
        status = Status(secret=STATUS_SECRET, **options)
        settings.SMS = Sms(Http("https://sms.example.com", "", "", TOKEN, status=status), "Acme", "", 3, 10)

    return set_up


def call(body: Any, kind: str = "application/json", **headers: str) -> list[Receipt]:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": kind, **(headers or signed(sent))}
    return callbacks.read(ReceiptsCall(sent, given, datetime.now(UTC)))


def test_a_status_that_is_the_last_word_is_a_receipt(expect: Callable[..., None]) -> None:
    expect()
    assert call({"id": "m-1", "status": "delivered"}) == [Receipt("m-1", True, "delivered")]
    assert call({"id": 17, "status": "failed", "error": 1050}) == [Receipt("17", False, "failed 1050")]
    assert call({"id": "m-1", "status": "sent"}) == []
    assert call({"status": "delivered"}) == call([]) == call("nothing") == call({"id": {}, "status": []}) == []


def test_forms_and_lists_and_names_of_the_gateways_own(expect: Callable[..., None]) -> None:
    expect(id="MessageSid", status="MessageStatus", code="ErrorCode")
    form = b"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30003"
    assert call(form, "application/x-www-form-urlencoded") == [Receipt("SM1", False, "undelivered 30003")]

    expect(items="results", id="messageId", status="status.groupName", code="error.name", arrived=("DELIVERED",),
           lost=("UNDELIVERABLE",))  # fmt: skip
    told = {"results": [{"messageId": "a", "status": {"groupName": "DELIVERED"}, "error": {"name": "NO_ERROR"}},
                        {"messageId": "b", "status": {"groupName": "UNDELIVERABLE"}, "error": {"name": "EC_ABSENT"}},
                        {"messageId": "c", "status": {"groupName": "PENDING"}}]}  # fmt: skip
    assert call(told) == [Receipt("a", True, "DELIVERED"), Receipt("b", False, "UNDELIVERABLE EC_ABSENT")]


def test_other_ways_to_sign(expect: Callable[..., None]) -> None:
    body = b'{"id": "m-1", "status": "delivered"}'
    digest = hmac.digest(STATUS_SECRET.encode(), body, sha256)

    expect(timestamp_header="", signature_header="X-Hub", signature_prefix="sha256=")
    assert call(body, **{"X-Hub": f"sha256={digest.hex()}"})
    expect(timestamp_header="", encoding="base64")
    assert call(body, **{"X-Signature": base64.b64encode(digest).decode()})
    stamp = str(int(time.time() * 1000))
    expect()
    in_milliseconds = hmac.digest(STATUS_SECRET.encode(), stamp.encode() + b"." + body, sha256).hex()
    assert call(body, **{"X-Timestamp": stamp, "X-Signature": in_milliseconds})


def test_what_is_not_signed_or_old_is_refused(expect: Callable[..., None]) -> None:
    expect()
    body = b'{"id": "m-1", "status": "delivered"}'
    good, now = signed(body), time.time()
    for headers, said in (
        ({"X-None": ""}, "X-Timestamp is missing"),
        ({"X-Timestamp": good["X-Timestamp"]}, "X-Signature is missing or wrong"),
        (signed(body, secret="another secret altogether"), "X-Signature is missing or wrong"),
        (signed(body + b" "), "X-Signature is missing or wrong"),
        (good | {"X-Timestamp": str(int(now) + 1)}, "X-Signature is missing or wrong"),
        (good | {"X-Signature": "ä"}, "X-Signature is missing or wrong"),
        (signed(body, at=now - 301), "more than 5 minutes off"),
        (signed(body, at=now + 305), "more than 5 minutes off"),
        (good | {"X-Timestamp": "yesterday"}, "X-Timestamp is missing, or is not in Unix seconds"),
        (good | {"X-Timestamp": "9" * 5000}, "X-Timestamp is missing, or is not in Unix seconds"),
    ):
        with pytest.raises(NotSigned, match=said):
            call(body, **headers)


def test_what_cannot_be_read_is_refused(expect: Callable[..., None]) -> None:
    expect()
    for body, kind in ((b"{", "application/json"), (b"[" * 5000, "application/json"), (b"a=%ff\xff", "text/plain"),
                       (b"&".join([b"a=1"] * 1001), "application/x-www-form-urlencoded")):  # fmt: skip
        with pytest.raises(Malformed):
            call(body, kind)


def test_statuses_are_read_only_where_they_are_expected(settings: Settings, use: Use) -> None:
    for expected in (lambda: None, lambda: use()):
        settings.SMS = None
        expected()
        with pytest.raises(NotFound):
            call({"id": "m-1", "status": "delivered"})


def test_an_old_call_is_not_read_by_a_later_clock(expect: Callable[..., None]) -> None:
    expect()
    body = b'{"id": "m-1", "status": "delivered"}'
    headers = {"Content-Type": "application/json", **signed(body)}
    with pytest.raises(NotSigned):
        callbacks.read(ReceiptsCall(body, headers, datetime.now(UTC) + timedelta(minutes=6)))
