"""What became of an item, as its reader is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from notifications.items.outcomes import mood_of, outcome_of
from notifications.models import Category, Engine, Notification, Recipient, Task
from notifications.reasons import said
from tests.factories import DECISIONS
from tests.support.story import Story

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
BOB, CAROL = Recipient(ref="bob", name="Bob"), Recipient(ref="carol", name="Carol")


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()


def answered(action: str = "approve", engine: str = "waiting", *, by: Recipient = BOB, **more: Any) -> dict[str, Any]:
    at = more.pop("at", "2026-11-25T14:02:00Z")
    return {"action": action, "by": by.as_person(), "at": at, "engine": engine, "detail": "", **more}


def copy(
    state: str = "answered", outcome: dict[str, Any] | None = None, task_state: str = "answered", **more: Any
) -> Notification:
    return Notification(
        state=state,
        outcome=outcome,
        actions=DECISIONS,
        task=Task(state=task_state, engine=Engine()),
        category=Category(),
        **more,
    )


@pytest.mark.parametrize(
    ("engine", "told", "mood"),
    [
        ("waiting", "Approved. Waiting for the engine since 14:02.", ""),
        ("delivered", "Approved. The engine has it.", "good"),
        ("handled", "Approved. The engine had already handled it.", "good"),
        (
            "failed",
            "Approved. The engine could not be told, and we have stopped trying. Please tell your administrator.",
            "bad",
        ),
    ],
)
def test_bob_reads_how_far_his_answer_is(engine: str, told: str, mood: str) -> None:
    mine = copy(outcome=answered(engine=engine))

    assert (outcome_of(mine, BOB, NOW), mood_of(mine, BOB)) == (told, mood)


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("approve", "Already approved by Bob at 14:02."),
        ("reject", "Already rejected by Bob at 14:02."),
        ("escalate_to-legal", "Bob already answered “Escalate to legal” at 14:02."),
    ],
)
def test_carol_reads_that_bob_was_first(action: str, told: str) -> None:
    assert outcome_of(copy(outcome=answered(action)), CAROL, NOW) == told


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (NOW - timedelta(seconds=59), "Approved. Waiting for the engine."),
        (NOW - timedelta(days=1), "Approved. Waiting for the engine since yesterday "),
        (NOW - timedelta(days=3), "Approved. Waiting for the engine since 22 November."),
    ],
)
def test_who_waits_for_long_reads_since_when(at: datetime, told: str) -> None:
    assert outcome_of(copy(outcome=answered(at=at.isoformat())), BOB, NOW).startswith(told)


def test_another_day_is_named() -> None:
    yesterday = answered(at="2026-11-24T14:02:00Z")

    assert outcome_of(copy(outcome=yesterday), CAROL, NOW) == "Already approved by Bob on 24 November at 14:02."


def test_an_action_of_the_engines_own_is_called_by_its_label() -> None:
    mine = copy(outcome=answered("ship"))
    mine.actions = [{"action": "ship", "title": "Ship it", "effect": "final", "comment": "none"}]

    assert outcome_of(mine, BOB, NOW) == "You answered “Ship it”. Waiting for the engine since 14:02."


def test_a_refusal_says_why_and_that_one_may_answer_again() -> None:
    refused = copy("open", answered(engine="refused", detail_fact=said("The amount has changed").as_json()), "open")

    assert outcome_of(refused, CAROL, NOW) == "The engine refused it: The amount has changed. You can answer again."
    assert mood_of(refused, CAROL) == "bad"
    refused.outcome["detail_fact"] = None
    assert outcome_of(refused, BOB, NOW) == "The engine refused it without a reason. You can answer again."


def test_others_are_told_who_is_on_it_and_that_they_may_still_answer() -> None:
    on_it = copy("open", answered("acknowledge", "delivered"), "acknowledged")

    assert outcome_of(on_it, CAROL, NOW) == "Bob acknowledged this at 14:02. You can still answer."
    assert outcome_of(on_it, BOB, NOW) == "Acknowledged. The engine has it."


def test_a_question_is_told_until_it_is_answered() -> None:
    asked = copy("open", answered("request_info", "delivered"), "info_requested")
    assert outcome_of(asked, CAROL, NOW) == "Bob asked for information at 14:02. You can still answer."

    asked.task.state = "open"

    assert (outcome_of(asked, CAROL, NOW), mood_of(asked, BOB)) == ("", "")


def test_an_open_item_about_which_nothing_has_happened_says_nothing() -> None:
    assert outcome_of(copy("open", None, "open"), BOB, NOW) == ""


def test_the_time_to_answer_may_be_over() -> None:
    assert outcome_of(copy("expired", None, "expired"), BOB, NOW) == "The time to answer this is over."


def test_an_engines_result_without_a_name_is_still_told() -> None:
    by_engine = copy(
        "withdrawn", {"action": "approve", "by": {"ref": "x", "name": ""}, "at": None, "engine": "handled"}
    )

    assert outcome_of(by_engine, BOB, NOW) == "The engine has already handled this."


@pytest.mark.parametrize("at", ["soon", "2026-11-25", "99999-01-01T00:00:00Z", 7, None])
def test_an_engines_time_that_is_none_breaks_nothing(at: object) -> None:
    assert outcome_of(copy(outcome=answered(at=at)), CAROL, NOW) == "The engine has already handled this."


def test_a_reason_of_somebody_elses_words_is_shown_as_it_is() -> None:
    assert (
        outcome_of(copy("withdrawn", reason_fact=said("Bob is on leave").as_json()), BOB, NOW)
        == "No longer waiting for you: Bob is on leave."
    )
    assert outcome_of(copy("withdrawn", reason_fact=None), BOB, NOW) == "No longer waiting for you."


@pytest.mark.django_db
class TestWithdrawn:
    """The reasons the pipeline writes are said in the reader's language."""

    def test_to_somebody_else(self, story: Story) -> None:
        story.assign(assignee="bob")
        story.assign(assignee="carol", minute=1)

        assert self.told(story) == (
            "No longer waiting for you: given to Carol.",
            "Wartet nicht mehr auf Sie: an Carol vergeben.",
        )

    def test_to_nobody_we_know(self, story: Story) -> None:
        story.assign(assignee="bob")
        story.assign(candidates=["nobody"], minute=1)

        assert self.told(story)[0] == "No longer waiting for you: given to somebody else."

    def test_completed_in_the_engine(self, story: Story) -> None:
        story.assign()
        story.happen("task.completed", {"task": {"id": "T-42"}}, minute=1)

        assert self.told(story) == (
            "No longer waiting for you: completed in the engine.",
            "Wartet nicht mehr auf Sie: im System erledigt.",
        )

    def test_completed_there_by_somebody(self, story: Story) -> None:
        story.assign()
        result = {"action": "approve", "by": {"ref": "alice", "name": "Alice"}, "at": timezone.now().isoformat()}
        story.happen("task.completed", {"task": {"id": "T-42"}, "result": result}, minute=1)

        assert self.told(story)[0].startswith("Already approved by Alice at ")

    def test_cancelled_in_the_engine(self, story: Story) -> None:
        story.assign()
        story.happen("task.cancelled", {"task": {"id": "T-42"}}, minute=1)

        assert self.told(story)[0] == "No longer waiting for you: cancelled in the engine."

    def told(self, story: Story) -> tuple[str, str]:
        mine, now = story.copy(story.bob), timezone.now() + timedelta(seconds=1)
        with translation.override("de"):
            german = outcome_of(mine, story.bob, now)
        return outcome_of(mine, story.bob, now), german
