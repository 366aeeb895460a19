"""Finding items by words."""

import pytest

from notifications.inbox import search
from notifications.items import search_index
from notifications.models import Notification, Recipient
from notifications.wording import key_facts
from tests.factories import CaseFactory, NotificationFactory, RecipientFactory, TaskFactory
from tests.support.length import some

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["read through", "gathered"])
def bob(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Recipient:
    """Who has three items: of an invoice, of a site visit, and of a Prüfung. People with very many find the same in
    what is gathered of them."""
    bob, alice = RecipientFactory(ref="bob"), RecipientFactory(ref="alice", name="Alice Ångström")
    case = CaseFactory(case_id="INV-004711", title="Purchase of vases")
    invoice = TaskFactory(task_id="3f2b-aa01", case=case, engine=case.engine, initiator=alice)
    facts = [["Amount", "money", 1200.5, "EUR"], ["Vendor", "text", "Acme GmbH"]]
    NotificationFactory(
        recipient=bob, task=invoice, title="Approve invoice", body="All companies agree.", details={"key_facts": facts}
    )
    visit = TaskFactory(case=None)
    NotificationFactory(
        recipient=bob, task=visit, title="Visit the site", body="100% of it, C:\\roof_1", on_behalf_of=alice
    )
    NotificationFactory(recipient=bob, task=None, title="Prüfung abgeschlossen", language="de")
    NotificationFactory(recipient=RecipientFactory(ref="carol"), title="Approve invoice 4711 of Acme")
    if request.param == "gathered":
        monkeypatch.setattr(search_index, "GATHERED_FROM", 1)
        assert search_index.gather() == 4
    return bob


def found(bob: Recipient, words: str, language: str = "en") -> list[str]:
    mine = Notification.objects.filter(recipient=bob).order_by("created_at", "id")
    titles = dict(mine.values_list("pk", "title"))
    return [titles[key] for key in search.matching_keys(mine, words, language, bob, 0, 50)]


@pytest.mark.parametrize(
    "words",
    some(["invoice", "INVOICES", "4711", "inv-0047", "vase", "acme gmbh", "gmbh acme", "1,200.50", "€1,200.50",
     "1200.5", "company", "3f2b", "aa01", "acme 1,200.50 ångström", "the invoice"], 10),
)  # fmt: skip
def test_an_item_is_found_by_every_part_of_it(bob: Recipient, words: str) -> None:
    assert found(bob, words)[:1] == ["Approve invoice"]


def test_people_are_found_whoever_they_are_for(bob: Recipient) -> None:
    assert found(bob, "alice") == ["Approve invoice", "Visit the site"]


@pytest.mark.parametrize("words", ["Prüfungen", "prüfung", "PRÜFUNGEN", "abgeschlossene"])
def test_words_are_bent_as_in_the_readers_language(bob: Recipient, words: str) -> None:
    assert found(bob, words, "de-AT") == ["Prüfung abgeschlossen"]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("prufung", ["Prüfung abgeschlossen"]),
        ("ANGSTROM", ["Approve invoice", "Visit the site"]),
        ("ångström invoice", ["Approve invoice"]),
        ("invoise", ["Approve invoice"]),
        ("angtröm", ["Approve invoice", "Visit the site"]),
        ("Pruefung", ["Prüfung abgeschlossen"]),
        ("acmee gmbh", ["Approve invoice"]),
        ("viist", ["Visit the site"]),
        ("invioce", ["Approve invoice"]),
        ("innvoice", ["Approve invoice"]),
        ("invoicee", ["Approve invoice"]),
        ("invoise 4711", ["Approve invoice"]),
        ("invoise 4712", []),
        ("nvoice", ["Approve invoice"]),
        ("voiec", []),
        ("inovise", []),
        ("4712", []),
        ("acm(e", []),
    ],
)
def test_marks_make_no_difference_and_one_error_is_forgiven(bob: Recipient, words: str, titles: list[str]) -> None:
    assert found(bob, words) == titles


def test_errors_are_forgiven_only_where_nothing_is_written_like_that(bob: Recipient) -> None:
    NotificationFactory(recipient=bob, title="The voice of Bob")
    NotificationFactory(recipient=bob, title="Prufing")

    assert found(bob, "prufing") == ["Prufing"]
    mine = Notification.objects.filter(recipient=bob)
    assert search.matching_keys(mine, "prufing", "en", bob, 1, 50) == []


def test_numbers_are_read_in_the_readers_language(bob: Recipient) -> None:
    assert found(bob, "1.200,50", "de") == ["Approve invoice"]
    assert found(bob, "1.200,50 €", "de")[:1] == ["Approve invoice"]


def test_what_is_shown_is_found(bob: Recipient) -> None:
    facts = key_facts.usual("en", {"variables": {"amount": 401.34999999999997, "currency": "EUR"}}, ())
    noisy = NotificationFactory(recipient=bob, title="Noisy", details={"key_facts": [fact.stored() for fact in facts]})

    assert [fact.text for fact in key_facts.facts_of(noisy)] == ["€401.35"]
    assert found(bob, "€401.35") == found(bob, "401,35 €", "de") == ["Noisy"]


def test_signs_that_mean_something_to_a_database_mean_themselves(bob: Recipient) -> None:
    assert found(bob, "100%") == ["Visit the site"]
    assert found(bob, "roof_1") == ["Visit the site"]
    assert found(bob, "C:\\roof") == ["Visit the site"]
    for words in ("%", "'", '"', "a'b", "\\", "&|!():*", "$1", "%s", "{}"):
        found(bob, words)
    assert found(bob, "10_%") == []


def test_every_word_has_to_be_there(bob: Recipient) -> None:
    assert found(bob, "acme visit") == []
    assert found(bob, "nothing of the kind") == []


@pytest.mark.parametrize("words", ["vendor", "money", "EUR"])
def test_labels_and_kinds_of_facts_are_not_searched(bob: Recipient, words: str) -> None:
    assert found(bob, words) == []


def test_words_that_mean_nothing_are_looked_for_if_there_are_no_others(bob: Recipient) -> None:
    assert found(bob, "all") == ["Approve invoice"]
    assert found(bob, "") == ["Approve invoice", "Visit the site", "Prüfung abgeschlossen"]


@pytest.mark.parametrize("language", ["ja", "xx", "", "fr-CA", "nonsense-language"])
def test_other_languages_find_words_as_they_are_written(bob: Recipient, language: str) -> None:
    assert found(bob, "invoice", language) == ["Approve invoice"]
