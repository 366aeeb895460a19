"""Signatures both ways, held against the reference library, and every way to get them wrong."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from notifications.connectors.signatures import SignatureError, key_of, new_secret, sign, verify

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TIMESTAMP = int(NOW.timestamp())
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
BODY = b'{"type":"task.completed","data":{"task":{"id":"T-42"}}}'

ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=80)
keys = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())


def headers(**changes: str) -> dict[str, str]:
    """What an engine sends when it does everything right, but for the changes."""
    good = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": sign([SECRET], "msg_1", TIMESTAMP, BODY),
    }
    return good | {name.replace("_", "-"): value for name, value in changes.items()}


def refusal_of(given: dict[str, str], body: bytes = BODY, now: float = TIMESTAMP) -> str:
    with pytest.raises(SignatureError) as caught:
        verify([SECRET], given, body, now)
    assert SECRET not in caught.value.detail
    return caught.value.detail


def test_the_specifications_own_example() -> None:
    """From the standard's text (spec/standard-webhooks.md): key, payload and signature as printed there."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'

    assert sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@given(secret=keys, message_id=ids, body=st.text(st.characters(exclude_categories=["Cs"])))
def test_the_reference_library_takes_what_we_sign(secret: str, message_id: str, body: str) -> None:
    given = {
        "webhook-id": message_id,
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": sign([secret], message_id, TIMESTAMP, body.encode()),
    }
    with time_machine.travel(NOW, tick=False):
        Webhook(secret).verify(body, given, json_parse=False)


@given(secret=keys, message_id=ids, body=st.text(st.characters(exclude_categories=["Cs"])))
def test_we_take_what_the_reference_library_signs(secret: str, message_id: str, body: str) -> None:
    signature = Webhook(secret).sign(message_id, NOW, body)
    given = {"webhook-id": message_id, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": signature}

    assert signature == sign([secret], message_id, TIMESTAMP, body.encode())
    assert verify([secret], given, body.encode(), TIMESTAMP) == message_id


@given(body=st.binary())
def test_bytes_that_are_no_text_are_signed_as_they_are(body: bytes) -> None:
    expected = hmac.digest(key_of(SECRET), b"msg_1.%d." % TIMESTAMP + body, hashlib.sha256)
    signature = sign([SECRET], "msg_1", TIMESTAMP, body)

    assert signature == f"v1,{base64.b64encode(expected).decode()}"
    assert verify([SECRET], headers(webhook_signature=signature), body, TIMESTAMP) == "msg_1"


@given(body=st.binary(min_size=1), position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed(body: bytes, position: int, bit: int) -> None:
    given = headers(webhook_signature=sign([SECRET], "msg_1", TIMESTAMP, body))
    changed = bytearray(body)
    changed[position % len(body)] ^= 1 << bit

    assert "No signature matches" in refusal_of(given, bytes(changed))


def test_while_a_secret_rotates_either_one_will_do() -> None:
    both = sign([SECRET, OLD_SECRET], "msg_1", TIMESTAMP, BODY)

    assert len(both.split(" ")) == 2
    for receiver in ([SECRET], [OLD_SECRET], [OLD_SECRET, SECRET]):
        assert verify(receiver, headers(webhook_signature=both), BODY, TIMESTAMP) == "msg_1"
    only_old = sign([OLD_SECRET], "msg_1", TIMESTAMP, BODY)
    assert verify([SECRET, OLD_SECRET], headers(webhook_signature=only_old), BODY, TIMESTAMP) == "msg_1"
    assert "No signature matches" in refusal_of(headers(webhook_signature=only_old))


def test_header_names_are_matched_in_any_case() -> None:
    shouting = {name.title(): value for name, value in headers().items()}

    assert verify([SECRET], shouting, BODY, TIMESTAMP) == "msg_1"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str) -> None:
    given = headers()
    del given[name]

    assert refusal_of(given) == f"The header {name} is missing."
    assert refusal_of(given | {name: ""}) == f"The header {name} is missing."


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("v1", "no comma"),
        ("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "no comma"),
        ("v1,ä", "not base64"),
        ("v1,%%%%", "not base64"),
        ("v1,abc", "not base64"),
        ("v1,abc,def", "not base64"),
        ("v1,", "No signature matches"),
        ("v1a,aGFsbG8=", "no signature of version v1"),
        ("v2,aGFsbG8=", "no signature of version v1"),
        (" ", "no signature of version v1"),
        ("v1,aGFsbG8=", "No signature matches"),
    ],
)
def test_a_bad_signature_is_refused_with_the_reason(signature: str, reason: str) -> None:
    assert reason in refusal_of(headers(webhook_signature=signature))


def test_signatures_of_versions_we_do_not_know_are_skipped() -> None:
    mixed = f"v1a,{'A' * 86}== v9,x,y,z {headers()['webhook-signature']}"

    assert verify([SECRET], headers(webhook_signature=mixed), BODY, TIMESTAMP) == "msg_1"


@pytest.mark.parametrize(
    "timestamp",
    ["soon", "1.5e9", f"{TIMESTAMP}.0", f"-{TIMESTAMP}", f" {TIMESTAMP}", "", "٣", "9" * 5000, "NaN", "inf"],
)
def test_a_timestamp_is_a_whole_number(timestamp: str) -> None:
    assert "webhook-timestamp" in refusal_of(headers(webhook_timestamp=timestamp))


def test_a_timestamp_with_leading_zeros_is_refused() -> None:
    assert "leading zeros" in refusal_of(headers(webhook_timestamp=f"0{TIMESTAMP}"))


@pytest.mark.parametrize("off", [-300, -299.5, 0, 299.5, 300])
def test_a_clock_may_be_five_minutes_off(off: float) -> None:
    assert verify([SECRET], headers(), BODY, TIMESTAMP + off) == "msg_1"


def test_six_minutes_are_too_much_either_way() -> None:
    assert "seconds old" in refusal_of(headers(), now=TIMESTAMP + 360)
    assert "seconds ahead" in refusal_of(headers(), now=TIMESTAMP - 360)
    assert "seconds old" in refusal_of(headers(), now=TIMESTAMP + 300.1)


def test_a_timestamp_cannot_be_refreshed_without_the_secret() -> None:
    assert "No signature matches" in refusal_of(headers(webhook_timestamp=str(TIMESTAMP + 1)))


@pytest.mark.parametrize("message_id", ["msg 1", "msg_é", "msg\n1", "\x00"])
def test_an_id_that_no_header_can_carry_is_refused_both_ways(message_id: str) -> None:
    assert "webhook-id" in refusal_of(headers(webhook_id=message_id))
    with pytest.raises(ValueError, match="webhook id"):
        sign([SECRET], message_id, TIMESTAMP, BODY)


junk = st.dictionaries(
    st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "x"]),
    st.text() | st.sampled_from([str(TIMESTAMP), "msg_1", "v1,", "v1,aaaa v1", headers()["webhook-signature"]]),
)


@given(given=junk, body=st.binary())
def test_no_junk_raises_anything_but_a_signature_error(given: dict[str, Any], body: bytes) -> None:
    if body != BODY or given != headers():
        refusal_of(given, body)


def test_without_secrets_nothing_is_signed_and_nothing_verified() -> None:
    with pytest.raises(ValueError, match="no secret"):
        sign([], "msg_1", TIMESTAMP, BODY)
    with pytest.raises(SignatureError, match="No signature matches"):
        verify([], headers(), BODY, TIMESTAMP)


def test_a_new_secret_holds_32_random_bytes() -> None:
    first, second = new_secret(), new_secret()

    assert first.startswith("whsec_")
    assert len(key_of(first)) == 32
    assert first != second


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("whsec_", "holds 0"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "holds 23"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "holds 65"),
        ("whsec_not base64!", "followed by base64"),
        ("whsec_ä", "followed by base64"),
        ("whpk_" + base64.b64encode(b"x" * 32).decode(), "followed by base64"),
    ],
)
def test_a_secret_that_cannot_sign_says_why(secret: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        key_of(secret)


def test_a_secret_may_come_without_its_prefix_and_padding() -> None:
    assert key_of(SECRET.removeprefix("whsec_").rstrip("=")) == key_of(SECRET)
