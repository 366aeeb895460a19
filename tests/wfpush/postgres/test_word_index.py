"""Rows by their words and ids."""

import pytest

from notifications.models import Recipient
from notifications.models.people import PERSON_WORDS
from wfpush.postgres.word_index import PARTING, having

pytestmark = pytest.mark.django_db


def person(name: str, ref: str = "1") -> None:
    Recipient.objects.create(name=name, ref=ref)


def finds(words: str, *, whole: bool = False) -> bool:
    condition = having(PERSON_WORDS, words, whole=whole)
    return condition is not None and Recipient.objects.filter(condition).exists()


def test_words_are_found_by_how_they_begin_in_any_order() -> None:
    person("Invoice INV-4711/2 of Acme")
    for words in ("invoice", "INVO", "4711", "inv-4711", "acme invoice", "Acme, 4711?"):
        assert finds(words), words
    for words in ("voice", "invoices", "711", "acme globex"):
        assert not finds(words), words


def test_one_letter_is_a_whole_word() -> None:
    person("Gate 7 north")
    assert finds("7")
    assert finds("gate 7")
    assert not finds("n")
    assert not finds("gate n")


def test_words_may_be_wanted_whole() -> None:
    person("Invoice 4711", "C-9")
    for words in ("invoice 4711", "4711", "c-9"):
        assert finds(words, whole=True), words
    for words in ("invo 4711", "471", "c-"):
        assert not finds(words, whole=True), words


def test_ids_are_kept_whole() -> None:
    person("", "order:2026/0815#b")
    assert finds("order:2026/0815#b")
    assert finds("ORDER:2026/08")
    assert not finds("0815"), "words of an id are none"


@pytest.mark.parametrize("letters", ["Übergabe", "übergabe", "ÜBERGABE", "ÜberGabe"])
def test_capitals_do_not_matter_whatever_the_locale_of_the_database(letters: str) -> None:
    person("Übergabe")
    assert finds(letters)


@pytest.mark.parametrize("name", [PARTING, "", "   ", "\N{GRINNING FACE}" * 200, "İ" * 200, "a " * 100])
def test_every_name_can_be_kept(name: str) -> None:
    person(name, "\\'&|!")
    assert finds("\\'&|!")


@pytest.mark.parametrize("words", ["", "%", "'", "&", "!", ":*", "''''"])
def test_signs_alone_ask_for_nothing(words: str) -> None:
    person("100% of 'all' & !more:*")
    assert not finds(words)
