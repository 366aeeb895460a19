"""What wfpush sends back: only what is signed counts, and it counts once."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.demo.recorder import Recorder
from tests.demo.service import SECRET, Service, callback_body, eventually, message_body, signed


async def waiting_task(service: Service) -> tuple[str, str]:
    started = await service.start()
    (task_id,) = started["open_tasks"]
    return started["id"], task_id


async def test_a_test_of_the_connection_is_taken_and_changes_nothing(service: Service) -> None:
    body = json.dumps({"specversion": "1.0", "id": "t-1", "source": "wfpush", "type": "connection.test", "data": {}})
    status, _ = await service.call_back(body.encode(), signed(body.encode(), "t-1"))
    assert status == 200


async def test_the_same_callback_again_succeeds_and_changes_nothing(service: Service) -> None:
    invoice, task = await waiting_task(service)
    body = callback_body(task, "request_info", comment="Which project?", key="r-9")
    first = await service.call_back(body, signed(body, "r-9"))
    history = (await service.instance(invoice))["history"]
    later = datetime.now(UTC) - timedelta(seconds=60)
    assert await service.call_back(body, signed(body, "r-9", at=later)) == first
    assert (await service.instance(invoice))["history"] == history


async def test_a_question_that_wfpush_has_asked_alice_asks_her_no_second_time(service: Service) -> None:
    invoice, task = await waiting_task(service)
    asks = callback_body(task, "request_info", comment="Which project?", asked="alice")
    assert (await service.call_back(asks, signed(asks, "r-1")))[0] == 200
    replies = message_body(task, "The roof.")
    for _ in range(2):
        assert (await service.call_back(replies, signed(replies, "m-1")))[0] == 200

    found = await service.instance(invoice)
    assert [event["type"] for event in found["events"]].count("task.assigned") == 1
    told = [(entry["text"].partition(":")[0], entry["comment"]) for entry in found["history"] if entry["comment"]]
    assert told == [("Bob asks Alice about it", "Which project?"), ("Alice replies", "The roof.")]


async def test_of_the_same_callback_twenty_times_at_once_one_counts(service: Service) -> None:
    invoice, task = await waiting_task(service)
    answers = await asyncio.gather(*[service.answer(task, "approve", key="r-1") for _ in range(20)])
    assert {status for status, _ in answers} == {200}
    story = [entry["kind"] for entry in (await service.instance(invoice))["history"]]
    assert story.count("answered") == 1


async def test_of_two_different_answers_at_once_one_wins(service: Service) -> None:
    _, task = await waiting_task(service)
    answers = await asyncio.gather(
        service.answer(task, "approve", "bob"), service.answer(task, "reject", "carol", "Not ours")
    )
    assert sorted(status for status, _ in answers) == [200, 409]


async def test_a_task_nobody_knows_answers_422(service: Service) -> None:
    assert await service.answer("T-42", "approve") == (422, {"detail": "This engine has no task T-42."})


@pytest.mark.parametrize(
    "spoil",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "nocomma"},
        {"webhook-signature": "v1,*not base64*"},
        {"webhook-signature": "v2,AAAA"},
        {"webhook-id": "another"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-id": None},
        {"webhook-timestamp": None},
        {"webhook-signature": None},
    ],
)
async def test_a_wrong_signature_answers_401_and_nothing_happens(service: Service, spoil: dict[str, str]) -> None:
    invoice, task = await waiting_task(service)
    body = callback_body(task, "approve")
    headers = {**signed(body, "r-1"), **spoil}
    status, _ = await service.call_back(body, {name: value for name, value in headers.items() if value is not None})
    assert status == 401
    assert (await service.instance(invoice))["open_tasks"] == [task]


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_timestamp_six_minutes_off_answers_401(service: Service, minutes: int) -> None:
    _, task = await waiting_task(service)
    body = callback_body(task, "approve")
    headers = signed(body, "r-1", at=datetime.now(UTC) + timedelta(minutes=minutes))
    assert (await service.call_back(body, headers))[0] == 401


async def test_a_body_changed_on_the_way_answers_401(service: Service) -> None:
    _, task = await waiting_task(service)
    headers = signed(callback_body(task, "reject", comment="No"), "r-1")
    assert (await service.call_back(callback_body(task, "approve"), headers))[0] == 401


async def test_bytes_that_are_not_utf8_answer_401(service: Service) -> None:
    assert (await service.call_back(b"\xff\xfe", signed(b"{}", "r-1")))[0] == 401


async def test_while_a_secret_rotates_one_of_two_signatures_is_enough(service: Service) -> None:
    _, task = await waiting_task(service)
    body = callback_body(task, "approve")
    other = signed(body, "r-1", secret="whsec_" + base64.b64encode(b"x" * 32).decode())
    headers = signed(body, "r-1", secret=SECRET)
    headers["webhook-signature"] = f"{other['webhook-signature']} {headers['webhook-signature']}"
    assert (await service.call_back(body, headers))[0] == 200


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "not json",
        '{"type": "task.responded"}',
        '{"id": "1", "type": "task.responded", "data": {"task_id": "T-1"}}',
        '{"id": "1", "type": "task.reassignment_requested", "data": {"task_id": "T-1", "assignee": null}}',
        '{"id": "1", "type": "task.responded", "data": {"task_id": 1, "action": "approve", "responded_by": null}}',
    ],
)
async def test_a_signed_body_that_is_no_answer_gets_400(service: Service, content: str) -> None:
    body = content.encode()
    assert (await service.call_back(body, signed(body, "r-1")))[0] == 400


# --- a step of an SLA policy gives the task to somebody else ----------------------------------------------------------
def reassignment(task_id: str, to: str, had: str | None, key: str) -> bytes:
    """`task.reassignment_requested` as the contract has it."""
    data = {
        "task_id": task_id,
        "case_id": "4711",
        "policy": "Approvals",
        "step": 1,
        "number": 0,
        "due_at": "2026-11-25T14:02:00Z",
        "raised_at": "2026-11-25T14:02:00Z",
        "assignee": {"ref": had, "name": had.title()} if had else None,
        "to": {"ref": to, "name": to.title()},
    }
    event = {"specversion": "1.0", "id": key, "source": "wfpush", "type": "task.reassignment_requested"}
    return json.dumps({**event, "subject": task_id, "data": data}).encode()


async def give(service: Service, task_id: str, to: str, had: str | None, key: str) -> tuple[int, str]:
    body = reassignment(task_id, to, had, key)
    status, said = await service.call_back(body, signed(body, key))
    return status, said["detail"]


async def test_carol_gets_what_bob_or_carol_might_have_done_and_wfpush_hears(
    service: Service, wfpush: Recorder
) -> None:
    invoice, task = await waiting_task(service)
    assert await give(service, task, "carol", None, "r-1") == (200, "Reassigned to Carol.")
    await eventually(lambda: len(wfpush.of_type("task.assigned")) == 2, "the reassignment")
    assert wfpush.of_type("task.assigned")[1]["data"]["task"]["assignee"] == "carol"
    step = (await service.instance(invoice))["current_steps"][0]
    assert step["waiting_for"] == "Carol"


async def test_the_same_request_again_changes_nothing(service: Service) -> None:
    invoice, task = await waiting_task(service)
    first = await give(service, task, "carol", None, "r-1")
    history = (await service.instance(invoice))["history"]
    assert await give(service, task, "carol", None, "r-1") == first
    assert await give(service, task, "carol", "bob", "r-2") == (200, "Carol has it already.")
    assert (await service.instance(invoice))["history"] == history


async def test_nobody_loses_a_task_who_got_it_meanwhile(service: Service) -> None:
    _, task = await waiting_task(service)
    await give(service, task, "alice", None, "r-1")
    assert await give(service, task, "carol", "bob", "r-2") == (409, "Alice has it meanwhile.")
    assert await give(service, task, "carol", None, "r-3") == (409, "Alice has it meanwhile.")
    assert await give(service, task, "carol", "alice", "r-4") == (200, "Reassigned to Carol.")


async def test_what_is_over_is_given_to_nobody(service: Service) -> None:
    _, task = await waiting_task(service)
    await service.answer(task, "approve", "bob")
    status, detail = await give(service, task, "carol", None, "r-1")
    assert (status, detail.endswith("is already completed.")) == (409, True)
    assert await give(service, "T-42", "carol", None, "r-2") == (422, "This engine has no task T-42.")


async def test_news_of_a_kind_the_engine_does_not_use_is_taken_politely(service: Service) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "wfpush", "type": "task.escalation_raised", "data": {}}
    body = json.dumps(event).encode()
    assert (await service.call_back(body, signed(body, "r-1")))[0] == 200


async def test_an_answer_that_cannot_be_written_down_is_not_taken(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice, task = await waiting_task(service)

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("demo.store.os.fsync", full)
        body = callback_body(task, "approve")
        async with service.client.post("/callback", data=body, headers=signed(body, "r-1")) as response:
            assert response.status == 500
    assert (await service.instance(invoice))["open_tasks"] == [task]
    assert (await service.call_back(body, signed(body, "r-1")))[0] == 200
