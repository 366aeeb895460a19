"""Text that engines send is kept as people wrote it, without what could deceive who reads it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.plaintext import clean, clean_line, cut

RIGHT_TO_LEFT_OVERRIDE, ISOLATE, POP = "\u202e", "\u2066", "\u2069"
ZWJ, ZWNJ, VARIATION = "\u200d", "\u200c", "\ufe0f"
TURNING = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
FAMILY = ZWJ.join("👨👩👧")
RAINBOW_FLAG = f"🏳{VARIATION}{ZWJ}🌈"
CODER = f"👩🏽{ZWJ}💻"


def test_a_title_is_one_line_and_no_header_can_hide_in_it() -> None:
    assert clean_line("Approve\r\nBcc: mallory@example.org\n\n") == "Approve Bcc: mallory@example.org"
    assert clean_line("Approve\u2028the\x0b\x0cinvoice\u2029now\x85!") == "Approve the invoice now !"


def test_a_body_keeps_its_lines_and_one_empty_line_between_them() -> None:
    assert clean("One  \r\ntwo\rthree\n\n\n\nfour\t\n") == "One\ntwo\nthree\n\nfour"


def test_control_characters_go() -> None:
    assert clean_line("Bob\x00 \x1b[31mred\x7f\x9b") == "Bob [31mred"
    assert clean("Bob\x00\x08\x1f\nis here\ud800") == "Bob\nis here"


def test_letters_are_not_turned_round() -> None:
    assert clean_line(f"invoice{RIGHT_TO_LEFT_OVERRIDE}fdp.exe") == "invoicefdp.exe"
    assert clean_line(f"{ISOLATE}Carol{POP} \u200e\u200f\u061cpays") == "Carol pays"


def test_nothing_is_hidden_between_letters() -> None:
    assert clean_line("ap\u200bpro\u2060ve\ufeff in\u00advoice\u180e\U000e0041\U000e0042") == "approve invoice"
    assert clean_line(f"ap{ZWJ}prove{ZWNJ}") == "approve"


@pytest.mark.parametrize("text", ["شكرا جزيلا", "מאשרים את חשבונית 4711", "תודה (Bob) רבה", "می‌خواهم", "नमस्‍ते"])
def test_right_to_left_and_joined_scripts_stay_as_they_are(text: str) -> None:
    assert clean_line(text) == text
    assert clean(text) == text


@pytest.mark.parametrize("emoji", [FAMILY, RAINBOW_FLAG, CODER, "🤷‍♀️", "🇩🇪", "👍🏿"])
def test_emoji_stay_whole(emoji: str) -> None:
    assert clean_line(f"Done {emoji}!") == f"Done {emoji}!"


def test_html_is_text() -> None:
    assert clean_line("<script>alert(1)</script> & <b>Bob</b>") == "<script>alert(1)</script> & <b>Bob</b>"


def test_a_cut_text_says_so() -> None:
    assert cut("Approve invoice 4711", 20) == "Approve invoice 4711"
    assert cut("Approve invoice 4711", 19) == "Approve invoice 47…"
    assert cut("Approve invoice 4711", 9) == "Approve…"


@pytest.mark.parametrize("letter", ["e\u0301", FAMILY, RAINBOW_FLAG, CODER, "🇩🇪", "न\u094d\u200d\u0924"])
def test_a_cut_never_goes_through_what_a_person_sees_as_one_character(letter: str) -> None:
    text = letter * 40
    for limit in range(len(letter) + 1, 4 * len(letter)):
        kept = cut(text, limit)
        assert kept.endswith("…")
        assert len(kept) <= limit
        assert kept[:-1] == letter * ((len(kept) - 1) // len(letter))


def test_marks_without_end_are_cut_all_the_same() -> None:
    assert cut("e" + "\u0301" * 500, 200) == "e" + "\u0301" * 198 + "…"


@given(st.text(), st.integers(min_value=2, max_value=60))
def test_whatever_comes_in_comes_out_clean_and_short(text: str, limit: int) -> None:
    for cleaner, allowed in ((clean_line, set()), (clean, {"\n"})):
        cleaned = cleaner(text)
        kept = cut(cleaned, limit)
        assert len(kept) <= limit
        assert {each for each in kept if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")} <= allowed
        assert not {unicodedata.bidirectional(each) for each in kept} & TURNING
        assert cleaner(cleaned) == cleaned
