"""From the outbox to wfpush: everything arrives once, in order, whatever fails on the way."""

import pytest

from demo.config import Settings
from demo.sender import LONGEST_WAIT, backoff
from tests.demo.recorder import Recorder, problem
from tests.demo.service import Service, eventually, running


async def test_a_started_invoice_is_told_in_the_order_of_its_events(service: Service, wfpush: Recorder) -> None:
    started = await service.start()
    await eventually(lambda: len(wfpush.events) == 5, "five events")
    assert wfpush.types() == [
        "case.status_changed",
        "request.status_changed",
        "case.status_changed",
        "request.status_changed",
        "task.assigned",
    ]
    assert [event["id"] for event in wfpush.events] == [f"{started['id']}.{number}" for number in range(1, 6)]
    assert {event["source"] for event in wfpush.events} == {"urn:wfpush:demo"}
    assert [event["time"] for event in wfpush.events] == sorted(event["time"] for event in wfpush.events)


async def sent(service: Service, instance_id: str) -> list[tuple[str, str]]:
    """State and detail of each event, once nothing is left to send."""
    await eventually(lambda: instance_id not in service.engine.unsent(), "an empty outbox")
    return [(event["state"], event["detail"]) for event in (await service.instance(instance_id))["events"]]


async def test_while_wfpush_is_away_answers_count_and_news_wait(service: Service, wfpush: Recorder) -> None:
    wfpush.away = problem(503, "unavailable", "The database is away.")
    started = await service.start()
    assert (await service.answer(started["open_tasks"][0], "approve"))[0] == 200
    await eventually(lambda: len(wfpush.received) >= 2, "two tries")
    assert "Waiting for wfpush" in await service.page("/")
    wfpush.away = None
    await eventually(lambda: len(wfpush.events) == 8, "all events after the outage")
    assert "Connected to wfpush" in await service.page("/")
    assert len({event["id"] for event in wfpush.events}) == 8


async def test_during_an_outage_one_instance_tries_for_all(service: Service, wfpush: Recorder) -> None:
    wfpush.away = problem(503, "unavailable", "Away.")
    started = [await service.start() for _ in range(10)]
    await eventually(lambda: len(wfpush.received) >= 12, "a first try of each, and more")
    tried_again = {event_id for event_id in wfpush.received if wfpush.received.count(event_id) > 1}
    assert len(tried_again) == 1
    wfpush.away = None
    await eventually(lambda: len(wfpush.events) == 50, "all events, all at once")
    assert {event["id"].rpartition(".")[0] for event in wfpush.events} == {each["id"] for each in started}


async def test_an_event_is_sent_again_under_the_same_id(service: Service, wfpush: Recorder) -> None:
    wfpush.failures = [problem(500, "oops", "Oops."), problem(429, "slow_down", "Slow down.", **{"Retry-After": "0"})]
    started = await service.start()
    await eventually(lambda: len(wfpush.events) == 5, "five events")
    assert wfpush.received[:3] == [f"{started['id']}.1"] * 3


async def test_a_wrong_key_is_tried_until_somebody_mends_it(service: Service, wfpush: Recorder) -> None:
    good, wfpush.api_key = wfpush.api_key, "wfp_other"
    await service.start()
    await eventually(lambda: len(wfpush.received) >= 2, "two tries")
    assert "wfpush says 401: This key is not known." in await service.page("/")
    wfpush.api_key = good
    await eventually(lambda: len(wfpush.events) == 5, "five events")


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
async def test_what_wfpush_refuses_is_shown_and_not_sent_again(service: Service, wfpush: Recorder, status: int) -> None:
    wfpush.refused_types = {"request.status_changed": problem(status, "invalid_event", "No recipients.")}
    started = await service.start()
    outcomes = await sent(service, started["id"])
    assert [state for state, _ in outcomes] == ["sent", "refused", "sent", "refused", "sent"]
    assert len(wfpush.received) == 5
    instance = await service.instance(started["id"])
    assert instance["refused_events"] == 2
    assert "2 events were refused by wfpush." in await service.page("/")
    assert f"wfpush says {status}: No recipients." in await service.page(f"/instances/{started['id']}")


async def test_after_a_restart_the_rest_is_sent(settled: Settings, wfpush: Recorder) -> None:
    wfpush.away = problem(503, "unavailable", "Away.")
    async with running(settled) as service:
        started = await service.start()
        await eventually(lambda: wfpush.received, "a try")
    wfpush.away = None
    async with running(settled) as service:
        assert await sent(service, started["id"]) == [("sent", "accepted")] * 5
    assert len(wfpush.events) == 5


async def test_when_only_the_answer_was_lost_the_next_try_is_a_duplicate_and_counts(
    service: Service, wfpush: Recorder
) -> None:
    wfpush.lost_answers = 1
    started = await service.start()
    assert await sent(service, started["id"]) == [("sent", "duplicate")] + [("sent", "accepted")] * 4
    assert len(wfpush.events) == 5


def test_the_wait_doubles_up_to_its_limit() -> None:
    assert [backoff(failures, None) for failures in (1, 2, 3)] == [0.2, 0.4, 0.8]
    assert backoff(1000, None) == LONGEST_WAIT
    assert backoff(1, 30.0) == 30.0
