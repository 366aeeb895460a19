"""A customer's portal asks how far a case has come, and writes about it."""

import pytest

from notifications.customers import case_messages
from notifications.models import Recipient, TaskMessage
from tests.factories import RecipientFactory
from tests.support.api import person_caller
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(db: None) -> Story:
    story = Story.begin()
    case = {"id": "R-88", "title": "Broken heating", "type": "repair"}
    for minute, status in enumerate(["received", "assigned"]):
        said = {"case": {**case, "status": status}, "customer": {"ref": "C-9", "name": "Erin", "locale": "de"}}
        story.happen("request.status_changed", said, minute=minute)
    return story


@pytest.fixture
def erin(story: Story) -> Recipient:
    return Recipient.objects.get(ref="C-9")


def test_a_portal_draws_the_milestones(erin: Recipient) -> None:
    shown = person_caller(erin).get("/api/v1/cases/R-88").json()

    assert shown == {
        "id": "R-88",
        "title": "Broken heating",
        "type": "repair",
        "status": "assigned",
        "milestones": [
            {"label": "Eingegangen", "state": "done", "at": "2026-11-02T09:00:00Z"},
            {"label": "In Bearbeitung", "state": "now", "at": "2026-11-02T09:01:00Z"},
            {"label": "Abgeschlossen", "state": "ahead", "at": None},
        ],
        "note": "Jemand kümmert sich darum. Sie hören von uns, wenn es Neues gibt.",
        "news": None,
        "can_write": False,
        "question": None,
    }


def test_what_she_writes_reaches_whoever_works_on_it(story: Story, erin: Recipient) -> None:
    caller = person_caller(erin)
    assert caller.post("/api/v1/cases/R-88/messages", {"text": "Hello?"}).status_code == 404
    story.happen("task.assigned", {"task": {"id": "T-1", "assignee": "bob"}, "case": {"id": "R-88"}})

    first = caller.post("/api/v1/cases/R-88/messages", {"text": "Hello?"}, idempotency_key="1")
    again = caller.post("/api/v1/cases/R-88/messages", {"text": "Hello?"}, idempotency_key="1")

    assert (first.status_code, again.status_code) == (201, 200)
    assert [each["ref"] for each in first.json()["to"]] == ["bob"]
    assert [each["text"] for each in caller.get("/api/v1/cases/R-88/messages").json()["items"]] == ["Hello?"]


def test_she_writes_where_a_colleague_works_though_her_own_task_is_newer(story: Story, erin: Recipient) -> None:
    """Bob would hear of it in the conversation about her task, too, where he does not look for it."""
    for task, who in (("T-1", "bob"), ("T-2", "C-9")):
        story.happen("task.assigned", {"task": {"id": task, "assignee": who}, "case": {"id": "R-88"}})

    assert person_caller(erin).post("/api/v1/cases/R-88/messages", {"text": "Hello?"}).status_code == 201

    assert TaskMessage.objects.get().task.task_id == "T-1"


def test_colleagues_are_not_flooded(story: Story, erin: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_messages, "MOST_AN_HOUR", 1)
    story.happen("task.assigned", {"task": {"id": "T-1", "assignee": "bob"}, "case": {"id": "R-88"}})
    caller = person_caller(erin)

    answers = [caller.post("/api/v1/cases/R-88/messages", {"text": text}) for text in ("Hello?", "Hello??")]

    assert [each.status_code for each in answers] == [201, 429]
    assert answers[1]["Retry-After"] == "3600"


def test_cases_of_others_are_unknown_and_colleagues_write_about_tasks(story: Story, erin: Recipient) -> None:
    stranger = person_caller(RecipientFactory(ref="C-10", engine=story.engine))
    assert stranger.get("/api/v1/cases/R-88").status_code == 404
    assert stranger.get("/api/v1/cases/R-88/messages").status_code == 404
    assert stranger.post("/api/v1/cases/R-88/messages", {"text": "Let me in"}).status_code == 404

    story.happen("task.assigned", {"task": {"id": "T-1", "assignee": "bob"}, "case": {"id": "R-88"}})
    bob = person_caller(story.bob)
    assert bob.get("/api/v1/cases/R-88").json()["can_write"] is False
    assert bob.post("/api/v1/cases/R-88/messages", {"text": "Hello"}).status_code == 403
