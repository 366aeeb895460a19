"""Answers with values: checked against the task's form, recorded with what they were, told the engine with their types,
and never given where nobody can fill a form in."""

import json
from typing import Any

import pytest
from django.utils import timezone

from notifications.answers.respond import take_with_token
from notifications.answers.submission import Answer
from notifications.intake.eventdata import faults_of
from notifications.models import AnswerMapping, Callback, EventType, EventVariable, Response
from notifications.types import Json
from tests.factories import action_token
from tests.notifications.forms.invoice import APPROVED, ask, invoice_form
from tests.notifications.forms.rows import GIVEN, delivery_form
from tests.support.api import browser_of, engine_caller, is_problem, person_caller
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story() -> Story:
    """Bob is asked for an invoice's approval, and how much of it."""
    story = Story.begin()
    ask(story)
    return story


def answer(story: Story, values: Any, action: str = "approve", **more: Any) -> Any:
    copy = story.copy(story.bob)
    given = {"action": action, "revision": copy.revision, "values": values, **more}
    return person_caller(story.bob).post(f"/api/v1/notifications/{copy.pk}/responses", given)


def told() -> Json:
    data: Json = json.loads(Callback.objects.get().body)["data"]
    return data


# --- in ---------------------------------------------------------------------------------------------------------------
def test_an_event_with_a_wrong_form_is_refused_and_says_where() -> None:
    form = invoice_form()
    form["schema"]["properties"]["amount"]["minimum"] = "nothing"
    found = faults_of("task.assigned", {"task": {"id": "T", "name": "N", "assignee": "bob", "form": form}})
    assert [fault["pointer"] for fault in found] == ["/data/task/form/schema/properties/amount/minimum"]


def test_a_program_reads_the_form_with_its_defaults(story: Story) -> None:
    shown = person_caller(story.bob).get(f"/api/v1/notifications/{story.copy(story.bob).pk}").json()

    assert [each for each in shown["actions"] if "values" in each] == [
        {"action": "approve", "title": "Approve", "comment": "optional", "effect": "final", "values": "required"}
    ]
    fields = {each["name"]: each for each in shown["form"]["fields"]}
    assert fields["amount"] == {
        "name": "amount",
        "kind": "money",
        "label": "Amount",
        "help": "Of this invoice.",
        "required": True,
        "value": 1000,
        "minimum": 0,
        "maximum": 5000,
        "currency": "EUR",
    }
    assert fields["account"]["choices"] == [
        {"value": "travel", "label": "Travel"},
        {"value": "office", "label": "Office"},
    ]
    assert fields["checks"]["minItems"] == 2 and fields["pieces"]["whole"] is True


def test_a_task_without_form_has_none(story: Story) -> None:
    story.assign("T-43", assignee="carol")
    assert (
        person_caller(story.carol).get(f"/api/v1/notifications/{story.copy(story.carol, 'T-43').pk}").json()["form"]
        is None
    )


# --- checked ----------------------------------------------------------------------------------------------------------
def test_each_wrong_value_is_named(story: Story) -> None:
    refused = answer(story, {"amount": 9000, "cost_center": "x", "checks": ["price", "tax"]})

    assert is_problem(refused, 422, "invalid_values")
    assert refused.json()["errors"] == [
        {"pointer": "/values/amount", "detail": "Enter €5,000.00 or less."},
        {"pointer": "/values/account", "detail": "Choose one."},
        {"pointer": "/values/cost_center", "detail": "This does not have the required format."},
    ]
    assert not Response.objects.exists() and story.states() == {"bob": "open"}


@pytest.mark.parametrize(
    ("values", "action", "pointer"),
    [
        ({}, "approve", "/values/amount"),
        ({**APPROVED, "bonus": 5}, "approve", "/values/bonus"),
        ({"amount": 5}, "reject", "/values"),
        ({**APPROVED, "iban": "x" * 70_000}, "approve", "/values"),
    ],
)
def test_values_that_nobody_asked_for_or_that_are_missing(
    story: Story, values: Json, action: str, pointer: str
) -> None:
    refused = answer(story, values, action, comment="No.")
    assert is_problem(refused, 422, "invalid_values")
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_a_fault_of_a_cell_has_its_row_and_column(story: Story) -> None:
    ask(story, "T-43", form=delivery_form(), variables=GIVEN)
    path = f"/api/v1/notifications/{story.copy(story.bob, 'T-43').pk}"
    lines = person_caller(story.bob).get(path).json()["form"]["fields"][0]
    assert (lines["kind"], lines["sum"], lines["maxItems"], lines["value"][1]) == (
        "rows", "price", 4, {"article": "Valve", "price": 12.5}
    )  # fmt: skip
    assert [(each["name"], each["kind"]) for each in lines["columns"]][:3] == [
        ("article", "text"),
        ("pieces", "number"),
        ("price", "money"),
    ]

    def refused(*rows: Json) -> Any:
        said = {"action": "approve", "values": {"lines": rows}}
        return person_caller(story.bob).post(f"{path}/responses", said).json()

    problem = refused({"article": "A"}, {"article": "B", "price": -1})
    assert (problem["code"], problem["detail"]) == ("invalid_values", "Lines, Row 2, Price: Enter €0.00 or more.")
    assert problem["errors"] == [{"pointer": "/values/lines/1/price", "detail": "Enter €0.00 or more."}]
    assert refused({"article": "A", "colour": "red"})["errors"] == [
        {
            "pointer": "/values/lines/0/colour",
            "detail": "The table has no such column. It has article, pieces, price, state.",
        }
    ]
    assert refused({"article": "A", "price": 2})["values"] == {"lines": [{"article": "A", "price": 2}]}
    assert told()["types"] == {"lines": "json"} and told()["variables"]["lines"] == [{"article": "A", "price": 2}]


def test_a_page_hears_in_its_language_what_is_wrong_and_a_program_in_english(story: Story) -> None:
    story.bob.locale = "de"
    story.bob.save()
    path = f"/api/v1/notifications/{story.copy(story.bob).pk}/responses"
    said = {"action": "approve", "values": {"amount": 9000, "account": "office"}}

    page, program = (each(story.bob).post(path, said).json() for each in (browser_of, person_caller))

    assert page["errors"] == [{"pointer": "/values/amount", "detail": "Höchstens 5.000,00 €."}]
    assert program["errors"] == [{"pointer": "/values/amount", "detail": "Enter €5,000.00 or less."}]
    assert page["detail"] == program["detail"] == "Amount: Enter €5,000.00 or less."


def test_who_rejects_fills_nothing_in(story: Story) -> None:
    assert answer(story, {}, "reject", comment="No.").status_code == 201
    assert told()["variables"] == {}


def test_the_same_again_is_the_same_answer_and_another_amount_is_not(story: Story) -> None:
    first = answer(story, APPROVED)
    again = answer(story, {**APPROVED, "amount": 900.50, "note": APPROVED["note"].replace("\n", "\r\n")})
    other = answer(story, {**APPROVED, "amount": 1})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert is_problem(other, 409, "already_answered")


def test_the_form_that_counts_is_the_tasks_latest(story: Story) -> None:
    form = invoice_form()
    form["schema"]["properties"]["amount"]["maximum"] = 800
    story.happen("task.updated", {"task": {"id": "T-42", "form": form}}, minute=1)
    assert answer(story, APPROVED).json()["errors"][0]["detail"] == "Enter €800.00 or less."

    story.happen("task.updated", {"task": {"id": "T-42", "form": None}}, minute=2)
    assert "values" not in story.copy(story.bob).actions[1]
    assert answer(story, {}).status_code == 201


# --- recorded, and told -----------------------------------------------------------------------------------------------
def test_the_engine_gets_typed_variables_and_the_record_shows_what_was_changed(story: Story) -> None:
    shown = answer(story, APPROVED, comment="Nine came.").json()

    assert shown["values"] == {**APPROVED, "iban": None}
    assert told()["variables"] == APPROVED
    assert told()["types"] == {"amount": "double", "pay_on": "date", "checks": "json"}
    entry = Response.objects.get().values[0]
    assert (entry["name"], entry["value"], entry["before"], entry["currency"]) == ("amount", 900.5, 1000, "EUR")


def test_a_mapping_knows_the_values_and_goes_before_them(story: Story) -> None:
    variables = {"approved": {"type": "double", "value": "{{ values.amount }}"}, "cost_center": "4900"}
    AnswerMapping.objects.create(engine=story.engine, action="approve", variables=variables)
    answer(story, APPROVED)

    assert told()["variables"]["approved"] == 900.5 and told()["variables"]["cost_center"] == "4900"
    assert told()["types"]["approved"] == "double"


def test_what_the_event_type_calls_sensitive_is_not_shown(story: Story) -> None:
    event_type, _ = EventType.objects.get_or_create(name="task.assigned")
    EventVariable.objects.create(event_type=event_type, path="variables.cost_center", sensitive=True)
    assert answer(story, APPROVED).json()["values"]["cost_center"] is None
    assert told()["variables"]["cost_center"] == "4200"


def test_traces_hide_what_is_sensitive_and_the_engines_own_answer_has_all(story: Story) -> None:
    answer(story, APPROVED)
    caller = engine_caller(story.engine)
    task = caller.get("/api/v1/tasks/T-42").json()
    trace = caller.get(f"/api/v1/events/{story.task().assigned_event_id}").json()

    assert task["answers"][0]["values"] == APPROVED
    assert trace["answers"][0]["values"] == {**APPROVED, "iban": None}


# --- where no form can be filled in -----------------------------------------------------------------------------------
def test_a_lock_screens_button_opens_the_item_and_its_token_answers_nothing(story: Story) -> None:
    copy = story.copy(story.bob)
    token = action_token(copy, expires_at=timezone.now().replace(year=2100))
    refused = person_caller(story.bob).post("/api/v1/responses", {"token": token, "action": "approve"})

    assert is_problem(refused, 422, "invalid_values")
    assert not Response.objects.exists()


def test_an_app_may_fill_it_in_with_its_token(story: Story) -> None:
    token = action_token(story.copy(story.bob), expires_at=timezone.now().replace(year=2100))
    take_with_token(token, Answer("approve", values=APPROVED), now=timezone.now())
    assert Response.objects.get().values[0]["value"] == 900.5


def test_a_form_without_required_fields_can_be_left_empty(story: Story) -> None:
    form = invoice_form()
    form["schema"]["required"] = []
    ask(story, "T-43", form=form)
    path = f"/api/v1/notifications/{story.copy(story.bob, 'T-43').pk}/responses"

    assert browser_of(story.bob).post(path, {"action": "approve"}).status_code == 201
    assert told()["variables"] == {} and Response.objects.get().values == []
