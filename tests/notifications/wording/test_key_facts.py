"""The values by which Bob decides: as the template names them and the event has them, as he reads them."""

from typing import Any

import pytest

from notifications.models import FactKind, Notification, Recipient, TemplateFact, TemplateVersion
from notifications.types import Json
from notifications.wording import key_facts
from notifications.wording.key_facts import KeyFact, WrittenFact, at_a_glance
from notifications.wording.template_check import check
from tests.factories import TemplateFactory

pytestmark = pytest.mark.django_db

INVOICE: Json = {
    "variables": {
        "amount": 1200.5,
        "currency": "EUR",
        "vendor": "Acme GmbH",
        "pieces": 12000,
        "delivery": "2026-12-03",
        "paid_at": "2026-12-03T23:30:00Z",
    },
    "task": {"initiator": "Alice"},
}


def version_with(*facts: tuple[Any, ...]) -> TemplateVersion:
    """`facts`: kind, path, and perhaps labels and currency."""
    version: TemplateVersion = TemplateFactory().versions.get()
    for at, (kind, path, *more) in enumerate(facts):
        labels, currency = (*more, *({}, "")[len(more) :])
        version.facts.create(position=at, kind=kind, path=path, labels=labels, currency=currency)
    return version


def read(version: TemplateVersion, context: Json = INVOICE, language: str = "en", hidden: Any = ()) -> list[KeyFact]:
    return list(key_facts.read(version, language, context, hidden))


def written(facts: list[KeyFact], language: str = "en", timezone: str = "UTC") -> dict[str, str]:
    """As stored and read again: label to text."""
    return {each.label: each.text for each in kept(facts, language, timezone)}


def kept(facts: list[KeyFact], language: str = "en", timezone: str = "UTC") -> list[WrittenFact]:
    reader = Recipient(ref="bob", timezone=timezone, locale=language)
    return key_facts.facts_of(Notification(recipient=reader, language=language, details=key_facts.stored(facts)))


ALL = (
    (FactKind.MONEY, "variables.amount", {"en": "Amount", "de": "Betrag"}),
    (FactKind.TEXT, "variables.vendor", {"en": "Vendor", "de": "Lieferant"}),
    (FactKind.PERSON, "task.initiator", {"en": "Asked by", "de": "Angefragt von"}),
    (FactKind.NUMBER, "variables.pieces", {"en": "Pieces", "de": "Stück"}),
    (FactKind.DATE, "variables.delivery", {"en": "Delivery", "de": "Lieferung"}),
    (FactKind.DATETIME, "variables.paid_at", {"en": "Paid", "de": "Bezahlt"}),
)


def test_each_is_written_as_its_reader_writes_it() -> None:
    facts = read(version_with(*ALL))

    assert written(facts) == {
        "Amount": "€1,200.50",
        "Vendor": "Acme GmbH",
        "Asked by": "Alice",
        "Pieces": "12,000",
        "Delivery": "3 December 2026",
        "Paid": "Thu, 3 Dec 2026, 23:30 UTC",
    }
    assert written(facts, timezone="Europe/Berlin")["Paid"] == "Fri, 4 Dec 2026, 00:30 CET"
    assert written(facts, timezone="America/New_York")["Delivery"] == "3 December 2026", "a day is the same everywhere"


def test_labels_are_in_the_messages_language_and_so_are_numbers() -> None:
    facts = read(version_with(*ALL), language="de-AT")

    assert written(facts, "de") == {
        "Betrag": "1.200,50 €",
        "Lieferant": "Acme GmbH",
        "Angefragt von": "Alice",
        "Stück": "12.000",
        "Lieferung": "3. Dezember 2026",
        "Bezahlt": "Do., 3. Dez. 2026, 23:30 UTC",
    }


def test_they_come_in_the_order_of_their_positions() -> None:
    version = version_with(*ALL)
    version.facts.filter(path="variables.vendor").update(position=9)

    assert [fact.label for fact in read(version)][-1] == "Vendor"


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        ({"fr": "Montant"}, "Montant"),
        ({}, "Net amount"),
        ({"en": " "}, "Net amount"),
        ({"en": 7}, "Net amount"),
        ([], "Net amount"),
        ({"EN": "Net <b>sum</b>\u202e"}, "Net <b>sum</b>"),
        ({"en": "x" * 500}, "x" * 59 + "…"),
    ],
)
def test_a_fact_without_a_label_in_the_language_has_another(labels: Any, label: str) -> None:
    version = version_with((FactKind.MONEY, "variables.net_amount", labels))

    assert [fact.label for fact in read(version, {"variables": {"net_amount": 5}})] == [label]


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("", "€7.00"),
        ("USD", "$7.00"),
        ("variables.other", "£7.00"),
        ("variables.none", "7.00"),
        ("task.id", "7.00 T-1"),
    ],
)
def test_a_currency_is_beside_the_amount_at_a_path_or_the_templates_own(currency: str, text: str) -> None:
    version = version_with((FactKind.MONEY, "variables.net", {"en": "Net"}, currency))
    context = {"variables": {"net": "7", "currency": "EUR", "other": "GBP"}, "task": {"id": "T-1"}}

    assert written(read(version, context)) == {"Net": text}


@pytest.mark.parametrize("missing", [None, "", "  ", [], {}, "\u202e", [{}], {"lines": []}, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", FactKind.values)
def test_what_is_missing_is_left_out(kind: str, missing: Any) -> None:
    context = {"variables": {"value": missing}}

    assert read(version_with((kind, "variables.value"), (kind, "variables.elsewhere")), context) == []


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("money", "a lot", "a lot"),
        ("money", True, "yes"),
        ("money", "1e400", "1e400"),
        ("money", 10**200, "1" + "0" * 118 + "…"),
        ("money", "NaN", "NaN"),
        ("number", "Infinity", "Infinity"),
        ("number", "1E-999999", "0"),
        ("number", "0x10", "0x10"),
        ("number", [1, 2], "1, 2"),
        ("date", "tomorrow", "tomorrow"),
        ("date", 20261203, "20261203"),
        ("date", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59-14:00"),
        ("datetime", "2026-12-03", "3 December 2026"),
        ("datetime", "99999-01-01T00:00:00Z", "99999-01-01T00:00:00Z"),
        ("person", {"ref": "alice", "name": "Alice"}, "Alice"),
        ("person", {"ref": "alice"}, "alice"),
        ("person", ["Alice", {"name": "Bob"}], "Alice, Bob"),
        ("person", 7, "7"),
        ("text", 4711, "4711"),
        ("text", 1200.0, "1200"),
        ("text", {"deep": {"er": {"name": "x"}}}, ""),
        ("text", ["a", ["b", ["c", {"name": "d"}]]], "a, b, c, d"),
        ("text", [str(n) for n in range(50)], "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ("text", "<b onclick=x>Acme</b>", "<b onclick=x>Acme</b>"),
        ("text", "a\u202eb\u200b\nc\r\n\td\x00", "ab c d"),
        ("text", "x" * 10_000, "x" * 119 + "…"),
        ("text", "a" + "\u0301" * 10_000, "a" + "\u0301" * 5),
    ],
)
def test_a_value_of_another_kind_is_written_as_clean_short_text(kind: str, value: Any, text: str) -> None:
    facts = read(version_with((kind, "variables.value", {"en": "Value"})), {"variables": {"value": value}})

    assert written(facts).get("Value", "") == text


def test_lists_in_lists_without_end_are_no_fact() -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]

    assert read(version_with((FactKind.TEXT, "variables.value")), {"variables": {"value": value}}) == []


def test_what_is_stored_is_short() -> None:
    facts = read(version_with(*ALL[:3]), hidden=("task.initiator",))

    assert [fact.stored() for fact in facts] == [
        ["Amount", "money", 1200.5, "EUR"],
        ["Vendor", "text", "Acme GmbH"],
        ["Asked by", "person", "Alice", "", 1],
    ]


# --- lock screens ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "hidden", ["variables.amount", "variables", "variables.currency", "variables.lines.price", "documents.title"]
)
def test_no_lock_screen_shows_what_is_sensitive(hidden: str) -> None:
    facts = {
        "variables.amount": (FactKind.MONEY, "variables.amount"),
        "variables": (FactKind.TEXT, "variables.amount"),
        "variables.currency": (FactKind.MONEY, "variables.amount"),
        "variables.lines.price": (FactKind.TEXT, "variables.lines.0.price"),
        "documents.title": (FactKind.TEXT, "documents"),
    }
    context = {
        "variables": {"amount": 5, "currency": "EUR", "lines": [{"price": 77}]},
        "documents": [{"title": "Secret"}],
    }
    found = kept(
        read(
            version_with(facts[hidden], (FactKind.TEXT, "task.id")), {**context, "task": {"id": "T"}}, hidden=(hidden,)
        )
    )

    assert len(found) == 2
    assert at_a_glance(found, "") == "T"


def test_a_lock_screen_says_nothing_twice() -> None:
    facts = kept(read(version_with(*ALL[:4])))

    assert at_a_glance(facts, "") == "€1,200.50 · Acme GmbH · Asked by Alice · Pieces 12,000"
    assert at_a_glance(facts, "ACME GMBH wants €1,200.50") == "Asked by Alice · Pieces 12,000"
    assert at_a_glance(facts, "Acme GmbHs Malice 112,000") == "€1,200.50 · Acme GmbH · Asked by Alice · Pieces 12,000"


# --- without names --------------------------------------------------------------------------------------------------
def test_a_template_that_names_none_has_the_amount() -> None:
    assert written(read(version_with())) == {"Amount": "€1,200.50"}
    assert written(read(version_with(), language="de"), "de") == {"Betrag": "1.200,50 €"}
    assert read(version_with(), {"variables": {"amount": "much"}}) == []
    assert read(version_with(), {"variables": ["amount"]}) == []


def test_the_amount_of_an_older_message_is_shown_but_on_no_lock_screen() -> None:
    older = Notification(recipient=Recipient(ref="bob"), details={"variables": {"amount": 5, "currency": "EUR"}})
    facts = key_facts.facts_of(older)

    assert [each.text for each in facts] == ["€5.00"]
    assert at_a_glance(facts, "") == ""


# --- the version ----------------------------------------------------------------------------------------------------
def test_a_version_has_at_most_six() -> None:
    paths = [f"variables.n{number}" for number in range(7)]
    version = version_with(*((FactKind.TEXT, path) for path in paths))

    assert len(read(version, {"variables": {path[10:]: path for path in paths}})) == 6
    fatal = [problem for problem in check(version) if problem.fatal and isinstance(problem.text, TemplateFact)]
    assert [problem.message for problem in fatal] == ["A version has at most 6 key facts."]


def test_a_path_that_no_event_has_is_pointed_out() -> None:
    version = version_with((FactKind.MONEY, "variables.amout"), (FactKind.PERSON, "task.initiator"))
    problems = [problem for problem in check(version) if isinstance(problem.text, TemplateFact)]

    assert [(problem.where, problem.fatal) for problem in problems] == [("variables.amout, path", False)]
    assert "“variables.amout”" in problems[0].message


@pytest.mark.parametrize(
    ("kind", "value", "text", "kept"),
    [
        ("money", 401.34999999999997, "€401.35", 401.35),
        ("money", 0.1 + 0.2, "€0.30", 0.3),
        ("money", 0.6149999999999999, "€0.62", 0.62),
        ("money", 2.675, "€2.68", 2.68),
        ("money", -2.675, "-€2.68", -2.68),
        ("money", "401.349999", "€401.35", "401.35"),
        ("money", 1200.5, "€1,200.50", 1200.5),
        ("money", 12345678901234.56, "€12,345,678,901,234.56", 12345678901234.56),
        ("money", -0.0, "€0.00", 0),
        ("money", -0.001, "€0.00", 0),
        ("money", 1e-7, "€0.00", 0),
        ("money", 1e21, "1e+21", "1e+21"),
        ("money", 10**20, "100000000000000000000", "100000000000000000000"),
        ("number", 0.1 + 0.2, "0.3", 0.3),
        ("number", 1.0005, "1.001", 1.001),
        ("number", 12000, "12,000", 12000),
        ("number", -0.0, "0", 0),
        ("number", 1e-7, "0", 0),
    ],
)
def test_a_number_is_rounded_once_and_kept_as_it_is_shown(kind: str, value: Any, text: str, kept: Any) -> None:
    version = version_with((kind, "variables.value", {"en": "Value"}, "EUR"))

    [fact] = read(version, {"variables": {"value": value}})

    assert (fact.value, written([fact])["Value"]) == (kept, text)


def test_a_currency_without_cents_has_none() -> None:
    [fact] = read(version_with((FactKind.MONEY, "variables.value", {}, "JPY")), {"variables": {"value": 1234.5}})

    assert (fact.value, written([fact])["Value"]) == (1235, "¥1,235")
