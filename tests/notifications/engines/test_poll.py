"""Engines that cannot tell of their tasks are asked: none is missed or taken twice, whatever changes meanwhile."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django import Settings

from notifications.connectors import connector_for
from notifications.engines import poll
from notifications.forms.fields import form_of
from notifications.intake import mapping
from notifications.models import Engine, Event, EventMapping, Poll, PolledTask, Task, TaskState
from notifications.routing import pipeline
from tests.notifications.forms.engine_forms import FLOWABLE
from tests.support.shelf import Shelf, shelved
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def shelf(settings: Settings) -> Iterator[Shelf]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with shelved() as (shelf, address):
        story = Story.begin()
        story.engine.kind, story.engine.callback_url = "flowable", address
        story.engine.save()
        Poll.objects.create(engine=story.engine)
        yield shelf


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "PAGE", 4)
    monkeypatch.setattr(poll, "LARGEST_PAGE", 16)


def ask(*, sweep: bool = False) -> Poll:
    """The dispatcher's turn, and the worker's after it."""
    Poll.objects.update(
        due_at=timezone.now(), lease_until=None, lease_token=None, **({"swept_at": None} if sweep else {})
    )

    async def turn() -> None:
        try:
            await poll._door.drained()
        finally:
            await poll._door.close()

    async_to_sync(turn)()
    pipeline.drain()
    return Poll.objects.get()


def known() -> set[str]:
    return set(Task.objects.values_list("task_id", flat=True))


def told(task_id: str) -> int:
    """How many events were made of it."""
    return Event.objects.filter(subject=task_id).count()


def fill(shelf: Shelf, count: int, *, first: int = 0) -> list[str]:
    names = [f"T-{number}" for number in range(first, first + count)]
    for number, name in enumerate(names, start=first):
        shelf.put(name, number * SECOND)
    return names


def long_ago() -> None:
    """What we know is no longer so young that the engine might not show it yet."""
    Task.objects.update(created_at=timezone.now() - HOUR)


def test_every_open_task_comes_once(shelf: Shelf) -> None:
    names = fill(shelf, 11)
    asked = ask()
    assert known() == set(names)
    assert [told(name) for name in names] == [1] * 11
    assert asked.error == "" and asked.asked_at is not None and asked.swept_at is not None
    ask()
    assert [told(name) for name in names] == [1] * 11
    task = Task.objects.get(task_id="T-3")
    assert (task.name, task.assignee and task.assignee.ref) == ("Approve T-3", "bob")


def test_the_form_of_a_task_comes_with_it(shelf: Shelf) -> None:
    shelf.put("T-1", SECOND, formKey="approve-order")
    shelf.put("T-2", SECOND, formKey="gone")
    shelf.forms["T-1"] = FLOWABLE
    ask()

    forms = {task.task_id: form_of(task.data) for task in Task.objects.all()}
    assert forms["T-1"] is not None and "amount" in forms["T-1"].names
    assert forms["T-2"] is not None and [each.words("en") for each in forms["T-2"].unshown] == ["gone (form)"]


def test_new_ones_are_found_without_asking_for_all(shelf: Shelf) -> None:
    fill(shelf, 9)
    shelf.put("T-late", HOUR)
    ask()
    before = len(shelf.lists)
    shelf.put("T-new", HOUR + SECOND)
    asked = ask()
    assert told("T-new") == 1
    assert len(shelf.lists) == before + 1
    assert "createdAfter" in shelf.lists[-1]
    assert asked.due_at is not None and asked.due_at > timezone.now()


def test_what_shows_late_is_found_all_the_same(shelf: Shelf) -> None:
    shelf.put("T-1", HOUR)
    ask()
    shelf.put("T-0", HOUR - 90 * SECOND)  # its transaction took its time
    ask()
    assert known() == {"T-0", "T-1"}


def test_tasks_that_end_while_one_pages_make_nobody_miss_another(shelf: Shelf) -> None:
    names = fill(shelf, 20)

    def asked(number: int) -> None:
        for name in names[2 * number : 2 * number + 2]:
            shelf.tasks.pop(name, None)

    shelf.asked = asked
    ask()
    stayed = set(shelf.tasks)
    assert stayed <= known()
    assert all(told(name) == 1 for name in stayed)


def test_many_of_one_millisecond_are_told_apart_by_a_larger_page(shelf: Shelf) -> None:
    for number in range(9):
        shelf.put(f"same-{number}", SECOND)
    shelf.put("later", 2 * SECOND)
    ask()
    assert len(known()) == 10


def test_more_than_any_page_holds_are_said_and_nothing_is_lost(shelf: Shelf) -> None:
    for number in range(20):
        shelf.put(f"same-{number:02}", SECOND)
    asked = ask()
    assert "created in the same millisecond" in asked.error
    assert len(known()) == 16
    for number in range(10):
        shelf.end(f"same-{number:02}")
    assert ask().error == ""
    assert set(shelf.tasks) <= known()


def test_a_sweep_finds_what_changed_without_being_new(shelf: Shelf) -> None:
    fill(shelf, 6)
    shelf.put("T-late", HOUR)
    ask()
    shelf.tasks["T-2"]["assignee"] = "carol"
    ask()
    assert told("T-2") == 1, "it is not new"
    ask(sweep=True)
    assert told("T-2") == 2
    task = Task.objects.get(task_id="T-2")
    assert task.assignee is not None and task.assignee.ref == "carol"
    shelf.tasks["T-2"]["assignee"] = "bob"  # and back: the same words as at first, and a change all the same
    ask(sweep=True)
    assert Task.objects.get(task_id="T-2").assignee != task.assignee


def test_a_sweep_closes_what_was_ended_without_our_hearing_of_it(shelf: Shelf) -> None:
    fill(shelf, 6)
    ask()
    shelf.end("T-4")
    ask(sweep=True)
    assert Task.objects.get(task_id="T-4").state == TaskState.OPEN, "a younger task may not be shown yet"
    long_ago()
    ask(sweep=True)
    assert Task.objects.get(task_id="T-4").state == TaskState.COMPLETED
    assert {task.state for task in Task.objects.exclude(task_id="T-4")} == {TaskState.OPEN}
    ask(sweep=True)
    assert not PolledTask.objects.filter(task_id="T-4").exists(), "and is forgotten"


def test_what_the_list_leaves_out_and_the_engine_still_has_stays_open(shelf: Shelf) -> None:
    fill(shelf, 3)
    ask()
    long_ago()
    hidden = shelf.tasks["T-1"]
    shelf.asked = lambda number: shelf.tasks.pop("T-1", None) and None
    reading = shelf.answer
    shelf.answer = lambda path, query: (200, hidden) if path.endswith("/T-1") else reading(path, query)  # type: ignore[method-assign]
    ask(sweep=True)
    assert Task.objects.get(task_id="T-1").state == TaskState.OPEN


def test_who_may_do_what_nobody_has_is_asked_for(shelf: Shelf) -> None:
    shelf.put("T-1", SECOND, assignee=None)
    shelf.candidates["T-1"] = [
        {"type": "candidate", "user": "carol", "group": None},
        {"type": "candidate", "user": None, "group": "finance"},
        {"type": "owner", "user": "alice"},
    ]
    ask()
    task = Task.objects.get()
    assert [person.ref for person in task.candidates.all()] == ["carol"]
    assert [team.slug for team in task.teams.all()] == ["finance"]


def test_who_started_the_processes_is_asked_once_a_page_and_who_delegated_is_not_taken_for_it(shelf: Shelf) -> None:
    mapping.use_preset(Engine.objects.get(), connector_for("flowable").preset)
    shelf.starters = {f"P-{number}": "alice" for number in range(14)} | {"P-13": None}
    for number in range(14):
        shelf.put(f"T-{number}", number * SECOND, processInstanceId=f"P-{number}", owner="carol")
    shelf.put("T-alone", HOUR, processInstanceId=None)
    ask()
    started = dict(Task.objects.values_list("task_id", "initiator__ref"))
    assert started == {f"T-{number}": "alice" for number in range(13)} | {"T-13": None, "T-alone": None}
    assert shelf.asked_for_processes == 5, "once for each page, and pages overlap by a task"


def test_an_engine_that_does_not_show_its_history_is_asked_all_the_same(shelf: Shelf) -> None:
    shelf.keeps_history = False
    shelf.put("T-1", SECOND, processInstanceId="P-1", owner="carol")
    asked = ask()
    assert asked.error == ""
    assert Task.objects.get().initiator is None


def test_whoever_is_killed_in_the_middle_the_next_one_goes_on(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    names = fill(shelf, 18)
    kept = poll._keep
    pages = 0

    def dies_in_the_third(*args: object) -> None:
        nonlocal pages
        pages += 1
        kept(*args)  # type: ignore[arg-type]
        if pages == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(poll, "_keep", dies_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        ask()
    assert Poll.objects.get().lease_token is not None, "as a killed process leaves it"
    monkeypatch.setattr(poll, "_keep", kept)
    lists = len(shelf.lists)
    ask()
    assert known() == set(names)
    assert [told(name) for name in names] == [1] * 18
    assert shelf.lists[lists]["createdAfter"] < shelf.tasks["T-9"]["createTime"]


def test_whoever_has_lost_the_lease_keeps_nothing_more(shelf: Shelf) -> None:
    fill(shelf, 12)

    def somebody_else_takes_it(number: int) -> None:
        if number == 2:
            Poll.objects.update(lease_token=None)

    shelf.asked = somebody_else_takes_it
    ask()
    assert len(known()) == 4


def test_an_engine_that_does_not_answer_is_asked_later_and_said(shelf: Shelf) -> None:
    fill(shelf, 2)
    shelf.fails = 503
    asked = ask()
    assert "503" in asked.error
    assert asked.due_at is not None and asked.due_at > timezone.now() + 3 * SECOND
    shelf.fails = None
    assert ask().error == ""
    assert len(known()) == 2


def test_one_that_the_mapping_cannot_read_does_not_hold_up_the_others(shelf: Shelf) -> None:
    fill(shelf, 5)
    shelf.tasks["T-2"]["dueDate"] = "soon"
    assert "The mapping cannot read 1 of its tasks" in ask().error
    assert known() == {"T-0", "T-1", "T-3", "T-4"}
    assert ask().error, "it is still so"
    shelf.tasks["T-2"]["dueDate"] = None
    assert ask().error == ""
    assert told("T-2") == 1


def test_tasks_that_a_mapping_makes_text_of_are_said_to_be_unreadable(shelf: Shelf) -> None:
    fill(shelf, 2)
    EventMapping.objects.create(engine=Engine.objects.get(), member="data.task", expression="name")
    assert "The mapping cannot read 2 of its tasks" in ask().error


def test_what_waits_for_nobody_yet_is_no_fault_and_comes_once_it_does(shelf: Shelf) -> None:
    shelf.put("T-1", SECOND, assignee=None)
    assert ask().error == ""
    assert known() == set()
    shelf.tasks["T-1"]["assignee"] = "bob"
    ask()
    assert known() == {"T-1"}


def test_nobody_is_asked_who_is_switched_off_or_has_no_address(shelf: Shelf) -> None:
    fill(shelf, 2)
    Poll.objects.update(enabled=False)
    ask()
    story_engine = Poll.objects.get().engine
    Poll.objects.update(enabled=True)
    story_engine.active = False
    story_engine.save()
    ask()
    assert shelf.lists == []
