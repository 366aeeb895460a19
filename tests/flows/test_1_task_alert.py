"""Flow 1. A human task reaches its assignee with name, due date, priority and a direct link to the work item."""

import re

from tests.support.world import World

INVOICE = {
    "task": {
        "id": "T-42",
        "name": "Approve invoice 4711",
        "kind": "approval",
        "assignee": "bob",
        "due_at": "2030-11-25T16:00:00Z",
        "priority": "urgent",
        "url": "https://engine.example/tasks/42",
    },
    "case": {"id": "4711", "title": "Invoice 4711"},
    "variables": {"amount": 1200.5, "currency": "EUR"},
}


def test_bob_hears_of_the_task_in_his_inbox_and_by_mail(world: World) -> None:
    world.send("task.assigned", INVOICE)
    (item,) = world.inbox("bob")
    assert "Approve invoice 4711" in item["title"]
    assert (item["due_at"], item["priority"], item["state"]) == ("2030-11-25T16:00:00Z", "urgent", "open")
    assert item["url"] == "https://engine.example/tasks/42"
    assert [action["action"] for action in item["actions"]][:2] == ["approve", "reject"]
    assert "Approve invoice 4711" in world.mail_to("bob")
    assert world.inbox("alice") == world.inbox("carol") == []


def test_the_mails_link_opens_the_item_without_signing_in_and_changes_nothing(world: World) -> None:
    world.send("task.assigned", INVOICE)
    link = re.search(r"http://\S+/a/\S+", world.mail_to("bob"))
    assert link is not None
    path = link[0].split("8000", 1)[1]
    for _ in range(5):
        page = world.client.get(path)
        assert page.status_code == 200 and b"Approve invoice 4711" in page.content
        assert world.client.head(path).status_code == 200
    assert world.get("/api/v1/tasks/T-42") == {"id": "T-42", "state": "open", "kind": "approval", "answers": []}


def test_the_trace_says_who_why_and_by_which_channel(world: World) -> None:
    trace = world.get(world.send("task.assigned", INVOICE))
    assert [route["name"] for route in trace["routes"] if route["matched"]] == ["Tasks"]
    assert any(route["name"] == "Field work" and not route["matched"] for route in trace["routes"])
    assert [(each["ref"], each["reason"]) for each in trace["recipients"]] == [("bob", "assignee")]
    assert {(each["channel"], each["state"]) for each in trace["deliveries"]} == {
        ("live", "delivered"),
        ("webpush", "suppressed"),
        ("email", "delivered"),
    }
