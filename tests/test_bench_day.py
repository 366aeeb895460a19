"""The realistic day: what it consists of, and that its end is checked."""

from collections import Counter

import pytest

from bench import processes
from bench.__main__ import PARTS, requested
from bench.day.plan import Day, Quarter

PEOPLE = [f"person-{number}" for number in range(200)]


def quarters(events: int = 5_000) -> list[Quarter]:
    return list(Day(PEOPLE, events).quarters())


def test_a_day_has_three_peaks_and_as_many_events_as_were_asked_for() -> None:
    sizes = [quarter.size for quarter in quarters()]

    assert (len(sizes), sum(sizes)) == (96, 5_000)
    hours = [sum(sizes[at : at + 4]) for at in range(0, 96, 4)]
    peaks = [hour for hour in range(1, 23) if hours[hour - 1] < hours[hour] > hours[hour + 1] and hours[hour] > 500]
    assert peaks == [9, 13, 16]
    assert max(hours[:6]) < max(hours) / 10
    assert min(sizes) > 0


def test_the_same_day_comes_again_but_for_its_due_dates() -> None:
    def told() -> list[tuple[str, str, str]]:
        return [
            (engine, event["type"], str(event["data"].get("task", {}).get("id")))
            for quarter in quarters()
            for engine, events in quarter.events.items()
            for event in events
        ]

    assert told() == told()


def test_tasks_go_the_ways_that_tasks_go() -> None:
    types: Counter[str] = Counter()
    assigned: dict[str, list[dict[str, object]]] = {}
    known: set[str] = set()
    for quarter in quarters():
        assert {task.id for _ref, task, _action in quarter.answers} <= known, "answers come a quarter later at least"
        events = [event for events in quarter.events.values() for event in events]
        for event in events:
            types[event["type"]] += 1
            task = event["data"].get("task")
            if event["type"] == "task.assigned":
                assigned.setdefault(task["id"], []).append(task)
            elif task is not None:
                assert task["id"] in known
        known |= assigned.keys()

    assert set(types) == {
        *("task.assigned", "task.updated", "task.completed", "task.cancelled"),
        *("case.status_changed", "request.status_changed", "exception.raised", "exception.resolved"),
    }
    given = {len(tasks) for tasks in assigned.values()}
    assert given == {1, 2}, "some are reassigned to somebody else"
    first = [next(iter(task.keys() & {"assignee", "candidates", "teams"})) for task, *_ in assigned.values()]
    assert Counter(first).most_common()[0][0] == "assignee"
    assert set(first) == {"assignee", "candidates", "teams"}


def test_what_is_to_be_measured_may_have_a_number() -> None:
    assert requested([]) == (list(PARTS), None)
    assert requested(["day", "5000", "live"]) == (["day", "live"], 5_000)
    with pytest.raises(SystemExit):
        requested(["week"])


def test_the_process_that_grows_the_most_is_named() -> None:
    before = {"web 1": 100.0, "worker 2": 50.0, "cluster 3": 80.0}

    assert processes.growth(before, {"web 1": 110.0, "worker 2": 60.0, "cluster 4": 900.0}) == ("worker 2", 1.2)
    assert processes.growth({}, before) == ("", 1.0)
