"""Bob's AppWorks app gets a message through its gateway, and what each of the gateway's answers means."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from html import escape
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
from django.conf import LazySettings

from notifications.channels.appworks import transport as appworks
from notifications.channels.appworks.config import OURS, Gateway
from notifications.channels.appworks.transport import AppWorks
from notifications.errors import ServiceRefuses, TransportError
from notifications.models import Recipient
from notifications.types import Message
from tests.support.appworks_gateway import KEY, Answer, FakeGateway, gateway_on_loopback
from tests.support.documentation import code, rows, section
from tests.support.mailserver import free_port

DELIVERY = UUID("01930000-0000-7000-8000-000000000001")
LINK = "https://push.example/a/wfa_token-that-opens-the-page"
APPROVE = Message(
    notification_id="n-1",
    language="en",
    title="Approve invoice 4711",
    body="Your approval is needed.\n\nThe supplier's account is DE00 1234.",
    short_body="Your approval is needed.",
    priority="urgent",
    category="approvals",
    actions=(),
    url="https://engine.example/tasks/42",
    facts=(("Amount", "€1,200.50"),),
    brand={"name": "Acme"},
    task_id="T-42",
    case_id="4711",
)


@pytest.fixture
def gateway(settings: LazySettings) -> Iterator[FakeGateway]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with gateway_on_loopback() as started:
        settings.APPWORKS_GATEWAY = started.settings()
        yield started


def send(message: Message = APPROVE, user: str = "bob", through: AppWorks | None = None) -> None:
    (through or AppWorks()).send(user, message, delivery_id=DELIVERY, link=LINK)


def fault(message: Message = APPROVE, user: str = "bob", through: AppWorks | None = None) -> TransportError:
    with pytest.raises(TransportError) as caught:
        send(message, user, through)
    return caught.value


def received(gateway: FakeGateway, **changes: Any) -> dict[str, Any]:
    send(replace(APPROVE, **changes))
    return gateway.taken[-1][1]


# --- what arrives -----------------------------------------------------------------------------------------------------
def test_bobs_app_gets_what_it_shows_and_what_it_can_go_on_with(gateway: FakeGateway) -> None:
    send()

    assert gateway.taken == [
        (
            "bob",
            {
                "type": "wfpush",
                "displayType": "show",
                "header": "Approve invoice 4711",
                "body": "Your approval is needed.",
                "id": str(DELIVERY),
                "notification": "n-1",
                "link": LINK,
                "lang": "en",
                "category": "approvals",
                "priority": "urgent",
                "task": "T-42",
                "case": "4711",
            },
        )
    ]


def test_the_same_message_again_has_the_same_id_and_news_of_no_task_names_none(gateway: FakeGateway) -> None:
    send()
    send()
    said = received(gateway, task_id="", case_id="")

    assert gateway.taken[0] == gateway.taken[1]
    assert not {"task", "case"} & said.keys()


def test_text_is_text_whatever_was_written(gateway: FakeGateway) -> None:
    said = received(
        gateway,
        title='<b>R&D</b> "100 %"\r\nX-Header: 1&key=other\0',
        short_body="Größe 👩‍👩‍👧 \u202egnihton\u202c & more\r\n+1 = 2;users=carol",
    )

    assert said["header"] == '<b>R&D</b> "100 %" X-Header: 1&key=other'
    assert said["body"] == "Größe 👩‍👩‍👧 gnihton & more\n+1 = 2;users=carol"
    assert [user for user, _ in gateway.taken] == ["bob"]


def test_long_texts_are_cut_between_characters_and_all_stays_small(gateway: FakeGateway) -> None:
    said = received(gateway, title="👩‍👩‍👧" * 200, short_body="e\u0301" * 2000)

    assert len(said["header"]) <= appworks.MAX_HEADER and said["header"].endswith("👧…")
    assert len(said["body"]) <= appworks.MAX_BODY and said["body"].endswith("e\u0301…")
    widest = received(gateway, title="🧾" * 900, short_body="🧾" * 900, task_id="🧾" * 200, case_id="🧾" * 200)
    assert len(json.dumps(widest, ensure_ascii=False).encode()) < 4096


@pytest.mark.parametrize("user", ["zoë.müller@example.org", "a b", "b&users=carol", "100%", "名前"])
def test_unusual_user_names_arrive_as_they_are(gateway: FakeGateway, user: str) -> None:
    send(user=user)

    assert gateway.taken[0][0] == user


@pytest.mark.parametrize("user", ["bob,carol", "bob\r\ncarol", "bob\0", " bob", "\u202ebob", "bo\ud800b", ""])
def test_what_could_be_somebody_else_is_refused_without_asking(gateway: FakeGateway, user: str) -> None:
    refused = fault(user=user)

    assert refused.permanent
    assert "is not a valid AppWorks user name" in refused.detail
    assert gateway.asked == []


def test_path_fields_and_constant_members_can_be_others(gateway: FakeGateway, settings: LazySettings) -> None:
    gateway.path, gateway.fields = "/otag/v3/push", ("appKey", "payload", "to")
    settings.APPWORKS_GATEWAY = gateway.settings(
        path="/otag/v3/push",
        key_field="appKey",
        message_field="payload",
        users_field="to",
        members={"type": "approvals", "target": {"view": "inbox"}},
    )
    send()

    ((user, said),) = gateway.taken
    assert (user, said["type"], said["target"], said["displayType"]) == ("bob", "approvals", {"view": "inbox"}, "show")


def test_eight_threads_send_at_once(gateway: FakeGateway) -> None:
    through = AppWorks()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: send(user=f"bob{number}", through=through), range(24)))

    assert sorted(user for user, _ in gateway.taken) == sorted(f"bob{number}" for number in range(24))


# --- what the gateway answers -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_yes_is_a_yes_whatever_else_it_says(gateway: FakeGateway, status: int) -> None:
    gateway.answers = [Answer(status, "" if status == 204 else "not JSON {")]

    send()


WORDS = "Unknown user bob"
KEY_REFUSED = "The AppWorks Gateway does not accept our key (APPWORKS_GATEWAY_KEY)"


@pytest.mark.parametrize(
    ("status", "kind", "permanent", "said"),
    [
        (401, ServiceRefuses, False, f"{KEY_REFUSED}: 401 {WORDS}"),
        (403, ServiceRefuses, False, f"{KEY_REFUSED}: 403 {WORDS}"),
        (302, TransportError, False, "redirects (302)"),
        (404, TransportError, False, "APPWORKS_GATEWAY_OPTIONS"),
        *((status, TransportError, True, f"{status} {WORDS}") for status in (400, 405, 413, 415, 422)),
    ],
)
def test_answers(
    gateway: FakeGateway,
    caplog: pytest.LogCaptureFixture,
    status: int,
    kind: type[TransportError],
    permanent: bool,
    said: str,
) -> None:
    gateway.answers = [Answer(status, "Unknown\u202e user\n\nbob", {"Location": f"{gateway.url}/login"})]
    refused = fault()

    assert (type(refused), refused.permanent) == (kind, permanent)
    assert said in refused.detail
    assert len(gateway.asked) == 1, "redirects are not followed"
    assert ("appworks_key_refused" in caplog.text) == (kind is ServiceRefuses), "operators read of it"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
@pytest.mark.parametrize(
    ("said", "wait"), [({"Retry-After": "120"}, 120.0), ({"Retry-After": "soon"}, None), ({}, None)]
)
def test_what_passes_is_tried_again_when_the_gateway_says(
    gateway: FakeGateway, status: int, said: dict[str, str], wait: float | None
) -> None:
    gateway.answers = [Answer(status, headers=said)]
    refused = fault()

    assert not refused.permanent
    assert refused.retry_after == wait


def test_an_endless_answer_is_cut(gateway: FakeGateway) -> None:
    gateway.answers = [Answer(200, endless=True)]
    began = time.monotonic()
    send()

    assert time.monotonic() - began < 5
    gateway.answers = [Answer(400, endless=True)]
    assert len(fault().detail) < 300


def test_a_gateway_that_says_nothing_is_not_waited_for_for_ever(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appworks, "DEADLINE", 0.3)
    gateway.answers = [Answer(silent=True)]
    refused = fault()

    assert not refused.permanent
    assert "did not answer completely within 0.3 seconds" in refused.detail


def test_a_gateway_that_is_not_there_or_not_admitted_is_tried_again(
    gateway: FakeGateway, settings: LazySettings
) -> None:
    settings.APPWORKS_GATEWAY = Gateway(f"http://127.0.0.1:{free_port()}", KEY)
    assert not fault().permanent

    settings.APPWORKS_GATEWAY, settings.OUTBOUND_ALLOWED_CIDRS = gateway.settings(), []
    refused = fault()
    assert not refused.permanent
    assert "unless OUTBOUND_ALLOWED_CIDRS allows" in refused.detail
    assert gateway.asked == []


@pytest.mark.parametrize("status", [302, 400, 403, 404, 429, 500])
def test_the_key_and_the_link_stay_secret_even_where_the_gateway_repeats_them(
    gateway: FakeGateway, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    written = [KEY, quote(KEY, safe=""), quote_plus(KEY), escape(KEY), json.dumps(KEY)[1:-1]]
    gateway.answers = [Answer(status, " ".join(f"{each} {LINK}" for each in [*written, KEY]))]
    refused = fault()

    for secret in (*written, KEY[:4], "wfa_token"):
        assert secret not in refused.detail.replace("wfa_***", "") + repr(refused.__context__)
        assert secret not in caplog.text
    assert KEY not in repr(gateway.settings())


# --- whom it reaches --------------------------------------------------------------------------------------------------
def test_bob_is_known_by_his_ref_or_by_his_address(settings: LazySettings) -> None:
    bob, carol = Recipient(ref="bob", email="bob@example.org"), Recipient(ref="carol")
    settings.APPWORKS_GATEWAY = Gateway("https://gateway.example", KEY)
    assert [AppWorks().address_of(person) for person in (bob, carol)] == ["bob", "carol"]

    settings.APPWORKS_GATEWAY = Gateway("https://gateway.example", KEY, user="email")
    assert [AppWorks().address_of(person) for person in (bob, carol)] == ["bob@example.org", None]
    assert str(AppWorks().without_address) == "No user name at the AppWorks Gateway is known."


@pytest.mark.parametrize("user", ["ref", "email"])
def test_a_customer_who_is_called_as_an_employee_gets_nothing_there(settings: LazySettings, user: str) -> None:
    settings.APPWORKS_GATEWAY = Gateway("https://gateway.example", KEY, user=user)

    assert AppWorks().address_of(Recipient(ref="bob", email="bob@example.org", engine_id=7)) is None


def test_without_a_gateway_nobody_is_reached(settings: LazySettings) -> None:
    settings.APPWORKS_GATEWAY = None

    assert AppWorks().address_of(Recipient(ref="bob", email="bob@example.org")) is None
    assert str(AppWorks().without_address) == "No AppWorks Gateway is set up."
    assert fault().permanent


def test_every_member_that_is_ours_is_kept_from_constant_ones() -> None:
    assert set(appworks.members(APPROVE, DELIVERY, LINK)) == OURS


# --- what the documentation says --------------------------------------------------------------------------------------
def documented(heading: str) -> list[str]:
    """The names in the first column of the table that begins so."""
    text = section("docs/apps.md", "OpenText AppWorks")
    table = text.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [name for row in rows(table) for name in code(row[0])]


def test_every_option_is_documented_with_its_default() -> None:
    known = {each.name: each.default for each in fields(Gateway) if each.name not in ("url", "key", "members")}
    cells = [(code(row[0]), code(row[1])) for row in rows(section("docs/apps.md", "OpenText AppWorks"))]
    said = {name: default for names, defaults in cells for name, default in zip(names, defaults, strict=False)}

    assert documented("Option") == [*known, "members"]
    assert {name: said[name] for name in known} == known


def test_every_member_of_a_message_is_documented(gateway: FakeGateway) -> None:
    assert set(documented("Member")) == set(received(gateway))
