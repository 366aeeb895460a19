"""What became of an item, as its reader is told: the cases that tests/vectors/inbox_words.json does not have."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from notifications.items.outcomes import outcome_of
from notifications.models import Notification, Recipient
from notifications.reasons import said
from tests.factories import DECISIONS
from tests.support.story import Story

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
BOB, CAROL = Recipient(ref="bob", name="Bob"), Recipient(ref="carol", name="Carol")


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()


@pytest.mark.parametrize("at", ["soon", "2026-11-25", "99999-01-01T00:00:00Z", 7, None])
def test_an_engines_time_that_is_none_breaks_nothing(at: object) -> None:
    outcome = {"action": "approve", "by": BOB.as_person(), "at": at, "engine": "waiting", "detail": ""}
    item = Notification(state="answered", outcome=outcome, actions=DECISIONS, task=None)

    assert outcome_of(item, CAROL, NOW) == "This has already been handled."


def test_a_reason_of_somebody_elses_words_is_shown_as_it_is() -> None:
    item = Notification(state="withdrawn", reason_fact=said("Bob is on leave").as_json())

    assert outcome_of(item, BOB, NOW) == "No longer waiting for you: Bob is on leave."


@pytest.mark.django_db
class TestWithdrawn:
    """The reasons the pipeline writes are said in the reader's language."""

    def test_to_somebody_else(self, story: Story) -> None:
        story.assign(assignee="bob")
        story.assign(assignee="carol", minute=1)

        assert self.told(story) == (
            "No longer waiting for you: reassigned to Carol.",
            "Wartet nicht mehr auf Sie: an Carol vergeben.",
        )

    def test_to_nobody_we_know(self, story: Story) -> None:
        story.assign(assignee="bob")
        story.assign(candidates=["nobody"], minute=1)

        assert self.told(story)[0] == "No longer waiting for you: reassigned to somebody else."

    def test_completed_in_the_engine(self, story: Story) -> None:
        story.assign()
        story.happen("task.completed", {"task": {"id": "T-42"}}, minute=1)

        assert self.told(story) == (
            "No longer waiting for you: completed.",
            "Wartet nicht mehr auf Sie: erledigt.",
        )

    def test_completed_there_by_somebody(self, story: Story) -> None:
        story.assign()
        result = {"action": "approve", "by": {"ref": "alice", "name": "Alice"}, "at": timezone.now().isoformat()}
        story.happen("task.completed", {"task": {"id": "T-42"}, "result": result}, minute=1)

        assert self.told(story)[0].startswith("Already approved by Alice at ")

    def test_cancelled_in_the_engine(self, story: Story) -> None:
        story.assign()
        story.happen("task.cancelled", {"task": {"id": "T-42"}}, minute=1)

        assert self.told(story)[0] == "No longer waiting for you: cancelled."

    def told(self, story: Story) -> tuple[str, str]:
        mine, now = story.copy(story.bob), timezone.now() + timedelta(seconds=1)
        with translation.override("de"):
            german = outcome_of(mine, story.bob, now)
        return outcome_of(mine, story.bob, now), german
