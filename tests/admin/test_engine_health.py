"""Every page, note and check says the same of an engine: what its last call and its poll have shown."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from notifications.connectors.base import Result
from notifications.engines import callback_claims
from notifications.management.commands.doctor import Command
from notifications.models import Callback, Engine, PausedService, Poll, Task
from notifications.reasons import said, with_text
from tests.admin.pages import list_of, page_of
from tests.admin.world import World, answer, call, invoice, send
from tests.support.length import some
from wfpush.observability import readiness, services

WORKS = ">works<"


def a_call(day: World, result: Result, task_id: str = "T-900") -> None:
    if not Task.objects.filter(task_id=task_id).exists():
        send(day, f"call-{task_id}", "task.assigned", invoice(task_id, 9000, assignee="bob"))
        answer(day, task_id, day.bob, "approve")
    call(Callback.objects.get(task__task_id=task_id), result)


FAILS = Result("later", None, said("Connection refused"))


def away(day: World) -> None:
    a_call(day, FAILS)
    service = (callback_claims.KIND, day.engine.slug)
    services.report(service, services.AWAY, with_text(said("Connection refused")), day.now, since=day.now)


def polled(day: World) -> None:
    Engine.objects.filter(pk=day.engine.pk).update(kind="flowable")
    Poll.objects.create(engine=day.engine, error_fact=said("The engine answered 503.").as_json())


STATES: dict[str, tuple[Callable[[World], object], str]] = {
    "a failed call": (lambda day: a_call(day, FAILS), "The last call failed on"),
    "another answer taken since": (
        lambda day: (a_call(day, FAILS), a_call(day, Result("done", 200), "T-901")),
        "works",
    ),
    "the same answer taken since": (lambda day: (a_call(day, FAILS), a_call(day, Result("done", 200))), "works"),
    "refused since, which is an answer": (
        lambda day: (a_call(day, FAILS), a_call(day, Result("refused", 409, said("Closed")))),
        "works",
    ),
    "an answer given up": (
        lambda day: (
            a_call(day, FAILS),
            Callback.objects.filter(task__task_id="T-900").update(state="failed", due_at=None, ended_at=day.now),
        ),
        "The last call failed on",
    ),
    "away": (away, "It has not answered since"),
    "stopped": (lambda day: a_call(day, Result("gone", 410, said("Gone"))), "It has said that its address is gone"),
    "settings that cannot work": (
        lambda day: a_call(day, Result("misconfigured", None, said("No address"))),
        "The last call failed on",
    ),
    "not polled": (polled, "Polling for its tasks fails"),
}


@pytest.mark.parametrize("state", some(STATES, 4))
def test_every_place_says_the_same_of_an_engine_at_once(state: str, day: World, root: Client) -> None:
    Callback.objects.filter(state="waiting").delete()
    PausedService.objects.all().delete()
    make, sentence = STATES[state]
    make(day)
    engine = Engine.objects.select_related("poll").get(pk=day.engine.pk)
    overview, listed, page = (root.get(each).content.decode() for each in ("/admin/", list_of(Engine), page_of(engine)))
    notes, faults = readiness.notes(timezone.now()), list(Command()._services(timezone.now()))
    if sentence == "works":
        assert WORKS in listed and WORKS in page and "desk-alarm" not in overview
        assert [each for each in (*notes, *faults) if each.startswith("Invoices")] == []
        return
    assert WORKS not in listed + page + overview
    for place in (overview, listed, page, "".join(notes), "".join(faults)):
        assert sentence in place


def test_an_engine_that_was_never_called_is_not_said_to_work(world: World, root: Client) -> None:
    for page in (list_of(Engine), page_of(world.engine)):
        assert ">no answer sent yet<" in root.get(page).content.decode()
