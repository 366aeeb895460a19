"""Whoever asks for an outage sees answers wait, and the engine take them afterwards."""

from datetime import UTC, datetime, timedelta

from demo.server import LASTS, Outage
from tests.demo.service import Service


async def test_an_answer_is_refused_while_the_engine_is_away_and_taken_afterwards(service: Service) -> None:
    started = await service.start()
    (task,) = started["open_tasks"]
    assert "Let the engine be away" in await service.page("/")

    _, page = await service.press("/away")
    assert "The engine is away until" in page and "Be back now" in page
    status, said = await service.answer(task, "approve", key="r-1")
    assert (status, said["detail"]) == (503, "The engine is away, as somebody asked on its page.")
    assert (await service.instance(started["id"]))["state"] == "running"

    _, page = await service.press("/back")
    assert "Let the engine be away" in page
    assert (await service.answer(task, "approve", key="r-1"))[0] == 200
    assert (await service.instance(started["id"]))["state"] == "finished"


def test_an_outage_ends_by_itself() -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    outage = Outage(lambda: now)
    outage.begin()
    assert outage.until == now + LASTS
    now += LASTS - timedelta(seconds=1)
    assert outage.until is not None
    now += timedelta(seconds=1)
    assert outage.until is None
