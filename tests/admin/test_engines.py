"""Engines: how their words map to ours, and where their answers go."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from notifications.connectors import connector_for
from notifications.models import AnswerMapping, Callback, Engine, EventMapping
from notifications.reasons import said
from tests.admin.pages import add_row, filled, form_at, list_of, page_of, rows_of, save_form, text_of
from tests.admin.world import World
from tests.support.length import some

FLOWABLE_TASK = {
    "id": "8872",
    "name": "Approve invoice",
    "assignee": "bob",
    "createTime": "2026-11-25T09:00:00Z",
    "processInstanceId": "4711",
}


def test_an_engine_is_set_up_from_nothing(db: None, root: Client) -> None:
    answer = add_row(root, Engine, name="Claims", slug="claims", active="on", callback_url="https://claims.example/in")
    assert "was added successfully" in text_of(answer)
    assert Engine.objects.get(slug="claims").takes_answers


@pytest.mark.parametrize(
    ("address", "sentence"),
    some(
        [
            ("http://169.254.169.254/latest", "169.254.169.254"),
            ("http://localhost/in", "localhost"),
            ("ftp://engine.example/in", "The address must begin with https:// or http://."),
        ],
        1,
    ),
)
def test_an_address_that_is_never_called_is_refused(address: str, sentence: str, world: World, root: Client) -> None:
    assert sentence in text_of(save_form(root, world.engine, callback_url=address))
    world.engine.refresh_from_db()
    assert world.engine.callback_url == "https://engine.acme.example/answers"


def test_whether_tasks_are_read_before_answers_is_set_there(world: World, root: Client) -> None:
    page = page_of(world.engine)
    Engine.objects.update(kind="flowable", not_compared_reason_fact=said("The engine answered 404.").as_json())
    assert "The engine answered 404." in text_of(root.get(page))
    assert "Invoices : Its tasks cannot be read before answers are sent" in text_of(root.get("/admin/"))

    form = filled(form_at(root, page))
    del form["reads_before_answers"]
    root.post(page, form)
    world.engine.refresh_from_db()
    assert (world.engine.reads_before_answers, world.engine.history.latest().reads_before_answers) == (False, False)
    assert "The engine answered 404." not in text_of(root.get(page))
    assert "tasks cannot be read" not in text_of(root.get("/admin/"))


def test_how_many_of_an_engines_events_may_wait_is_set_there(world: World, root: Client) -> None:
    assert "Events that may wait" in text_of(root.get(page_of(world.engine)))
    save_form(root, world.engine, most_waiting="5000")
    world.engine.refresh_from_db()
    assert (world.engine.most_waiting, world.engine.history.latest().most_waiting) == (5000, 5000)
    assert "greater than or equal to 1" in text_of(save_form(root, world.engine, most_waiting="0"))
    save_form(root, world.engine, most_waiting="")
    world.engine.refresh_from_db()
    assert world.engine.most_waiting is None


def test_a_new_address_is_used_at_once_after_the_old_one_was_stopped(day: World, root: Client) -> None:
    Engine.objects.filter(pk=day.engine.pk).update(
        callback_disabled_at=day.now, callback_disabled_reason_fact=said("Gone (410).").as_json()
    )
    answer = save_form(root, day.engine, callback_url="https://new.acme.example/answers")
    assert "Answers that waited are sent to the new address." in text_of(answer)
    assert Engine.objects.get(pk=day.engine.pk).takes_answers


def test_an_address_given_later_gets_what_was_kept(day: World, root: Client) -> None:
    engine = Engine.objects.filter(pk=day.engine.pk)
    engine.update(callback_url="")
    Callback.objects.filter(state="waiting").update(
        first_attempt_at=day.now - timedelta(days=20), due_at=day.now + timedelta(hours=1)
    )
    answer = save_form(root, day.engine, callback_url="https://new.acme.example/answers")
    assert "Answers that waited are sent to the new address." in text_of(answer)
    assert_tried_now(Callback.objects.get(state="waiting"))


def test_an_engine_switched_on_again_gets_its_whole_week(day: World, root: Client) -> None:
    Engine.objects.filter(pk=day.engine.pk).update(active=False)
    Callback.objects.filter(state="waiting").update(
        first_attempt_at=day.now - timedelta(days=20), due_at=day.now + timedelta(hours=1)
    )
    save_form(root, day.engine, active="on")
    assert_tried_now(Callback.objects.get(state="waiting"))


def assert_tried_now(waiting: Callback) -> None:
    """The time in which nothing could be sent does not count: its week begins with the next try."""
    assert waiting.first_attempt_at is None
    assert waiting.due_at is not None
    assert waiting.due_at <= timezone.now()


def test_the_list_says_which_engine_does_not_take_its_answers(day: World, root: Client) -> None:
    Engine.objects.filter(pk=day.engine.pk).update(
        callback_disabled_at=day.now, callback_disabled_reason_fact=said("Gone (410).").as_json()
    )
    Engine.objects.create(slug="silent", name="Silent")
    shown = text_of(root.get(list_of(Engine)))
    assert "answers are stopped It has said that its address is gone" in shown and ": Gone (410)." in shown
    assert "no address for answers" in shown
    assert [each.name for each in rows_of(root, Engine, "answers=disabled")] == ["Invoices"]
    waiting = list_of(Callback, f"engine__id__exact={day.engine.pk}&amp;state__exact=waiting")
    assert f'href="{waiting}"' in root.get(list_of(Engine)).content.decode()


# --- mapping --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("expression", "sentence"), [("task..id", "This is not JMESPath"), ("no_such_function(id)", "no_such_function")]
)
def test_a_mapping_is_checked_when_it_is_saved(expression: str, sentence: str, world: World, root: Client) -> None:
    assert sentence in text_of(save_form(root, world.engine, **{"event_mappings-0-expression": expression}))
    assert EventMapping.objects.get(member="id").expression == "taskId"


def test_variables_of_an_answer_are_changed(world: World, root: Client) -> None:
    save_form(root, world.engine, **{"answer_mappings-0-variables": '{"level": 2}'})
    assert world.engine.answer_mappings.get().variables == {"level": 2}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    some(
        [
            ("[1, 2]", "Enter a JSON object"),
            ('{"ok": ', "This is not JSON"),
            ('{"paid": {"type": "money", "value": 1}}', "paid: there is no type “money”"),
            ('{"level": {"type": "integer", "value": []}}', "level: “[]” is not a number of this type"),
            ('{"by": "{{ person.ref "}', "by: "),
        ],
        2,
    ),
)
def test_variables_that_cannot_be_filled_in_are_refused(
    variables: str, sentence: str, world: World, root: Client
) -> None:
    assert sentence in text_of(save_form(root, world.engine, **{"answer_mappings-0-variables": variables}))
    assert world.engine.answer_mappings.get().variables == {"ok": True}


def test_a_mapping_may_be_for_one_kind_of_task_and_fill_in(world: World, root: Client) -> None:
    written = '{"by": "{{ person.ref }}", "paid": {"type": "double", "value": "{{ variables.amount }}"}}'
    save_form(root, world.engine, **{"answer_mappings-0-task_kind": "claim", "answer_mappings-0-variables": written})
    mapping = world.engine.answer_mappings.get()
    assert (mapping.task_kind, mapping.variables) == ("claim", json.loads(written))
    assert "claim" in text_of(root.get(list_of(AnswerMapping)))


def test_a_preset_is_loaded_and_tried_on_what_the_engine_sends(world: World, root: Client) -> None:
    address = page_of(world.engine, "try_mapping")
    assert "is now the preset for Flowable" in text_of(root.post(address, {"preset": "flowable"}, follow=True))
    assert world.engine.event_mappings.count() == len(connector_for("flowable").preset)
    answer = root.post(address, {"body": json.dumps(FLOWABLE_TASK)})
    assert "This would be accepted." in text_of(answer)
    event = json.loads(answer.context["event"])
    assert event["type"] == "task.assigned"
    assert event["data"]["task"]["assignee"] == "bob"
    assert event["data"]["case"]["id"] == "4711"
    assert not world.engine.events.exists(), "trying keeps nothing"


def test_the_try_out_says_what_is_missing(world: World, root: Client) -> None:
    address = page_of(world.engine, "try_mapping")
    answer = text_of(root.post(address, {"body": '{"taskId": "T-1"}'}))
    assert "/data/task/id" in answer
    assert "This would be accepted." not in answer
    assert "malformed" not in text_of(root.post(address, {"body": "{"})).lower()
    assert "This field is required" in text_of(root.post(address, {"body": ""}))


@pytest.mark.parametrize("body", ["{", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": "\\u0000"}', "\\ud800"])
def test_the_try_out_survives_bad_json(body: str, world: World, root: Client) -> None:
    answer = root.post(page_of(world.engine, "try_mapping"), {"body": body})
    assert answer.status_code == 200
    assert answer.context["faults"]
