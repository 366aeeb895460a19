"""Bob has a question before he decides: Alice is asked, replies, and Bob hears at once. Carol, who has the task too,
sees it all; so does the engine, and nobody else."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from escalations.models import Escalation, EscalationState, Policy
from notifications.admin.ledger.timeline import trace
from notifications.models import Absence, Addressee, Event, Notification, Recipient, Task, TaskMessage
from notifications.types import Json
from tests.factories import action_token
from tests.support.world import World

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = "/api/v1/tasks/T-42/messages"


def assign(world: World, **task: Any) -> None:
    said = {"id": "T-42", "name": "Approve invoice 4711", "candidates": ["bob", "carol"], "initiator": "alice", **task}
    world.send("task.assigned", {"task": said, "case": {"id": "4711", "title": "Invoice 4711"}})


def seen(world: World, person: str) -> list[Json]:
    answer = world.ask("get", MESSAGES, person)
    assert answer.status_code == 200, answer.content
    items: list[Json] = answer.json()["items"]
    return items


def lines(messages: list[Json]) -> list[tuple[str, str, str]]:
    return [(each["kind"], (each["by"] or {"name": "the engine"})["name"], each["text"]) for each in messages]


def copy_of(world: World, person: str) -> Json:
    return next(each for each in world.inbox(person) if each["task"])


def test_bob_asks_alice_replies_and_bob_hears_it(world: World) -> None:
    Policy.objects.create(name="Approvals", clock="duration", minutes=240, time="wall", pauses=True)
    assign(world)

    world.respond("bob", "request_info", "Which cost centre?")

    (question,) = world.inbox("alice")
    assert (question["state"], question["body"], question["task"]) == ("open", "Which cost centre?", None)
    assert question["title"] == "Bob asks about “Approve invoice 4711”"
    assert [action["action"] for action in question["actions"]] == ["reply"]
    assert question["lines"] == []
    assert question["key_facts"] == copy_of(world, "bob")["key_facts"] != []  # of the task that it is about
    outcome = copy_of(world, "bob")["outcome"]
    assert (outcome["to"]["name"], outcome["paused"]) == ("Alice", True)
    assert Escalation.objects.get().state == EscalationState.PAUSED

    world.reply("alice", "4711, as always.")

    mine = copy_of(world, "bob")
    assert (mine["read_at"], mine["task"]["state"]) == (None, "open")
    assert mine["lines"][0].startswith("Alice has replied")
    assert "Alice: “4711, as always.”" in world.mail_to("bob")
    assert Escalation.objects.get().state == EscalationState.RUNNING
    (done,) = world.inbox("alice")
    assert (done["state"], done["outcome"]["action"], done["outcome"]["to"]["name"]) == ("answered", "reply", "Bob")
    told = [("question", "Bob", "Which cost centre?"), ("reply", "Alice", "4711, as always.")]
    for person in ("alice", "bob", "carol"):
        assert lines(seen(world, person)) == told
    assert [each["engine"] for each in seen(world, "carol")] == ["delivered", "delivered"]

    world.respond("bob", "approve")
    assert [call.data.get("action") or call.data["message"]["kind"] for call in world.receiver.calls] == [
        "request_info", "reply", "approve",
    ]  # fmt: skip
    reply = world.receiver.calls[1].data["message"]
    assert (reply["by"]["ref"], reply["reply_to"], reply["text"]) == (
        "alice",
        seen(world, "bob")[0]["id"],
        "4711, as always.",
    )


def test_nobody_else_sees_it(world: World) -> None:
    world.put("/api/v1/recipients/dave", {"name": "Dave"})
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")

    assert world.ask("get", MESSAGES, "dave").status_code == 404
    assert world.ask("post", MESSAGES, "dave", {"text": "Me too"}).status_code == 404
    assert world.ask("get", "/api/v1/tasks/T-43/messages", "bob").status_code == 404


def test_where_nobody_can_be_asked_nobody_is_offered_to_ask(world: World) -> None:
    assign(world, candidates=[], assignee="bob", initiator="bob")
    assert [action["action"] for action in copy_of(world, "bob")["actions"]] == ["approve", "reject", "acknowledge"]
    refused = world.ask("post", MESSAGES, "bob", {"kind": "question", "text": "Anybody?"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


def test_bob_may_ask_a_colleague_or_his_manager_instead_of_who_began_it(world: World) -> None:
    assign(world, candidates=[], assignee="bob")
    asked = world.ask("post", MESSAGES, "bob", {"kind": "question", "text": "May I?", "to": ["carol"]})
    assert (asked.status_code, asked.json()["to"][0]["ref"]) == (201, "carol")
    assert [each["body"] for each in world.inbox("carol")] == ["May I?"]
    assert world.inbox("alice") == []
    unknown = world.ask("post", MESSAGES, "bob", {"kind": "question", "text": "And you?", "to": ["zoe"]})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/to")


def test_alices_delegate_is_asked_while_she_is_away(world: World) -> None:
    now = datetime.now(UTC)
    alice, carol = (Recipient.objects.get(ref=ref) for ref in ("alice", "carol"))
    Absence.objects.create(
        recipient=alice, begins_at=now - timedelta(hours=1), ends_at=now + timedelta(days=1), delegate=carol
    )
    assign(world, candidates=[], assignee="bob")

    world.respond("bob", "request_info", "Which cost centre?")

    outcome = copy_of(world, "bob")["outcome"]
    assert (outcome["to"]["name"], outcome["away"]["name"]) == ("Carol", "Alice")
    (question,) = world.inbox("carol")
    assert question["on_behalf_of"]["name"] == "Alice" and world.inbox("alice") == []


def test_two_questions_pause_until_both_are_answered(world: World) -> None:
    Policy.objects.create(name="Approvals", clock="duration", minutes=240, time="wall", pauses=True)
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    asked = world.ask("post", MESSAGES, "carol", {"kind": "question", "text": "Who ordered it?", "to": ["bob"]})
    assert asked.status_code == 201

    world.reply("alice", "4711")
    assert Task.objects.get().state == "info_requested"
    assert Escalation.objects.get().state == EscalationState.PAUSED

    world.reply("bob", "Alice did.")
    assert Task.objects.get().state == "open"
    assert Escalation.objects.get().state == EscalationState.RUNNING


def test_a_reply_counts_once(world: World) -> None:
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    (question,) = world.inbox("alice")
    path = f"/api/v1/notifications/{question['id']}/responses"
    said = {"action": "reply", "comment": "4711"}

    first = world.ask("post", path, "alice", said, **{"Idempotency-Key": "k"})
    again = world.ask("post", path, "alice", said, **{"Idempotency-Key": "k"})
    same = world.ask("post", path, "alice", said)
    other = world.ask("post", path, "alice", {"action": "reply", "comment": "Or 12?"})
    reused = world.ask("post", path, "alice", {"action": "reply", "comment": "Or 12?"}, **{"Idempotency-Key": "k"})

    assert [each.status_code for each in (first, again, same, other, reused)] == [201, 200, 200, 409, 422]
    assert first.json()["id"] == again.json()["id"] == same.json()["id"]
    assert reused.json()["code"] == "idempotency_key_reused"
    assert TaskMessage.objects.filter(kind="reply").count() == 1


def test_alice_replies_on_the_page_of_the_mail_without_signing_in(world: World) -> None:
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    mail = world.mail_to("alice")
    link = re.search(r"http://\S+(/a/\S+)", mail)
    assert link is not None and "Which cost centre?" in mail

    page = world.client.get(link[1]).content.decode()
    assert "Which cost centre?" in page and "Your reply" in page
    assert world.client.post(link[1], {"action": "reply", "comment": "4711"}, follow=True).status_code == 200
    world.run()

    assert lines(seen(world, "carol"))[1] == ("reply", "Alice", "4711")
    assert world.receiver.calls[-1].data["message"]["via"] == "email"


def test_a_reply_on_the_mails_page_that_comes_after_the_decision_is_kept(world: World) -> None:
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    link = re.search(r"http://\S+(/a/\S+)", world.mail_to("alice"))
    assert link is not None
    world.respond("bob", "approve")

    page = world.client.post(link[1], {"action": "reply", "comment": "4711"}, follow=True).content.decode()

    assert "Your reply is stored with the task, which had already been decided." in page
    assert seen(world, "carol")[1]["late"]


def test_alice_replies_with_the_token_of_her_lock_screen(world: World) -> None:
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    item = Notification.objects.get(recipient__ref="alice")
    token = action_token(item, expires_at=timezone.now() + timedelta(days=1))

    said = {"token": token, "action": "reply", "comment": "4711"}
    answers = [world.client.post("/api/v1/responses", said, content_type="application/json") for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 200]
    assert lines(seen(world, "bob"))[1] == ("reply", "Alice", "4711")
    decides = world.client.post("/api/v1/responses", {**said, "action": "approve"}, content_type="application/json")
    assert decides.status_code == 403


def test_a_reply_after_the_decision_is_kept_and_says_so(world: World) -> None:
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    world.respond("bob", "approve")

    (question,) = world.inbox("alice")
    assert (question["state"], question["ended"]) == (
        "withdrawn",
        "No longer waiting for you: the task has been decided.",
    )
    path = f"/api/v1/notifications/{question['id']}/responses"
    late = world.ask("post", path, "alice", {"action": "reply", "comment": "4711"})
    assert (late.status_code, late.json()["late"]) == (201, True)
    world.run()
    assert seen(world, "carol")[1]["late"]
    assert [each["title"] for each in world.inbox("bob") if each["state"] == "info"] == [
        "Alice replied about “Approve invoice 4711”"
    ]
    assert Task.objects.get().state == "answered"


def test_an_answer_that_the_engine_refuses_opens_the_question_again(world: World) -> None:
    world.receiver.answer(204, (422, {}, b'{"detail": "The budget is closed."}'), 204)
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    world.respond("bob", "approve")

    assert [each["state"] for each in world.inbox("alice")] == ["open"]
    world.reply("alice", "4711")
    assert Task.objects.get().state == "open"


def test_what_the_engine_supplies_answers_the_question(world: World) -> None:
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    world.send("task.info_supplied", {"task": {"id": "T-42"}, "info": "Cost centre 12"})

    (question,) = world.inbox("alice")
    assert question["ended"] == "No longer waiting for you: the question has been answered."
    assert lines(seen(world, "carol"))[1] == ("reply", "the engine", "Cost centre 12")


def test_colleagues_comment_without_deciding_and_mention_each_other(world: World) -> None:
    assign(world)
    before = copy_of(world, "bob")["seq"]
    said = world.ask("post", MESSAGES, "carol", {"text": "I know them. @Bob, approve it.", "to": ["bob"]})
    world.run()

    assert (said.status_code, Task.objects.get().state) == (201, "open")
    mine = copy_of(world, "bob")
    assert mine["seq"] > before and mine["read_at"] is None
    assert mine["lines"][0].startswith("Carol has written to you")
    assert lines(seen(world, "bob")) == [("comment", "Carol", "I know them. @Bob, approve it.")]
    assert world.receiver.calls[-1].data["message"]["kind"] == "comment"
    refused = world.ask("post", MESSAGES, "carol", {"text": "@Alice", "to": ["alice"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/to/0")


def test_an_engine_writes_and_hears_the_answer(world: World) -> None:
    assign(world)
    world.send(
        "task.message",
        {"task": {"id": "T-42"}, "message": {"kind": "question", "text": "Is it urgent?", "to": ["bob"]}},
    )
    question = next(each for each in world.inbox("bob") if not each["task"])
    assert question["title"] == "Invoices asks about “Approve invoice 4711”"
    said = [line.text for line in trace(Event.objects.get(type="task.message", source="invoices"))]
    assert "Bob (asked by the engine)" in said and "nobody was notified" not in said
    assert Task.objects.get().state == "open"

    world.reply("bob", "No.")

    answer = world.receiver.calls[-1]
    assert (json.loads(answer.body)["type"], answer.data["message"]["text"]) == ("task.message", "No.")
    assert answer.data["message"]["reply_to"] == seen(world, "carol")[0]["id"]


def test_an_engines_reply_sets_the_clock_going_and_tells_bob(world: World) -> None:
    Policy.objects.create(name="Approvals", clock="duration", minutes=240, time="wall", pauses=True)
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    question = world.receiver.calls[-1].data
    assert question["asked"] == {"ref": "alice", "name": "Alice"}
    message = {"text": "Cost centre 12", "by": "alice", "reply_to": seen(world, "bob")[0]["id"]}

    world.send("task.message", {"task": {"id": "T-42"}, "message": message})

    assert Escalation.objects.get().state == EscalationState.RUNNING
    assert copy_of(world, "bob")["read_at"] is None
    assert [each["state"] for each in world.inbox("alice")] == ["answered"]


def test_an_engine_posts_and_reads_messages(world: World) -> None:
    assign(world)
    first = world.post(MESSAGES, {"text": "Scanned twice.", "by": "alice", "to": ["bob"]})
    assert first["by"]["ref"] == "alice" and first["engine"] is None
    world.run()
    assert copy_of(world, "bob")["lines"][0].startswith("Alice has written to you")
    world.ask("post", MESSAGES, "carol", {"text": "Thanks."})
    page = world.get(f"{MESSAGES}?limit=1")
    assert [each["text"] for each in page["items"]] == ["Scanned twice."]
    assert [each["text"] for each in world.get(f"{MESSAGES}?after={page['next']}")["items"]] == ["Thanks."]
    world.post("/api/v1/tasks/T-43/messages", {"text": "x"}, expect=(404,))
    world.post(MESSAGES, {"text": "x", "to": ["zoe"]}, expect=(422,))


def test_a_message_about_an_unknown_task_changes_nothing(world: World) -> None:
    url = world.send("task.message", {"task": {"id": "T-9"}, "message": {"text": "Hello?"}})
    trace = world.get(url.removeprefix("http://localhost:8000"))
    assert (trace["status"], trace["notes"]) == ("ignored", ["The task is unknown: stored, changes nothing."])
    assert not Task.objects.exists()


HOSTILE = "<script>alert(1)</script>\u202egnp.exe\x00\u200b\nSecond line"


def test_hostile_text_is_kept_as_plain_text(world: World) -> None:
    assign(world)
    said = world.ask("post", MESSAGES, "carol", {"text": HOSTILE.replace("\x00", "")})
    assert said.json()["text"] == "<script>alert(1)</script>gnp.exe\nSecond line"
    assert world.ask("post", MESSAGES, "carol", {"text": HOSTILE}).status_code in (201, 400, 422)
    assert world.ask("post", MESSAGES, "carol", {"text": "x" * 4_000}).status_code == 201
    for text in ("x" * 4_001, "", " \u200b "):
        assert world.ask("post", MESSAGES, "carol", {"text": text}).status_code == 422


def test_a_customer_is_asked_in_their_words(world: World) -> None:
    assign(world, initiator={"ref": "C-9", "name": "Erin", "email": "erin@example.org", "locale": "de"})
    world.respond("bob", "request_info", "Welche Lieferadresse?")

    (item,) = world.inbox("C-9")
    assert (item["title"], item["body"]) == ("Wir haben eine Frage zu „Invoice 4711“", "Welche Lieferadresse?")
    assert (item["url"], item["actions"][0]["title"]) == (None, "Antworten")
    world.reply("C-9", "Hauptstraße 1")
    world.ask("post", MESSAGES, "carol", {"text": "Do they always pay?"})
    assert lines(seen(world, "C-9")) == [
        ("question", "Bob", "Welche Lieferadresse?"),
        ("reply", "Erin", "Hauptstraße 1"),
    ]


def test_whoever_was_asked_and_is_removed_leaves_the_question_readable(world: World) -> None:
    assign(world)
    world.respond("bob", "request_info", "Which cost centre?")
    Notification.objects.filter(recipient__ref="alice").delete()
    Addressee.objects.filter(person__ref="alice").delete()

    (question,) = seen(world, "bob")
    assert (question["text"], question["to"]) == ("Which cost centre?", [])
    world.respond("bob", "approve")
    assert Task.objects.get().state == "answered"


def test_the_pause_moves_the_deadline_that_bob_sees(world: World) -> None:
    Policy.objects.create(name="Approvals", clock="duration", minutes=240, time="wall", pauses=True)
    begin = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    with time_machine.travel(begin, tick=False):
        assign(world)
        world.respond("bob", "request_info", "Which cost centre?")
    with time_machine.travel(begin + timedelta(hours=2), tick=False):
        world.reply("alice", "4711")
        assert copy_of(world, "bob")["due_at"] == "2026-11-02T15:00:00Z"
        assert copy_of(world, "carol")["due_at"] == "2026-11-02T15:00:00Z"
