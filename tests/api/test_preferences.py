"""How people are reached, by the API: chosen by themselves, or by engines for them."""

from typing import Any

import pytest

from notifications.models import Category, CategoryChoice, Engine, Preferences, QuietHours, Scope
from tests.factories import BrandFactory, RecipientFactory
from tests.support.api import Caller, engine_caller, is_problem, person_caller, pointers
from tests.support.story import Story

MINE = "/api/v1/preferences"
NIGHT = {"days": ["mon", "fri"], "from": "22:00", "to": "07:00"}
CHOSEN = {
    "categories": {"approvals": {"channels": {"email": False}, "frequency": "digest"}},
    "quiet_hours": [NIGHT],
    "quiet_on_holidays": True,
    "digest_times": ["07:30"],
    "repeat_pause": 30,
    "most_an_hour": 10,
}
NOTHING: dict[str, Any] = {
    "categories": {},
    "quiet_hours": [],
    "quiet_on_holidays": False,
    "digest_times": [],
    "repeat_pause": 60,
    "most_an_hour": None,
}


@pytest.fixture
def bob(story: Story) -> Caller:
    return person_caller(story.bob)


def chosen(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "effective"}


def test_bob_chooses_and_what_he_leaves_out_is_as_usual_again(story: Story, bob: Caller) -> None:
    assert chosen(bob.get(MINE)) == NOTHING
    Category.objects.filter(slug="approvals").update(mandatory=["webpush"], mandatory_reason="It is the law.")

    answer = bob.put(MINE, CHOSEN)

    assert answer.status_code == 200 and chosen(answer) == CHOSEN == chosen(bob.get(MINE))
    effective = answer.json()["effective"]
    assert set(effective) == set(Category.objects.values_list("slug", flat=True))
    assert effective["approvals"]["channels"]["email"] == {"on": False, "mandatory": False}
    assert effective["approvals"]["channels"]["webpush"] == {"on": True, "mandatory": True}
    assert (effective["approvals"]["frequency"], effective["approvals"]["mandatory_reason"]) == (
        "digest",
        "It is the law.",
    )
    assert chosen(bob.put(MINE, bob.get(MINE).json())) == CHOSEN  # what comes out goes in
    assert chosen(bob.put(MINE, {"quiet_hours": [NIGHT]})) == {**NOTHING, "quiet_hours": [NIGHT]}
    assert not CategoryChoice.objects.exists()
    assert chosen(bob.put(MINE, {})) == NOTHING
    assert person_caller(story.carol).get(MINE).json()["quiet_hours"] == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"categories": {"gossip": {}}}, "/categories/gossip"),
        ({"categories": {"approvals": {"channels": {"live": False}}}}, "/categories/approvals/channels/live"),
        ({"categories": {"approvals": {"channels": {"a/b": False}}}}, "/categories/approvals/channels/a~1b"),
        ({"categories": {"approvals": {"channels": {"email": "no"}}}}, "/categories/approvals/channels/email"),
        ({"categories": {"approvals": {"frequency": "never"}}}, "/categories/approvals/frequency"),
        ({"quiet_hours": [{**NIGHT, "days": []}]}, "/quiet_hours/0/days"),
        ({"quiet_hours": [{**NIGHT, "days": [0]}]}, "/quiet_hours/0/days/0"),
        ({"quiet_hours": [{**NIGHT, "from": "22"}]}, "/quiet_hours/0/from"),
        ({"quiet_hours": [{**NIGHT, "to": "24:00"}]}, "/quiet_hours/0/to"),
        ({"quiet_hours": [{"days": ["mon"], "from": "22:00"}]}, "/quiet_hours/0/to"),
        ({"quiet_hours": [NIGHT, NIGHT]}, "/quiet_hours/1"),
        ({"quiet_hours": [NIGHT] * 21}, "/quiet_hours"),
        (
            {
                "quiet_hours": [
                    {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "00:00"}
                ]
            },
            "/quiet_hours",
        ),
        ({"quiet_on_holidays": "yes"}, "/quiet_on_holidays"),
        ({"digest_times": ["08:00", "08:00"]}, "/digest_times/1"),
        ({"digest_times": ["8:00"]}, "/digest_times/0"),
        ({"repeat_pause": 4}, "/repeat_pause"),
        ({"most_an_hour": True}, "/most_an_hour"),
        ({"most_an_hour": 0}, "/most_an_hour"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(bob: Caller, given: dict[str, Any], pointer: str) -> None:
    answer = bob.put(MINE, {"repeat_pause": 5, **given})

    assert pointers(answer) == [pointer]
    assert not Preferences.objects.exists() and not QuietHours.objects.exists()


def test_engines_choose_for_their_customers_and_with_the_directory_for_everybody(story: Story) -> None:
    RecipientFactory(ref="C-9", engine=story.engine, brand=BrandFactory())
    RecipientFactory(ref="theirs", engine=Engine.objects.create(slug="other", name="Other"))
    keys = {
        scope: engine_caller(story.engine, scopes=[scope]) for scope in (Scope.PEOPLE, Scope.DIRECTORY, Scope.EVENTS)
    }
    customer, employee = "/api/v1/recipients/C-9/preferences", "/api/v1/recipients/bob/preferences"

    assert chosen(keys[Scope.PEOPLE].put(customer, CHOSEN)) == CHOSEN == chosen(keys[Scope.PEOPLE].get(customer))
    assert chosen(keys[Scope.DIRECTORY].put(employee, CHOSEN)) == chosen(person_caller(story.bob).get(MINE))
    assert is_problem(keys[Scope.PEOPLE].put(employee, {}), 403, "scope_missing")
    assert is_problem(keys[Scope.PEOPLE].get(employee), 403, "scope_missing")
    assert is_problem(keys[Scope.EVENTS].get(customer), 403, "scope_missing")
    assert is_problem(keys[Scope.DIRECTORY].get("/api/v1/recipients/theirs/preferences"), 404, "not_found")
    assert is_problem(keys[Scope.DIRECTORY].put("/api/v1/recipients/nobody/preferences", {}), 404, "not_found")
