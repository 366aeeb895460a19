"""Flow 2, as far as the engine's own escalation goes: lead and manager hear of a task that waits, and may act."""

from tests.support.world import World


def test_the_engines_escalation_reaches_bobs_manager_who_approves(world: World) -> None:
    world.send("task.assigned", {"task": {"id": "T-42", "name": "Approve invoice 4711", "assignee": "bob"}})
    world.send("task.escalated", {"task": {"id": "T-42"}})
    (item,) = world.inbox("carol")
    assert "Approve invoice 4711" in item["title"] + item["body"]
    world.respond("carol", "approve")
    assert world.receiver.calls[-1].data["responded_by"]["ref"] == "carol"
    assert [each["state"] for each in world.inbox("bob")] == ["answered"]


def test_a_teams_task_is_escalated_to_its_lead(world: World) -> None:
    world.put("/api/v1/teams/payables", {"name": "Payables", "lead": "carol", "members": ["alice", "bob"]})
    world.send("task.assigned", {"task": {"id": "T-43", "name": "Check invoice", "teams": ["payables"]}})
    assert world.inbox("carol") == []
    world.send("task.escalated", {"task": {"id": "T-43"}})
    assert len(world.inbox("carol")) == 1


def test_once_answered_nobody_is_bothered_any_more(world: World) -> None:
    world.send("task.assigned", {"task": {"id": "T-42", "name": "Approve invoice 4711", "assignee": "bob"}})
    world.respond("bob", "approve")
    trace = world.get(world.send("task.escalated", {"task": {"id": "T-42"}}))
    assert trace["status"] == "ignored"
    assert world.inbox("carol") == []
