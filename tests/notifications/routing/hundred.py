"""A hundred events that one batch takes."""

from collections import Counter

from notifications.models import Event
from tests.support.story import Story

PEOPLE = ["alice", "bob", "carol", "p0", "p1", "p2"]


def a_hundred(story: Story) -> list[Event]:
    """Task `T-<n>`, “Task <n>”, for six people in turn."""
    return [
        story.send("task.assigned", {"task": {"id": f"T-{n}", "name": f"Task {n}", "assignee": PEOPLE[n % 6]}})
        for n in range(100)
    ]


def statuses() -> dict[str, int]:
    return dict(Counter(Event.objects.values_list("status", flat=True)))
