"""Text that engines send is kept as people wrote it, without what could deceive who reads it."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.wording.plaintext import (
    MOST_MARKS,
    MOST_PARTS,
    clean,
    clean_line,
    cut,
    escape_hidden,
    escape_hidden_in_json,
    show_hidden_characters,
)

RIGHT_TO_LEFT_OVERRIDE, ISOLATE, POP = "\u202e", "\u2066", "\u2069"
ZWJ, ZWNJ, VARIATION = "\u200d", "\u200c", "\ufe0f"
TURNING = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
FAMILY = ZWJ.join("👨👩👧")
RAINBOW_FLAG = f"🏳{VARIATION}{ZWJ}🌈"
CODER = f"👩🏽{ZWJ}💻"


def test_a_title_is_one_line_and_no_header_can_hide_in_it() -> None:
    assert clean_line("Approve\r\nBcc: mallory@example.org\n\n") == "Approve Bcc: mallory@example.org"
    assert clean_line("Approve\u2028the\x0b\x0cinvoice\u2029now\x85!") == "Approve the invoice now !"


def test_french_punctuation_stays_with_its_word_and_no_other_space_is_kept() -> None:
    assert clean_line("Dossier\u00a0: «\u202freçu\u202f»  ?") == "Dossier\u00a0: «\u202freçu\u202f» ?"
    assert clean_line("10\u00a0000  \u00a0 Euros «\u00a0 x") == "10 000 Euros « x"


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


REAL_TEXT = {
    "Thai": "กรุณาอนุมัติใบแจ้งหนี้ที่ ๔๗๑๑ น้ำผึ้ง ปู่ย่าตายาย",
    "Lao": "ກະລຸນາອະນຸມັດໃບເກັບເງິນ ເຂົ້າ ນ້ຳ",
    "Vietnamese in single marks": unicodedata.normalize("NFD", "Vui lòng phê duyệt hoá đơn Nguyễn Thị Ngữ"),
    "Hebrew with vowels": "שָׁלוֹם עֲלֵיכֶם לְאַשֵּׁר אֶת הַחֶשְׁבּוֹנִית",
    "Hebrew to be sung": "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים אֵ֥ת הַשָּׁמַ֖יִם",
    "Arabic with vowels": "بِسْمِ ٱللَّهِ ٱلرَّحْمَـٰنِ ٱلرَّحِيمِ",
    "Persian": "می‌خواهم این صورت‌حساب‌ها را تأیید کنم",
    "Hindi": "कृपया चालान ४७११ स्वीकृत करें र्‍य क्‍ष ज़्यादा",
    "Tibetan": "བསྒྲུབས་ ཧཱུྃ་ རྐྱེན་",
    "Burmese": "မြို့ ကျွန်ုပ် ငွေတောင်းခံလွှာ",
    "Yoruba": unicodedata.normalize("NFD", "Ẹ jọ̀wọ́ ẹ fọwọ́ sí ìwé owó"),
    "keycaps and faces": "1️⃣ 👩🏽‍💻 🏳️‍🌈 👨‍👩‍👧‍👦 ❤️‍🔥",
}


@pytest.mark.parametrize("language", REAL_TEXT)
def test_what_people_really_write_stays_as_it_is(language: str) -> None:
    text = REAL_TEXT[language]
    assert clean_line(text) == text
    assert clean(text) == text
    assert escape_hidden(text) == text


@pytest.mark.parametrize("mark", ["\u0301", "\u0323", "\u20dd", "\u0e49", "\u0e47", "\u064b", "\u05b0", "\u0489"])
def test_hundreds_of_marks_on_one_letter_become_a_few(mark: str) -> None:
    piled = "H" + mark * 300 + "e" + (mark + ZWJ) * 300
    for cleaner in (clean, clean_line, escape_hidden):
        assert cleaner(piled).count(mark) == 2 * MOST_MARKS
    assert clean_line(piled)[0] == "H"
    assert clean_line("न" + "\u093f" * 300) == "न" + "\u093f" * MOST_PARTS


piles = st.text(
    st.sampled_from("aéनก \n1️👩\u0301\u0323\u0489\u0e47\u0e49\u05b0\u093f\u094d\u200c\u200d\u202e\ufe0f\U000e0041"),
    max_size=60,
)


@given(piles)
def test_cleaning_what_is_clean_changes_nothing_however_it_was_piled(text: str) -> None:
    for cleaner in (clean, clean_line, escape_hidden):
        cleaned = cleaner(text)
        assert cleaner(cleaned) == cleaned
        assert longest_pile(cleaned) <= MOST_MARKS + MOST_PARTS


def longest_pile(text: str) -> int:
    longest = current = 0
    for each in text:
        if unicodedata.category(each).startswith("M"):
            current += 1
        elif each not in (ZWJ, ZWNJ):
            current = 0
        longest = max(longest, current)
    return longest


def test_an_operator_sees_what_was_hidden() -> None:
    assert (
        escape_hidden(f"invoice{RIGHT_TO_LEFT_OVERRIDE}fdp.exe\n\tap\u200bprove")
        == "invoice\\u202efdp.exe\n\tap\\u200bprove"
    )
    assert escape_hidden("a\U000e0041\x7f") == "a\\udb40\\udc41\\u007f"
    assert escape_hidden(f"ap{ZWJ}prove") == "ap\\u200dprove"


@given(st.recursive(st.text() | piles, lambda inner: st.lists(inner) | st.dictionaries(piles, inner), max_leaves=8))
def test_json_that_shows_everything_still_says_the_same(value: object) -> None:
    shown = escape_hidden_in_json(value, indent=2)
    assert json.loads(shown) == value
    assert not {unicodedata.bidirectional(each) for each in shown} & TURNING
    assert longest_pile(shown) <= MOST_MARKS + MOST_PARTS


def test_a_page_shows_what_was_hidden_and_leaves_the_fields_of_its_forms_alone() -> None:
    hidden = f"a{RIGHT_TO_LEFT_OVERRIDE}b"
    page = (
        f'<p title="{hidden}">{hidden}</p><input value="{hidden}"><textarea>{hidden}</textarea>'
        f"<script>{hidden}</script><b>{hidden}</b>"
    )
    shown = "a\\u202eb"
    assert show_hidden_characters(page) == (
        f'<p title="{shown}">{shown}</p><input value="{hidden}"><textarea>{hidden}</textarea>'
        f"<script>{hidden}</script><b>{shown}</b>"
    )


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


@pytest.mark.parametrize("blank", [" ", "\t", "\n", " \n", "\u00a0", "\u200b", "\u0301", "«\u00a0"])
def test_a_million_blanks_are_cleaned_while_somebody_waits(blank: str) -> None:
    text = f"a{blank * 1_000_000}b  \nc"

    assert clean_line(text).startswith("a")
    assert clean(text).endswith("b\nc")
