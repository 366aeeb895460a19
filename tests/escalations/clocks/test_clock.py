"""When clocks begin."""

import pytest

from escalations.models import Escalation
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()


@pytest.mark.parametrize("first", ["task.updated", "task.info_supplied"])
def test_a_task_that_is_told_of_before_it_is_assigned_has_one_clock(story: Story, first: str) -> None:
    story.tell_manager_when_due()
    due_at = "2026-11-03T09:00:00Z"
    story.happen(first, {"task": {"id": "T-42", "name": "Approve it", "due_at": due_at}, "info": "42"})
    assigned = story.assign(due_at=due_at, minute=None)
    assert (assigned.status, assigned.error) == ("processed", "")
    assert Escalation.objects.get().deadline.isoformat() == "2026-11-03T09:00:00+00:00"
