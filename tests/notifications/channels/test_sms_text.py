"""Text messages: the alphabets, the parts that are paid for, what is cut and what never is, and phone numbers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from notifications.channels.sms.alphabet import is_gsm, parts_of, plain
from notifications.channels.sms.transport import e164, text_of
from notifications.errors import TransportError
from notifications.types import Message
from tests.support.smsc import ESCAPED, ODD, from_gsm

LINK = "https://push.example.com/a/wfa_bN0vM4Lq1zJw7cY2tKxR8sQ5uEhG3dFoIpA6yTnVmZk"

SINGLE = set(ODD.values()) - {"\x1b"} | {chr(code) for code in range(0x20, 0x7F) if code not in ODD}
"""The default alphabet, from a table of its own: characters of one place."""
DOUBLE = set(ESCAPED.values())

texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=400)
gsm_texts = some.text(some.sampled_from(sorted(SINGLE | DOUBLE)), max_size=500)


def message(title: str = "Approve invoice 4711", short_body: str = "Due today.") -> Message:
    return Message("n", "en", title, "The long body", short_body, "normal", "approvals", (), "", (), {})


def counted(text: str) -> int:
    """Parts, by walking through the text as 3GPP TS 23.038 and 23.040 tell: an independent count."""
    gsm = all(character in SINGLE or character in DOUBLE for character in text)
    sizes = [2 if character in DOUBLE else 1 for character in text]
    if not gsm:
        sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    one, many = (160, 153) if gsm else (70, 67)
    if sum(sizes) <= one:
        return 1
    parts, left = 1, many
    for size in sizes:
        if size > left:
            parts, left = parts + 1, many
        left -= size
    return parts


# --- alphabets and parts ----------------------------------------------------------------------------------------------
def test_the_default_alphabet_is_that_of_the_specification() -> None:
    assert {
        chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and is_gsm(chr(code))
    } == SINGLE | DOUBLE
    assert len(SINGLE) == 127 and len(DOUBLE) == 10


@given(gsm_texts)
def test_what_is_written_in_it_is_read_again(text: str) -> None:
    assert "".join(from_gsm(part) for part in parts_of(text)) == text


@given(texts)
def test_texts_are_divided_as_counted_and_nothing_is_lost(text: str) -> None:
    parts = parts_of(text)

    assert len(parts) == counted(text)
    if is_gsm(text):
        assert "".join(map(from_gsm, parts)) == text
        assert all(len(part) <= (160 if len(parts) == 1 else 153) for part in parts)
    else:
        assert "".join(part.decode("utf-16-be") for part in parts) == text  # each can be read by itself
        assert all(len(part) <= (140 if len(parts) == 1 else 134) for part in parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" * 5, 2),  # the first one does not fit into the last place of the first part
        ("ß" * 160, 1),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 33 of each fit into a part of 67 places
    ],
)
def test_known_lengths(text: str, parts: int) -> None:
    assert len(parts_of(text)) == counted(text) == parts


def test_typography_alone_does_not_make_a_message_longer() -> None:
    assert plain("“Rechnung” – fällig…") == '"Rechnung" - fällig...'
    assert plain("“Счёт” – fällig…") == "“Счёт” – fällig…"


# --- what it says -----------------------------------------------------------------------------------------------------
def test_a_message_is_title_text_and_link() -> None:
    assert text_of(message(), LINK, 3) == f"Approve invoice 4711\nDue today.\n{LINK}"
    assert text_of(message(short_body=""), LINK, 3) == f"Approve invoice 4711\n{LINK}"
    repeated = message(short_body="Approve invoice 4711 today")
    assert text_of(repeated, LINK, 3) == f"Approve invoice 4711 today\n{LINK}"


def test_key_facts_stand_before_the_short_text_and_are_cut_after_it() -> None:
    told = replace(message(), glance="€1,200.50 · Acme GmbH")
    assert text_of(told, LINK, 3) == f"Approve invoice 4711\n€1,200.50 - Acme GmbH\nDue today.\n{LINK}"
    long = replace(told, short_body="word " * 200)
    assert text_of(long, LINK, 2).startswith("Approve invoice 4711\n€1,200.50 - Acme GmbH\nword")


def test_what_is_too_long_is_cut_and_says_so_and_the_link_is_whole() -> None:
    text = text_of(message(short_body="word " * 200), LINK, 2)

    assert text.endswith(f"...\n{LINK}")
    assert len(parts_of(text)) == 2
    assert len(text) > 300  # no room is wasted


def test_what_needs_two_bytes_a_letter_is_cut_to_fewer_letters() -> None:
    text = text_of(message("Согласовать счёт", "Срок сегодня. " * 30), LINK, 3)

    assert text.endswith(f"…\n{LINK}")
    assert 190 < len(text) <= 201


def test_a_link_alone_is_sent_where_nothing_else_has_room() -> None:
    assert text_of(message("Согласовать счёт", ""), LINK, 1) == LINK
    with pytest.raises(TransportError, match="SMS_MAX_PARTS=1") as refused:
        text_of(message(), "https://push.example.com/" + "a" * 140, 1)
    assert refused.value.permanent


@given(texts, texts, some.integers(1, 4))
def test_no_message_has_more_parts_than_it_may_have(title: str, short_body: str, most: int) -> None:
    text = text_of(message(title, short_body), LINK, most)

    assert counted(text) <= most
    assert text == LINK or text.endswith(f"\n{LINK}")


# --- numbers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("+49 89 5550 1234", "+498955501234"),
        ("+49 (0)89/5550-1234", "+498955501234"),
        ("0049 89 5550.1234", "+498955501234"),
        ("089 5550 1234", "+498955501234"),
        ("+1 (212) 555-0123", "+12125550123"),
        ("+49\u00a089\u20115550", "+49895550"),
        ("", None),
        ("5550", None),
        ("+0 89 5550 1234", None),
        ("+49 89 5550 1234 ext 7", None),
        ("+49 89 5550 1234 5678 9", None),
        ("reception", None),
        ("+٤٩٨٩٥٥٥٠١٢٣٤", None),
    ],
)
def test_numbers_are_read_as_people_write_them(phone: str, number: str | None) -> None:
    assert e164(phone, "49") == number


def test_a_national_number_is_nobodys_where_no_country_is_said() -> None:
    assert e164("089 5550 1234") is None
