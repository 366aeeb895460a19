"""Arabic in an English sentence, and the other way round: each keeps its order."""

import pytest
from django.utils import translation

from notifications.wording.directions import all_apart, direction_of, usual
from notifications.wording.sentences import say
from tests.notifications.wording.test_render import one_text, read, version_of

MUHAMMAD, INVOICE = "محمد علي", "فاتورة 4711"
APART = f"\u2068{MUHAMMAD}\u2069"


def test_names_are_set_apart_only_where_directions_differ() -> None:
    with translation.override("en"):
        assert say("already_approve", name="Bob", when="at 09:00") == "Already approved by Bob at 09:00."
        assert say("already_approve", name=MUHAMMAD, when="at 09:00") == f"Already approved by {APART} at 09:00."
    with translation.override("ar"):
        assert all_apart(name="Bob", count=3) == {"name": "\u2068Bob\u2069", "count": "\u20683\u2069"}


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Approve", "ltr"),
        (INVOICE, "rtl"),
        ("4711: فاتورة", "rtl"),
        ("4711", "rtl"),
        (f"{APART} asks", "ltr"),
        ("", "rtl"),
    ],
)
def test_the_direction_of_a_text_is_that_of_its_own_first_letter(text: str, direction: str) -> None:
    assert direction_of(text, "rtl") == direction


def test_languages_say_their_direction() -> None:
    known = {"en": "auto", "fr-CA": "auto", "ar": "rtl", "he": "rtl", "fa-IR": "rtl", "ur": "rtl", "nonsense": "auto"}

    assert {language: usual(language) for language in known} == known


@pytest.mark.django_db
def test_values_of_templates_are_set_apart_in_sentences() -> None:
    version = one_text("{{ who }} asks about “{{ task.name }}”", "{{ note }}\n\nFor {{ who }}.", "{{ who }}")

    said = read(version, {"who": MUHAMMAD, "task": {"name": "Invoice"}, "note": f"{INVOICE}\n{INVOICE}"})

    assert said.title == f"{APART} asks about “Invoice”"
    assert said.body == f"{INVOICE}\n{INVOICE}\n\nFor {APART}."
    assert said.short_body == MUHAMMAD  # nothing is around it


@pytest.mark.django_db
def test_what_came_with_a_value_sets_nothing_apart() -> None:
    said = read(one_text("{{ who }} asks, {{ how }}"), {"who": f"\u2067{MUHAMMAD}\u2069\u202e", "how": "\u2068twice"})

    assert said.title == f"{APART} asks, twice"


@pytest.mark.django_db
def test_in_a_language_from_right_to_left_values_from_left_to_right_are_set_apart() -> None:
    said = read(version_of(("ar", "", "الموافقة على {{ task.name }}!", "", "")), language="ar")

    assert said.title == "الموافقة على \u2068Approve invoice 4711\u2069!"
