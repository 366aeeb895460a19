"""Web push against a real push service on loopback, which reads every message with another implementation."""

import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import http_ece
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from py_vapid import Vapid02
from py_vapid.utils import b64urlencode
from pytest_django import Settings

from notifications.channels import payload
from notifications.channels.webpush import transport as webpush
from notifications.channels.webpush import vapid
from notifications.channels.webpush.transport import MAX_PLAINTEXT, WebPush, encrypt
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.types import Action, Json, PushAddress, PushMessage
from tests.support.engines import LOOPBACK, rude_engine
from tests.support.webpush import APPROVE, LINK, MESSAGE, PUSH, REJECT, TOKEN, Browser, push_service, said
from wfpush.net.http import Outbound
from wfpush.security import vapid_keys

OURS = vapid_keys.new_private_key()


@pytest.fixture(autouse=True)
def ours(settings: Settings) -> None:
    settings.VAPID_PRIVATE_KEY = [OURS]
    settings.VAPID_SUBJECT = "mailto:ops@example.com"
    settings.PUSH_ALLOWED_CIDRS = LOOPBACK


@pytest.fixture
async def transport() -> AsyncIterator[WebPush]:
    made = WebPush()
    yield made
    await made.close()


async def failure(transport: WebPush, address: PushAddress, push: PushMessage = PUSH) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await transport.send(address, push)
    return caught.value


async def failure_after(transport: WebPush, *answers: int | Callable[[], web.Response]) -> TransportError:
    async with push_service(*answers) as service:
        return await failure(transport, Browser().address(service.url))


# --- what arrives -----------------------------------------------------------------------------------------------------
async def test_alices_browser_reads_the_message_and_nobody_else_can(transport: WebPush) -> None:
    alice, bob = Browser(), Browser()
    async with push_service() as service:
        await transport.send(alice.address(service.url), PUSH)

    ((_, body),) = service.calls
    read = alice.read(body)
    assert read == json.loads(payload.encoded(payload.declared(payload.members(PUSH))))
    assert (read["title"], read["token"], read["link"]) == ("Approve invoice 4711", TOKEN, LINK)
    assert "only Alice may read" not in json.dumps(read)
    with pytest.raises(http_ece.ECEException):
        bob.read(body)


def test_an_answer_to_a_form_opens_the_item_as_one_that_needs_a_comment() -> None:
    """What does not know of values, such as a worker of an earlier version, asks for nothing on the lock screen."""
    message = replace(MESSAGE, actions=(replace(APPROVE, values="required"), replace(REJECT, values="optional")))

    assert payload.members(replace(PUSH, message=message))["actions"] == [
        {"action": "approve", "title": "Approve", "comment": "required", "values": "required"},
        {"action": "reject", "title": "Reject", "comment": "required", "values": "required"},
    ]


async def test_each_message_has_a_key_of_its_own(transport: WebPush) -> None:
    alice = Browser()
    async with push_service() as service:
        for _ in range(3):
            await transport.send(alice.address(service.url), PUSH)

    ephemeral = {body[21:86] for _, body in service.calls}
    salts = {body[:16] for _, body in service.calls}
    assert (len(ephemeral), len(salts)) == (3, 3)


async def test_the_service_is_told_who_sends_what_how_urgent_and_for_how_long(transport: WebPush) -> None:
    async with push_service() as service:
        await transport.send(Browser().address(service.url), PUSH)

    headers, _ = service.calls[0]
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Encoding"] == "aes128gcm"
    assert (headers["TTL"], headers["Urgency"], headers["Topic"]) == ("3600", "normal", PUSH.tag)
    assert Vapid02.verify(headers["Authorization"].replace(", k=", ",k="))
    assert headers["Authorization"] == vapid.signer().authorization(
        "", service.url.removesuffix("/push/alice"), time.time()
    )


@pytest.mark.parametrize(
    ("kind", "priority", "urgency"),
    [
        ("message", "urgent", "high"),
        ("message", "high", "high"),
        ("message", "normal", "normal"),
        ("message", "low", "low"),
        ("replacement", "urgent", "normal"),
        ("replacement", "low", "normal"),
        ("test", "normal", "normal"),
    ],
)
async def test_priority_becomes_urgency(transport: WebPush, kind: Any, priority: str, urgency: str) -> None:
    push = replace(PUSH, kind=kind, message=replace(MESSAGE, priority=priority))
    async with push_service() as service:
        await transport.send(Browser().address(service.url), push)

    assert service.calls[0][0]["Urgency"] == urgency


@pytest.mark.parametrize(("ttl", "sent"), [(-5, "0"), (0, "0"), (60, "60"), (10**9, "2419200")])
async def test_no_message_is_kept_longer_than_services_take(transport: WebPush, ttl: int, sent: str) -> None:
    async with push_service() as service:
        await transport.send(Browser().address(service.url), replace(PUSH, ttl=ttl))

    assert service.calls[0][0]["TTL"] == sent


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_every_word_for_yes_is_one(transport: WebPush, status: int) -> None:
    async with push_service(status) as service:
        await transport.send(Browser().address(service.url), PUSH)

    assert len(service.calls) == 1


async def test_a_message_is_signed_by_the_key_that_its_browser_subscribed_under(
    transport: WebPush, settings: Settings
) -> None:
    under_ours = vapid.signer().public_key
    settings.VAPID_PRIVATE_KEY = [vapid_keys.new_private_key(), OURS]
    async with push_service() as service:
        await transport.send(Browser().address(service.url, sender=under_ours), PUSH)

    assert service.calls[0][0]["Authorization"].endswith(f"k={under_ours}")


async def test_a_browser_under_a_key_that_is_not_here_stays_and_nothing_is_sent(
    transport: WebPush, settings: Settings
) -> None:
    under_ours = vapid.signer().public_key
    settings.VAPID_PRIVATE_KEY = [vapid_keys.new_private_key()]
    async with push_service() as service:
        fault = await failure(transport, Browser().address(service.url, sender=under_ours))

    assert fault.permanent and not isinstance(fault, RecipientGone)
    assert "neither VAPID_PRIVATE_KEY nor a brand holds" in fault.detail
    assert service.calls == []


async def test_a_key_that_is_none_belongs_to_no_browser(transport: WebPush) -> None:
    async with push_service() as service:
        fault = await failure(transport, replace(Browser().address(service.url), p256dh=b64urlencode(b"\4" * 65)))

    assert isinstance(fault, RecipientGone)
    assert service.calls == []


# --- what services answer ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_is_no_longer_there_is_to_be_dropped(transport: WebPush, status: int) -> None:
    fault = await failure_after(transport, status)

    assert isinstance(fault, RecipientGone)
    assert f"no longer subscribed: {status}" in fault.detail


@pytest.mark.parametrize(
    "answer",
    [
        said(400, '{"reason":"VapidPkHashMismatch"}'),
        said(401, '{"code":401,"errno":109,"error":"Unauthorized","message":"VAPID public key mismatch"}'),
        said(
            403,
            "the VAPID credentials in the authorization header do not correspond to the credentials used to create "
            "the subscriptions.\n",
        ),
        said(
            403,
            "the key in the authorization header does not correspond to the sender ID used to subscribe this user. "
            "Please ensure you are using the correct sender ID and server Key from the Firebase console.\n",
        ),
    ],
    ids=["Apple", "Mozilla", "Google", "Google, older"],
)
async def test_a_subscription_of_another_sites_key_stops_nobody_else(
    transport: WebPush, answer: Callable[[], web.Response]
) -> None:
    fault = await failure_after(transport, answer)

    assert isinstance(fault, RecipientGone)
    assert "subscribed under another VAPID key" in fault.detail


@pytest.mark.parametrize(
    "answer",
    [
        said(401, '{"code":401,"errno":109,"error":"Unauthorized","message":"VAPID token expired"}'),
        said(403, '{"reason":"BadJwtToken"}'),
        said(400, "<HTML>\n<HEAD>\n<TITLE>UnauthorizedRegistration</TITLE>\n</HEAD>\n</HTML>\n"),
        said(401),
        said(403),
    ],
    ids=["Mozilla", "Apple", "Google", "401", "403"],
)
async def test_a_service_that_does_not_accept_our_key_is_said_to_refuse_us(
    transport: WebPush, answer: Callable[[], web.Response]
) -> None:
    fault = await failure_after(transport, answer)

    assert isinstance(fault, ServiceRefuses)
    assert fault.detail.startswith("127.0.0.1:")
    assert "does not accept our VAPID key" in fault.detail


async def test_a_message_that_is_too_large_is_sent_once_more_without_its_text(transport: WebPush) -> None:
    alice = Browser()
    push = replace(PUSH, message=replace(MESSAGE, title="Ü" * 200, short_body="é" * 3000))
    async with push_service(413, 201) as service:
        await transport.send(alice.address(service.url), push)

    full, thin = (alice.read(body) for _, body in service.calls)
    assert len(full["body"]) > 700
    assert thin["body"] == ""
    assert len(thin["title"]) == 80
    assert "icon" not in thin
    assert (thin["token"], thin["link"], thin["actions"]) == (TOKEN, LINK, full["actions"])


async def test_a_message_that_is_too_large_without_its_text_fails_for_good(transport: WebPush) -> None:
    async with push_service(413) as service:
        fault = await failure(transport, Browser().address(service.url))

    assert len(service.calls) == 2
    assert fault.permanent
    assert "Even without its text it is too large" in fault.detail


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (said(429, Retry_After="120"), 120),
        (said(429, Retry_After="1000000000"), 86400),
        (said(429, Retry_After="-1"), 60),
        (said(429), 60),
        (said(503, Retry_After="30"), 30),
        (said(503), None),
        (said(500), None),
        (said(502, "<html>Bad gateway"), None),
    ],
    ids=["seconds", "for ever", "nonsense", "no word", "503 with", "503 without", "500", "502"],
)
async def test_a_service_that_wants_time_gets_it(
    transport: WebPush, answer: Callable[[], web.Response], seconds: float | None
) -> None:
    fault = await failure_after(transport, answer)

    assert not fault.permanent
    assert fault.retry_after == seconds


async def test_what_a_service_does_not_understand_it_will_not_understand_later(transport: WebPush) -> None:
    fault = await failure_after(transport, said(400, "Bad\r\n\x00header" + "x" * 5000))

    assert fault.permanent
    assert not isinstance(fault, RecipientGone | ServiceRefuses)
    assert "refuses the message: 400 Bad header" in fault.detail
    assert len(fault.detail) < 300


async def test_nobody_follows_a_service_elsewhere(transport: WebPush) -> None:
    async with push_service(lambda: web.Response(status=307, headers={"Location": "/inside"})) as service:
        fault = await failure(transport, Browser().address(service.url))

    assert (fault.permanent, len(service.calls)) == (False, 1)
    assert "redirects" in fault.detail


async def test_a_service_that_is_away_is_tried_again(transport: WebPush) -> None:
    fault = await failure(transport, Browser().address("http://127.0.0.1:9/push/alice"))

    assert (fault.permanent, fault.retry_after) == (False, None)
    assert "No connection to 127.0.0.1" in fault.detail


async def test_a_service_that_breaks_off_is_tried_again(transport: WebPush) -> None:
    async def hang_up(reader: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 2")

    async with rude_engine(hang_up) as url:
        fault = await failure(transport, Browser().address(f"{url}/push/geheim"))

    assert not fault.permanent
    assert "geheim" not in fault.detail


# --- where nothing is sent --------------------------------------------------------------------------------------------
async def test_an_endpoint_inside_is_refused_also_if_it_was_admitted_before(
    transport: WebPush, settings: Settings
) -> None:
    settings.PUSH_ALLOWED_CIDRS = []
    async with push_service() as service:
        fault = await failure(transport, Browser().address(service.url))

    assert fault.permanent
    assert service.calls == []


async def test_a_known_host_whose_name_leads_inside_meanwhile_is_refused(transport: WebPush) -> None:
    async def lookup(host: str) -> Sequence[str]:
        return ["169.254.169.254"]

    transport._door = Outbound(lookup=lookup)

    fault = await failure(transport, Browser().address("https://fcm.googleapis.com/fcm/send/alice"))

    assert fault.detail == "fcm.googleapis.com has no public address."
    assert not fault.permanent, "its name may have another address tomorrow"


async def test_a_service_that_is_no_longer_on_the_list_gets_nothing(transport: WebPush, settings: Settings) -> None:
    settings.PUSH_ALLOWED_HOSTS = ["*.push.apple.com"]

    fault = await failure(transport, Browser().address("https://fcm.googleapis.com/fcm/send/alice"))

    assert fault.permanent
    assert "PUSH_ALLOWED_HOSTS" in fault.detail


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("https://FCM.googleapis.com/fcm/send/a:b", "fcm.googleapis.com"),
        ("https://fcm.googleapis.com:443/fcm/send/c", "fcm.googleapis.com"),
        ("http://127.0.0.1:8080/push/1", "127.0.0.1:8080"),
        ("https://[::1]:8443/push/1", "[::1]:8443"),
    ],
)
def test_endpoints_of_one_host_are_one_service(endpoint: str, service: str) -> None:
    assert WebPush().service_of(PushAddress(endpoint, "endpoint", "")) == service


async def test_after_closing_it_works_again() -> None:
    transport, alice = WebPush(), Browser()
    async with push_service() as service:
        for _ in range(2):
            await transport.send(alice.address(service.url), PUSH)
            await transport.close()

    assert len(service.calls) == 2


# --- any content ------------------------------------------------------------------------------------------------------
ANY_TEXT = st.text(st.characters(), max_size=6000)
ACTIONS = st.builds(
    Action,
    st.text(st.characters(), min_size=1, max_size=300),
    ANY_TEXT,
    st.just("final"),
    st.sampled_from(["none", "optional", "required"]),
)


@given(title=ANY_TEXT, body=ANY_TEXT, actions=st.lists(ACTIONS, max_size=6), brand=ANY_TEXT)
def test_any_content_arrives_as_json_with_token_and_link(
    title: str, body: str, actions: list[Action], brand: str
) -> None:
    message = replace(
        MESSAGE,
        title=title,
        short_body=body,
        actions=tuple(actions),
        brand={"name": brand, "logo_url": "https://" + brand},
    )
    alice = Browser()
    address = alice.address("https://fcm.googleapis.com/1")

    plain = webpush.fitting(payload.members(replace(PUSH, message=message)), MAX_PLAINTEXT)
    encrypted = encrypt(address, plain)

    assert len(encrypted) <= 4096
    read = alice.read(encrypted)
    assert (read["token"], read["link"], read["id"]) == (TOKEN, LINK, "0195-42")
    assert read["title"] or not title


def test_the_largest_message_fills_what_every_service_takes() -> None:
    alice = Browser()
    address = alice.address("https://fcm.googleapis.com/1")

    assert len(encrypt(address, b"x" * MAX_PLAINTEXT)) == 4096


# --- Declarative Web Push ---------------------------------------------------------------------------------------------
async def declared(transport: WebPush, push: PushMessage = PUSH) -> Json:
    alice = Browser()
    async with push_service() as service:
        await transport.send(alice.address(service.url), push)
    return alice.read(service.calls[0][1])


async def test_a_browser_without_our_worker_shows_the_message_by_itself(transport: WebPush) -> None:
    read = await declared(transport, replace(PUSH, unread=3))

    shown = read["notification"]
    assert (read["web_push"], read["mutable"], read["app_badge"]) == (8030, True, 3)
    assert (shown["title"], shown["body"]) == (read["title"], read["body"])
    assert (shown["navigate"], shown["tag"], shown["lang"]) == (LINK, PUSH.tag, "en")
    assert (shown["mutable"], shown["app_badge"]) == (True, 3), "where Safari 18.4 looks for them"
    assert shown["silent"] is False
    assert "only Alice may read" not in json.dumps(read)


@pytest.mark.parametrize("count", [5, 10, 15])
def test_buttons_that_nobody_sees_go_before_the_words_with_the_amount(count: int) -> None:
    title = "Send it back to the purchasing department for another look"
    actions = tuple(Action(f"send_back_to_department_{at}", title, "final", "optional") for at in range(count))
    text = f"{'The purchasing department has asked for it. ' * 4}It is about €64,000.00."
    message = replace(PUSH.message, actions=actions, short_body=text, glance="Northwind Traders")

    read = json.loads(webpush.fitting(payload.members(replace(PUSH, message=message)), MAX_PLAINTEXT))

    assert read["body"] == f"Northwind Traders\n{text}"
    assert 4 <= len(read["actions"]) <= count
    assert [each["action"] for each in read["actions"]] == [each.name for each in actions[: len(read["actions"])]]


async def test_declared_buttons_lead_to_the_page_that_offers_the_answer_and_carry_no_token(transport: WebPush) -> None:
    action = Action("ask more/now", "Ask", "final", "required")
    read = await declared(transport, replace(PUSH, message=replace(MESSAGE, actions=(action,))))

    (button,) = read["notification"]["actions"]
    assert button == {
        "action": "ask more/now", "title": "Ask", "navigate": f"{LINK}?answer=ask%20more%2Fnow#comment"
    }  # fmt: skip


async def test_what_is_over_is_declared_silent_without_buttons_and_lets_the_badge_fall(transport: WebPush) -> None:
    read = await declared(transport, replace(PUSH, kind="replacement", state="answered", token="", unread=0))

    shown = read["notification"]
    assert (shown["silent"], shown["app_badge"], read["app_badge"]) == (True, 0, 0)
    assert "actions" not in shown and "require_interaction" not in shown


async def test_a_worker_that_is_asked_first_finds_what_its_buttons_need(transport: WebPush) -> None:
    read = await declared(transport)

    data = read["notification"]["data"]
    assert (data["token"], data["device"], data["actions"]) == (TOKEN, PUSH.device, read["actions"])
    assert data["at"] == read["at"] and data["link"] == LINK
