"""The first start: people, then a few real processes, once."""

import asyncio
import dataclasses
import threading

import pytest

from demo.config import Settings
from demo.records import InstanceRecord
from demo.store import Store
from tests.demo.recorder import Recorder, problem
from tests.demo.service import Service, eventually, running

SAMPLES = 5


async def test_wfpush_learns_who_is_who(fresh: Service, wfpush: Recorder) -> None:
    await eventually(lambda: wfpush.teams, "the team")
    assert wfpush.order == ["carol", "bob", "alice"]
    assert {ref: body.get("manager") for ref, body in wfpush.people.items()} == {
        "carol": None,
        "bob": "carol",
        "alice": "bob",
    }
    assert wfpush.people["alice"] == {
        "name": "Alice",
        "locale": "en",
        "timezone": "Europe/Berlin",
        "manager": "bob",
    }
    assert wfpush.teams["finance"] == {"name": "Finance", "lead": "carol", "members": ["bob", "carol"]}


async def test_every_inbox_gets_something_to_answer(fresh: Service, wfpush: Recorder) -> None:
    await eventually(lambda: len(wfpush.of_type("task.assigned")) == SAMPLES, "a task of every process")
    tasks = [event["data"]["task"] for event in wfpush.of_type("task.assigned")]
    asked = {ref for task in tasks for ref in [task.get("assignee"), *task.get("candidates", [])] if ref}
    assert asked == {"alice", "bob", "carol"}
    assert ["finance"] in [task.get("teams") for task in tasks]
    assert len(wfpush.of_type("exception.raised")) == 1
    assert {event["data"]["recipients"][0] for event in wfpush.of_type("case.status_changed")} == {"alice"}


async def test_nothing_is_told_before_wfpush_knows_the_people(settings: Settings, wfpush: Recorder) -> None:
    wfpush.away = problem(503, "unavailable", "Not yet.")
    async with running(settings) as service:
        await service.start()
        await eventually(lambda: service.connection.detail, "a try")
        assert wfpush.received == []
        wfpush.away = None
        await eventually(lambda: len(wfpush.of_type("task.assigned")) == SAMPLES + 1, "everything")


async def test_a_second_start_starts_nothing_more(settings: Settings, wfpush: Recorder) -> None:
    for _ in range(2):
        async with running(settings) as service:
            await eventually(lambda: len(wfpush.of_type("task.assigned")) == SAMPLES, "the samples")
            await eventually(lambda: (settings.data / "seeded").exists(), "the mark")
            assert len(service.engine.summaries) == SAMPLES
    assert len(wfpush.people) == 3
    assert wfpush.order == ["carol", "bob", "alice"]


async def test_a_first_start_that_broke_off_goes_on_where_it_was(settings: Settings, wfpush: Recorder) -> None:
    async with running(settings) as service:
        await eventually(lambda: len(service.engine.summaries) == SAMPLES, "the samples")
        before = {summary.id for summary in service.engine.summaries}
        lost = sorted(before)[0]
    (settings.data / "seeded").unlink(missing_ok=True)
    (settings.data / "instances" / f"{lost}.json").unlink()
    async with running(settings) as service:
        await eventually(lambda: len(service.engine.summaries) == SAMPLES, "the samples again")
        after = {summary.id for summary in service.engine.summaries}
    assert len(before & after) == SAMPLES - 1


async def test_whoever_stops_the_engine_gets_it_back_once_nothing_is_written(
    fresh: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await eventually(lambda: (settings.data / "seeded").exists(), "the mark")
    began, may_end = threading.Event(), threading.Event()
    save = Store.save

    def slowly(store: Store, record: InstanceRecord) -> None:
        began.set()
        assert may_end.wait(30)
        save(store, record)

    monkeypatch.setattr(Store, "save", slowly)
    starting = asyncio.create_task(fresh.engine.start("invoice_approval", {}))
    await eventually(began.is_set, "it is written")
    starting.cancel()
    await asyncio.wait([starting], timeout=0.1)
    assert not starting.done()

    may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await starting
    assert len(list((settings.data / "instances").glob("*.json"))) == SAMPLES + 1


async def test_the_page_says_what_it_waits_for(settings: Settings) -> None:
    nowhere = dataclasses.replace(settings, wfpush_url="http://127.0.0.1:9")
    async with running(nowhere) as service:
        await eventually(lambda: service.connection.detail, "a try")
        page = await service.page("/")
        assert "Waiting for wfpush at http://127.0.0.1:9: wfpush does not answer (connection refused)." in page
        assert "Start an invoice" in page


async def test_people_whom_wfpush_does_not_take_do_not_stop_the_processes(settings: Settings, wfpush: Recorder) -> None:
    wfpush.failures = [problem(422, "invalid", "No such time zone.")]
    async with running(settings):
        await eventually(lambda: len(wfpush.of_type("task.assigned")) == SAMPLES, "the samples")
    assert not (settings.data / "people-known").exists()
