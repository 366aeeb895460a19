"""What Alice's phone gets through Firebase: the message, what each system needs to hand it over, and its size."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.fcm.message import LONGEST_TTL, category_of, firebase_message
from notifications.errors import TransportError
from notifications.types import Action, CommentRule, Message, PushAddress, PushMessage
from tests.pushlab.fcm import what_is_wrong_with

ACME = "acme-prod"
NOW = 1_764_100_000.0
LINK = "https://push.example/n/01930000-0000-7000-8000-000000000001"
TOKEN = "wfa_abcdefghijklmnopqrstuvwxyz0123456789"
REVISION = "kQ0cVY9bMtxbL0rYv3dJ4Yt2JH9b0m6aQ1uJ0mC7w1E"
APPROVE = Message(
    notification_id="01930000-0000-7000-8000-000000000001",
    language="en",
    title="Approve invoice 4711",
    body="Your approval is needed.\n\nOffice furniture, €1,200.50, cost centre 4100",
    short_body="Your approval is needed.",
    priority="high",
    category="approvals",
    actions=(
        Action("approve", "Approve", "final", "optional"),
        Action("reject", "Reject", "final", "required"),
    ),
    url="https://engine.example/tasks/42",
    facts=(("Amount", "€1,200.50"),),
    brand={"name": "Acme", "logo_url": "https://acme.example/logo.svg"},
    thread="case-4711",
)
PUSH = PushMessage(
    kind="message",
    message=APPROVE,
    tag="dGFzay00Mg",
    link=LINK,
    token=TOKEN,
    revision=REVISION,
    ttl=86_400,
    at=datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
    state="open",
    unread=3,
    device="01930000-0000-7000-8000-00000000000d",
)
PHONE = PushAddress("alices-phone", "fid", ACME, "android")


def made(push: PushMessage = PUSH, address: PushAddress = PHONE, **changes: Any) -> dict[str, Any]:
    """What goes to Google; `changes` are to the message inside."""
    push = replace(push, message=replace(push.message, **changes))
    encoded: dict[str, Any] = json.loads(str(firebase_message(address, push, NOW)))
    return encoded


# --- what it says -----------------------------------------------------------------------------------------------------
def test_it_begins_with_the_key_facts_and_loses_them_last() -> None:
    facts = "€1,200.50 · Acme GmbH · Asked by Alice"
    assert made(glance=facts)["data"]["body"] == f"{facts}\nYour approval is needed."
    assert made(glance=facts, short_body="")["data"]["body"] == facts
    assert made(glance=facts, short_body="x" * 9_000)["data"]["body"].startswith(f"{facts}\nx")


def test_a_route_that_forbids_the_lock_screen_sends_no_token() -> None:
    message = made(replace(PUSH, token=""))

    assert "wfa_" not in json.dumps(message)
    assert message["data"]["link"] == LINK
    assert "actions" in message["data"]  # buttons that open the item


def test_the_long_body_never_leaves() -> None:
    assert "furniture" not in json.dumps(made())
    assert "1,200" not in json.dumps(made())


def test_an_iphone_shows_the_text_before_the_app_runs() -> None:
    apns = made()["apns"]

    assert apns["headers"] == {
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(int(NOW) + 86_400),
        "apns-collapse-id": "dGFzay00Mg",
    }
    assert apns["payload"]["aps"].pop("category").startswith("wf-")
    assert apns["payload"]["aps"] == {
        "alert": {"title": "Approve invoice 4711", "body": "Your approval is needed."},
        "badge": 3,
        "sound": "default",
        "thread-id": "case-4711",
        "mutable-content": 1,
        "interruption-level": "active",
    }


def test_the_same_buttons_have_the_same_name_on_an_iphone_and_no_others() -> None:
    buttons = [{"action": "approve", "title": "Approve", "comment": "none"}]
    german = [{"action": "approve", "title": "Genehmigen", "comment": "none"}]

    name = category_of({"actions": buttons, "token": "wfa_1"})
    assert name == category_of({"actions": buttons, "token": "wfa_2"})
    assert len({name, category_of({"actions": german, "token": "wfa_1"}), category_of({"actions": buttons})}) == 3
    assert category_of({}) is None


def test_what_happened_replaces_the_message_without_a_sound() -> None:
    done = replace(PUSH, kind="replacement", state="answered", token="")
    message = made(done, short_body="Already approved by Bob at 14:02.", actions=())

    assert message["data"]["state"] == "answered"
    assert message["data"]["tag"] == message["apns"]["headers"]["apns-collapse-id"] == "dGFzay00Mg"
    assert "actions" not in message["data"]
    assert message["android"]["priority"] == "normal"
    aps = message["apns"]["payload"]["aps"]
    assert aps["alert"]["body"] == "Already approved by Bob at 14:02."
    assert aps["interruption-level"] == "passive"
    assert "sound" not in aps
    assert "category" not in aps


@pytest.mark.parametrize(
    ("priority", "actions", "android", "apple", "level", "urgency"),
    [
        ("urgent", APPROVE.actions, "high", "10", "time-sensitive", "high"),
        ("high", (), "high", "10", "active", "high"),
        ("normal", APPROVE.actions, "high", "10", "active", "normal"),
        ("normal", (), "normal", "10", "active", "normal"),
        ("low", APPROVE.actions, "normal", "5", "passive", "low"),
    ],
)
def test_priority_says_who_is_woken_up(
    priority: str, actions: tuple[Action, ...], android: str, apple: str, level: str, urgency: str
) -> None:
    message = made(priority=priority, actions=actions)

    assert message["android"]["priority"] == android
    assert message["apns"]["headers"]["apns-priority"] == apple
    assert message["apns"]["payload"]["aps"]["interruption-level"] == level
    assert ("sound" in message["apns"]["payload"]["aps"]) is (priority != "low")
    assert message["webpush"]["headers"]["Urgency"] == urgency


def test_every_message_ends_some_day_and_no_later_than_google_keeps_it() -> None:
    message = made(replace(PUSH, ttl=10**9))

    assert message["android"]["ttl"] == f"{LONGEST_TTL}s"
    assert message["apns"]["headers"]["apns-expiration"] == str(int(NOW) + LONGEST_TTL)
    assert message["webpush"]["headers"] == {"TTL": str(LONGEST_TTL), "Urgency": "high", "Topic": "dGFzay00Mg"}
    assert made(replace(PUSH, ttl=-5))["android"]["ttl"] == "0s"


def test_google_is_asked_to_collapse_nothing_on_android() -> None:
    assert set(made()["android"]) == {"priority", "ttl"}


# --- its size ---------------------------------------------------------------------------------------------------------
texts = st.text(st.characters(), max_size=40).flatmap(lambda text: st.integers(1, 400).map(lambda times: text * times))
comments: st.SearchStrategy[CommentRule] = st.sampled_from(["none", "optional", "required"])
buttons = st.lists(st.builds(Action, st.text(max_size=60), texts, st.just("final"), comments), max_size=12)


@given(title=texts, body=texts, brand=texts, actions=buttons, thread=texts)
def test_any_unicode_of_any_size_gives_a_valid_message_with_token_and_link(
    title: str, body: str, brand: str, actions: list[Action], thread: str
) -> None:
    logo = {"name": brand, "logo_url": "https://acme.example/" + "x" * 479}
    message = made(title=title, short_body=body, brand=logo, actions=tuple(actions), thread=thread)

    assert what_is_wrong_with(message) == ""
    json.dumps(message, ensure_ascii=False).encode()  # nothing that UTF-8 could not say
    assert message["data"]["link"] == LINK
    assert message["data"]["token"] == TOKEN
    assert len(json.loads(message["data"].get("actions", "[]"))) <= len(actions)


def test_the_body_is_cut_first_between_letters() -> None:
    message = made(short_body="Grüße 👩‍👩‍👧 " * 1000)

    assert message["data"]["title"] == APPROVE.title
    assert [action["title"] for action in json.loads(message["data"]["actions"])] == ["Approve", "Reject"]
    assert message["data"]["body"].endswith("…")
    assert message["data"]["body"].removesuffix("…").rstrip() in "Grüße 👩‍👩‍👧 " * 1000
    assert len(message["data"]["body"].encode()) > 1000
    assert message["apns"]["payload"]["aps"]["alert"]["body"] == message["data"]["body"]


def test_a_message_that_is_nothing_but_link_is_refused() -> None:
    with pytest.raises(TransportError, match="does not fit into 4096 bytes") as refused:
        made(replace(PUSH, link="https://push.example/" + "x" * 5000))

    assert refused.value.permanent
