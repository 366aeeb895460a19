"""Rows by their words and ids."""

import pytest

from notifications.models import Case
from notifications.models.events import CASE_WORDS
from tests.factories import EngineFactory
from wfpush.postgres.words import PARTING, having

pytestmark = pytest.mark.django_db


def case(title: str, case_id: str = "1") -> Case:
    return Case.objects.create(engine=EngineFactory(), title=title, case_id=case_id)


def finds(words: str, *, whole: bool = False) -> bool:
    condition = having(CASE_WORDS, words, whole=whole)
    return condition is not None and Case.objects.filter(condition).exists()


def test_words_are_found_by_how_they_begin_in_any_order() -> None:
    case("Invoice INV-4711/2 of Acme")
    for words in ("invoice", "INVO", "4711", "inv-4711", "acme invoice", "Acme, 4711?"):
        assert finds(words), words
    for words in ("voice", "invoices", "711", "acme globex"):
        assert not finds(words), words


def test_one_letter_is_a_whole_word() -> None:
    case("Gate 7 north")
    assert finds("7")
    assert finds("gate 7")
    assert not finds("n")
    assert not finds("gate n")


def test_words_may_be_wanted_whole() -> None:
    case("Invoice 4711", "C-9")
    for words in ("invoice 4711", "4711", "c-9"):
        assert finds(words, whole=True), words
    for words in ("invo 4711", "471", "c-"):
        assert not finds(words, whole=True), words


def test_ids_are_kept_whole() -> None:
    case("", "order:2026/0815#b")
    assert finds("order:2026/0815#b")
    assert finds("ORDER:2026/08")
    assert not finds("0815"), "words of an id are none"


@pytest.mark.parametrize("letters", ["Übergabe", "übergabe", "ÜBERGABE", "ÜberGabe"])
def test_capitals_do_not_matter_whatever_the_locale_of_the_database(letters: str) -> None:
    case("Übergabe")
    assert finds(letters)


@pytest.mark.parametrize("title", [PARTING, "", "   ", "\N{GRINNING FACE}" * 300, "İ" * 300, "a " * 150])
def test_every_title_can_be_kept(title: str) -> None:
    case(title, "\\'&|!")
    assert finds("\\'&|!")


@pytest.mark.parametrize("words", ["", "%", "'", "&", "!", ":*", "''''"])
def test_signs_alone_ask_for_nothing(words: str) -> None:
    case("100% of 'all' & !more:*")
    assert not finds(words)
