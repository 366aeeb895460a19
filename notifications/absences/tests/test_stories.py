"""Bob goes on holiday. What would wait for him waits for Carol, who answers in her own name; then he is back."""

from datetime import timedelta
from typing import Any

from django.core import mail
from django.test import Client
from django.utils import timezone

from tests.support.world import World


def goes(browser: Client, **said: Any) -> None:
    """Somebody fills in the page of absence."""
    now = timezone.now()
    times = {
        "begins_at": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "ends_at": f"{now + timedelta(days=9):%Y-%m-%dT%H:%M}",
    }
    answer = browser.post("/absence", {**times, **said}, follow=True)
    assert answer.status_code == 200, answer.content


def asks(world: World, task_id: str) -> str:
    said = {"id": task_id, "name": f"Approve invoice {task_id}", "assignee": "bob", "initiator": "alice"}
    return world.send("task.assigned", {"task": said})


def test_carol_answers_for_bob_and_the_engine_hears_that_it_was_her(flow_world: World) -> None:
    goes(flow_world.signed_in("bob"), delegate="carol")
    trace = asks(flow_world, "T-42")

    assert flow_world.inbox("bob") == []
    (item,) = flow_world.inbox("carol")
    assert item["on_behalf_of"] == {"ref": "bob", "name": "Bob"}
    assert [message.to for message in mail.outbox] == [["carol@example.org"]]
    carol = flow_world.signed_in("carol")
    assert "for Bob" in carol.get("/").content.decode()

    carol.post(f"/n/{item['id']}/answer", {"action": "approve", "comment": "Bob told me of it."})
    flow_world.run()

    (call,) = flow_world.receiver.calls
    assert call.signed_with(flow_world.secret)
    assert call.data["responded_by"] == {"ref": "carol", "name": "Carol"}
    assert (call.data["outcome"], call.data["comment"]) == ("approved", "Bob told me of it.")
    told = flow_world.get(trace)["recipients"]
    assert [(each["ref"], each["reason"]) for each in told] == [("carol", "delegate of Bob (assignee)")]


def test_carol_is_away_too_and_then_bob_is_back(flow_world: World) -> None:
    bob, carol = flow_world.signed_in("bob"), flow_world.signed_in("carol")
    goes(bob, delegate="carol")
    goes(carol, delegate="alice")
    asks(flow_world, "T-1")
    assert [item["on_behalf_of"]["ref"] for item in flow_world.inbox("alice")] == ["bob"]

    carol.post("/absence", {"back": "1"})
    asks(flow_world, "T-2")
    bob.post("/absence", {"back": "1"})
    asks(flow_world, "T-3")

    titles = {who: [item["title"] for item in flow_world.inbox(who)] for who in ("alice", "bob", "carol")}
    assert titles == {
        "alice": ["Approve invoice T-1"],
        "bob": ["Approve invoice T-3"],
        "carol": ["Approve invoice T-2"],
    }
