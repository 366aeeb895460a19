"""What a person sends with an answer: what was declared and no more, never in the place of ours or of the task's."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from notifications import errors
from notifications.answers.respond import take_with_token
from notifications.answers.submission import Answer
from notifications.engines import connection_test
from notifications.engines.connection_test import Sample
from notifications.intake.eventdata import faults_of
from notifications.models import AnswerMapping, Callback, EventType, EventVariable, Response
from notifications.models.validators import is_ours
from notifications.types import Json
from tests.factories import action_token
from tests.support.api import is_problem, person_caller
from tests.support.length import LONG, some
from tests.support.story import Story

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.soak]

LOOKALIKES = [
    "wfpush_outcome",
    "WFPUSH_BY",
    "Wfpush_Answer",
    " wfpush_by",
    "wfpush_by\u200b",
    "wf\u00adpush_outcome",
    "\ufeffwfpush_outcome",
    "ｗｆｐｕｓｈ＿ｏｕｔｃｏｍｅ",
    "wfpuſh_outcome",
    "𝐰𝐟𝐩𝐮𝐬𝐡_outcome",
    "\u202ewfpush_by",
]


@pytest.fixture
def story() -> Story:
    return Story.begin()


def sent(story: Story, variables: Json) -> Any:
    path = f"/api/v1/notifications/{story.copy(story.bob).pk}/responses"
    return person_caller(story.bob).post(path, {"action": "approve", "variables": variables})


def told() -> Json:
    data: Json = json.loads(Callback.objects.get().body)["data"]
    return data


def test_bob_rejects_and_cannot_have_the_engine_told_that_root2_approved(story: Story) -> None:
    story.assign()

    refused = sent(story, {"wfpush_outcome": "approved", "wfpush_by": "root2"})

    assert is_problem(refused, 422, "invalid_answer")
    assert [error["pointer"] for error in refused.json()["errors"]] == [
        "/variables/wfpush_outcome",
        "/variables/wfpush_by",
    ]
    assert "wfpush's own" in refused.json()["detail"]
    assert not Response.objects.exists() and story.states() == {"bob": "open"}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_no_way_of_writing_our_names_gets_through(story: Story, name: str) -> None:
    story.let_people_set("cost_centre")
    story.assign(answer_variables=["limit"])

    assert is_ours(name)
    assert is_problem(sent(story, {name: "approved", "cost_centre": "4100"}), 422, "invalid_answer")


def test_what_nobody_declared_is_refused_with_what_the_task_takes(story: Story) -> None:
    story.assign()
    assert sent(story, {"approvalStatus": "approved"}).json()["detail"].endswith("It takes none.")

    story.let_people_set("cost_centre")
    story.assign(answer_variables=["limit"], minute=1)
    refused = sent(story, {"cost_centre": "4100", "amount": 1})
    assert refused.json()["detail"].endswith("It takes cost_centre, limit.")
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/variables/amount"]

    assert sent(story, {"cost_centre": "4100", "limit": 5}).status_code == 201
    assert told()["variables"] == {"cost_centre": "4100", "limit": 5}


def test_a_type_with_a_prefix_takes_what_its_own_row_and_that_of_the_behaviour_declare(story: Story) -> None:
    story.let_people_set("cost_centre")
    story.let_people_set("region", type="com.acme.task.assigned")
    data = {"task": {"id": "T-42", "name": "Approve", "assignee": "bob"}}
    story.happen("com.acme.task.assigned", data)

    assert sent(story, {"cost_centre": "4100", "region": "north"}).status_code == 201


def test_a_thousand_refused_variables_make_a_short_answer(story: Story) -> None:
    story.assign()

    refused = sent(story, {f"{'x' * 500}{number}": 1 for number in range(80)})

    assert is_problem(refused, 422, "invalid_answer")
    assert len(refused.json()["errors"]) == 20 and len(refused.content) < 10_000


def test_a_token_of_a_lock_screen_or_an_e_mail_sets_no_more(story: Story) -> None:
    story.assign()
    token = action_token(story.copy(story.bob), expires_at=timezone.now() + timedelta(hours=1))

    with pytest.raises(errors.InvalidAnswer, match="It takes none"):
        take_with_token(token, Answer("approve", variables={"approved": True}), now=timezone.now())
    assert not Response.objects.exists()


def test_what_was_recorded_before_is_found_again_whatever_is_declared_now(story: Story) -> None:
    story.let_people_set("cost_centre")
    story.assign()
    assert sent(story, {"cost_centre": "4100"}).status_code == 201

    EventVariable.objects.filter(path="variables.cost_centre").delete()

    assert sent(story, {"cost_centre": "4100"}).status_code == 200


@pytest.mark.parametrize("declared", ["approved", "Approved"])
def test_what_the_mapping_sets_is_never_the_persons_even_where_it_cannot_be_filled_in(
    story: Story, declared: str
) -> None:
    broken = {"approved": {"type": "boolean", "value": "{{ variables.nowhere }}"}}
    AnswerMapping.objects.create(engine=story.engine, action="approve", variables=broken)
    story.assign(answer_variables=[declared, "note"])

    assert sent(story, {declared: True, "note": "x"}).status_code == 201

    assert told()["variables"] == {"note": "x"}


def test_templates_of_a_mapping_read_the_tasks_amount_and_not_the_persons(story: Story) -> None:
    mapped = {"paid": {"type": "double", "value": "{{ variables.amount }}"}, "by_cost": "{{ variables.cost_centre }}"}
    AnswerMapping.objects.create(engine=story.engine, action="approve", variables=mapped)
    story.assign(answer_variables=["amount", "cost_centre"])

    assert sent(story, {"amount": 9_999_999, "cost_centre": "4100"}).status_code == 201

    assert told()["variables"] == {"amount": 9_999_999, "cost_centre": "4100", "paid": 1200.5, "by_cost": "4100"}


def test_an_engine_cannot_declare_ours_nor_an_administrator(story: Story) -> None:
    task = {"id": "T-1", "name": "Approve", "assignee": "bob"}
    names = ["cost_centre", "WFPUSH_by", "a b", "wfр" + "ush_by", 5]
    faults = faults_of("task.assigned", {"task": {**task, "answer_variables": names}})
    assert [fault["pointer"] for fault in faults] == [f"/data/task/answer_variables/{at}" for at in (1, 2, 3, 4)]

    type = EventType.objects.get(name="task.assigned")
    for path in ("variables.wfpush_by", "variables.Wfpush_by", "task.name", "variables.a.b", "variables"):
        with pytest.raises(ValidationError, match="People can set"):
            EventVariable(event_type=type, path=path, settable=True).clean()
    EventVariable(event_type=type, path="variables.cost_centre", settable=True).clean()


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=10)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS | st.sampled_from(["approved", "root2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from([*LOOKALIKES, "wfpush_comment", "outcome", "action", "by", "approved"]) | TEXTS


@pytest.mark.parametrize("kind", some(["opentext", "flowable", "camunda7", "camunda8"], 2))
@bounds(max_examples=40 if LONG else 15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.dictionaries(NAMES, VALUES, max_size=6), mapped=st.dictionaries(NAMES, VALUES, max_size=3))
def test_whatever_is_sent_and_mapped_the_engine_is_told_our_outcome_and_by(
    story: Story, kind: str, said: Json, mapped: Json
) -> None:
    """By the code that sends, without the guard before it: as an answer that an older version has recorded."""
    story.engine.kind, story.engine.callback_url = kind, "https://engine.example/rest"
    story.engine.save()
    AnswerMapping.objects.update_or_create(engine=story.engine, action="reject", defaults={"variables": mapped})

    completion = connection_test.preview(story.engine, Sample("reject", comment="", variables=said))[-1].body

    assert completion is not None
    heard = variables_in(completion)
    assert (heard["wfpush_outcome"], heard["wfpush_by"]) == ("rejected", "bob")
    ours = {"wfpush_outcome", "wfpush_by", "wfpush_answer", "wfpush_revision"}
    assert {name for name in heard if is_ours(name)} == ours
    assert completion.get("outcome", "rejected") == "rejected"
    assert completion.get("action", "complete") == ("reject" if kind == "camunda8" else "complete")


def variables_in(completion: Json) -> Json:
    """Name to value, whichever way the engine writes them; each name once."""
    said = completion["variables"]
    if isinstance(said, list):
        assert len({each["name"] for each in said}) == len(said)
        return {each["name"]: each["value"] for each in said}
    return {
        name: value["value"] if isinstance(value, dict) and "value" in value else value for name, value in said.items()
    }
