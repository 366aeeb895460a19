"""Flow 6. Answers from inbox, e-mail page and API go back to the engine, which advances."""

import re

import pytest

from tests.support.world import World


@pytest.fixture
def asked(world: World) -> World:
    world.send(
        "task.assigned",
        {"task": {"id": "T-42", "name": "Approve invoice 4711", "candidates": ["bob", "carol"], "initiator": "alice"}},
    )
    return world


def test_by_the_api_the_engine_gets_one_signed_call_and_everybody_sees_it(asked: World) -> None:
    said = asked.respond("bob", "approve", "Fine")
    (call,) = asked.receiver.calls
    assert call.signed_with(asked.secret) and call.id == said["id"]
    assert call.data["outcome"] == "approved" and call.data["comment"] == "Fine"
    (carols,) = asked.inbox("carol")
    assert (carols["state"], carols["outcome"]["by"]["name"], carols["outcome"]["engine"]) == (
        "answered",
        "Bob",
        "delivered",
    )
    task = asked.get("/api/v1/tasks/T-42")
    assert task["state"] == "answered" and task["answers"][0]["callback"]["state"] == "delivered"


def test_by_a_plain_form_of_the_inbox(asked: World) -> None:
    browser = asked.signed_in("bob")
    (item,) = asked.inbox("bob")
    page = browser.get(f"/n/{item['id']}")
    assert b"Approve invoice 4711" in page.content
    answer = browser.post(f"/n/{item['id']}/answer", {"action": "reject", "comment": "Wrong amount"}, follow=True)
    assert answer.status_code == 200
    asked.run()
    assert asked.receiver.calls[0].data["comment"] == "Wrong amount"
    assert asked.receiver.calls[0].data["via"] == "inbox"


def test_by_the_mails_page_reading_and_acknowledging_work_with_the_link_alone(asked: World) -> None:
    link = re.search(r"http://\S+(/a/\S+)", asked.mail_to("bob"))
    assert link is not None
    assert asked.client.post(link[1], {"action": "acknowledge"}, follow=True).status_code == 200
    asked.run()
    assert asked.receiver.calls[0].data["action"] == "acknowledge"
    assert asked.receiver.calls[0].data["via"] == "email"
    asked.client.post(link[1], {"action": "approve"}, follow=True)
    asked.run()
    assert len(asked.receiver.calls) == 1, "a final answer asks for a session"
