"""The simulator's page: what comes next of a task or an event, in words and as a drawing; nothing is kept or sent."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from escalations.admin.simulation_words import ForeseenStep
from escalations.admin.timeline_chart import WIDTH, Drawing
from escalations.forecast import simulate
from escalations.models import CalendarDay, Escalation, PersonCalendar, Policy, StepRun, StepTarget
from notifications.models import Callback, Delivery, Event, EventType, Notification, Recipient, Task, Team
from tests.admin import sla
from tests.admin import world as story
from tests.admin.pages import page_of, text_of
from tests.admin.world import World

PAGE = "admin:escalations_escalation_simulator"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def policy(world: World) -> Policy:
    return sla.policy()


def ask(client: Client, **fields: Any) -> Any:
    return client.get(reverse(PAGE), fields)


def ask_event(client: Client, world: World, body: str, **fields: Any) -> Any:
    return client.post(reverse(PAGE), {"engine": world.engine.pk, "body": body, **fields})


def as_sent(data: Any, event_type: str = "task.assigned") -> str:
    return json.dumps({"specversion": "1.0", "id": "x", "source": "s", "type": event_type, "data": data})


def soon(world: World, hours: float = 2) -> Escalation:
    return sla.assign(world, "T-201", world.now + hours * HOUR)


# --- of a task --------------------------------------------------------------------------------------------------------
def test_the_list_is_what_the_simulation_says(world: World, policy: Policy, root: Client) -> None:
    clock = soon(world)
    page = ask(root, task=clock.task.pk)
    rows = simulate.of_task(clock.task, timezone.now()).rows
    shown = [
        (step.number, step.at, [line.text.partition(" (")[0] for line in step.recipients])
        for step in page.context["found"].steps
    ]
    assert shown == [(number, row.at, [each["name"] for each in row.told]) for number, row in enumerate(rows, 1)]
    assert [names for _number, _at, names in shown] == [["Bob Bauer"], *[["Carol Castle"]] * 4]


def test_it_says_who_is_told_how_and_why(world: World, policy: Policy, root: Client) -> None:
    said = text_of(ask(root, task="T-201")) if soon(world) else ""
    in_order = [
        "Nothing is stored and nothing is sent.",
        "policy “Approvals” applies to: task.kind is approval",
        "1 h before due: remind the assignee",
        "Bob Bauer (assignee) would get",
        "e-mail bob@acme.example: would be sent",
        "when due: notify the team lead",
        "Carol Castle (lead of team Finance) would get",
        "1 h after due: notify the assignee's manager (again, 2 of 2)",
    ]
    places = [said.index(text) for text in in_order]
    assert places == sorted(places)


def test_nothing_is_kept_and_nothing_is_sent(world: World, policy: Policy, root: Client) -> None:
    soon(world)
    before = [model.objects.count() for model in (Event, Delivery, Notification, StepRun)]
    ask(root, task="T-201")
    page = ask_event(root, world, as_sent(story.invoice("T-9", 9, assignee="bob", due=world.now + DAY)))
    assert len(page.context["found"].steps) == 5
    assert [model.objects.count() for model in (Event, Delivery, Notification, StepRun)] == before
    assert not Task.objects.filter(task_id="T-9").exists()


def test_a_step_that_reaches_nobody_says_so_in_words(world: World, policy: Policy, root: Client) -> None:
    Recipient.objects.update(manager=None)
    soon(world)
    page = ask(root, task="T-201")
    assert "1 h after due: notify the assignee's manager would reach nobody Bob Bauer has no manager" in text_of(page)
    body = page.content.decode()
    assert body.count('class="desk-pin desk-pin-bad"') == 3
    assert "3 reach nobody" in body, "in the drawing's text, too"


def test_a_step_that_gives_the_task_away_says_to_whom_and_what_follows(
    world: World, policy: Policy, root: Client
) -> None:
    theirs = "this clock ends and a new one starts"
    soon(world)
    assert theirs not in text_of(ask(root, task="T-201"))
    policy.steps.filter(target="manager").update(kind="reassign", repeats=0)
    world.now += timedelta(minutes=1)
    sla.assign(world, "T-202", world.now + 2 * HOUR)
    page = text_of(ask(root, task="T-202"))
    assert "1 h after due: reassign the task to the assignee's manager" in page
    assert "Invoices is asked to give it to Carol Castle (manager of Bob Bauer)" in page
    assert theirs in page
    assert not Callback.objects.filter(task__task_id="T-202").exists()


def test_another_instant_may_be_chosen(world: World, policy: Policy, root: Client) -> None:
    clock = soon(world, hours=48)
    later = timezone.localtime(clock.deadline + 90 * timedelta(minutes=1))
    page = ask(root, task="T-201", day=later.date().isoformat(), time=f"{later:%H:%M}")
    results = [step.result for step in page.context["found"].steps]
    assert results == ["overtaken by a later step", "overtaken by a later step", "", "", ""]
    assert {step.at for step in page.context["found"].steps[:3]} == {later.replace(second=0, microsecond=0)}


BAD = [
    ({"task": ""}, "task", "Choose an open task, or write its id."),
    ({"task": "T-404"}, "task", "There is no task with this id."),
    ({"task": "T-101"}, "task", "This task has ended"),
    ({"task": "T-103", "day": "soon"}, "day", "Enter a date such as 2026-11-26."),
    ({"task": "T-103", "time": "25:00"}, "time", "Enter a time such as 16:30."),
    ({"task": "T-103", "day": "9999-12-31"}, "day", "Choose a day from a year ago to three years ahead."),
]


@pytest.mark.parametrize(("fields", "field", "sentence"), BAD)
def test_what_cannot_be_asked_is_said_at_its_field(
    fields: dict[str, str], field: str, sentence: str, day: World, root: Client
) -> None:
    page = ask(root, **fields)
    assert page.status_code == 200
    assert sentence in str(page.context["by_task"].errors[field])
    assert list(page.context["by_task"].errors) == [field]
    assert page.context["found"] is None


def test_a_task_of_two_engines_is_not_guessed(world: World, policy: Policy, root: Client) -> None:
    clock = soon(world)
    other = type(world.engine).objects.create(slug="other", name="Other")
    Task.objects.create(engine=other, task_id="T-201", name="Another")
    assert "Several engines have a task with this id." in text_of(ask(root, task="T-201"))
    assert "policy “Approvals” applies" in text_of(ask(root, task=clock.task.pk)), "ours is of one"


def test_without_a_policy_that_fits_it_says_why(world: World, policy: Policy, root: Client) -> None:
    policy.conditions.update(value="field")
    soon_task = story.send(world, "e", "task.assigned", story.invoice("T-7", 7, assignee="bob")).task
    assert soon_task is not None
    said = text_of(ask(root, task="T-7"))
    assert "no clock is running, so time notifies nobody" in said
    assert "policy “Approvals”: task.kind is field does not hold: it is “approval”" in said
    policy.conditions.update(value="approval")
    Policy.objects.update(clock="duration", minutes=60)
    assert "“Approvals” matches now, but not when the task was created" in text_of(ask(root, task="T-7"))


def test_a_clock_that_stands_still_says_so(world: World, policy: Policy, root: Client) -> None:
    soon(world)
    story.answer(world, "T-201", world.bob, "request_info", "Which cost centre?")
    page = ask(root, task="T-201")
    assert "The clock is paused until the question is answered." in text_of(page)
    assert page.context["found"].drawing is None


# --- of an event ------------------------------------------------------------------------------------------------------
def test_an_event_is_followed_from_its_arrival_to_the_last_step(world: World, policy: Policy, root: Client) -> None:
    then = (world.now + 30 * DAY).replace(hour=9, minute=30, second=0, microsecond=0)
    due = (then + DAY).replace(hour=12, minute=0)
    body = as_sent(story.invoice("T-9", 9, assignee="bob", due=due))
    page = ask_event(root, world, body, day=then.date().isoformat(), time="09:30")
    said = text_of(page)
    in_order = [
        "event task.assigned from Invoices would come in",
        "Bob Bauer (assignee) would get “Approve invoice 9”",
        "policy “Approvals” applies to: task.kind is approval",
        "1 h before due: remind the assignee",
        "1 h after due: notify the assignee's manager (again, 2 of 2)",
    ]
    places = [said.index(text) for text in in_order]
    assert places == sorted(places)
    assert page.context["found"].drawing.now == then
    assert [step.at.hour for step in page.context["found"].steps] == [11, 12, 13, 14, 15]


def test_an_event_about_no_task_has_no_clock(world: World, policy: Policy, root: Client) -> None:
    body = as_sent({"case": {"id": "1", "title": "A case", "status": "new"}}, "case.status_changed")
    assert "The event is about no task, so no clock runs." in text_of(ask_event(root, world, body))


def test_the_form_starts_from_a_sample(world: World, root: Client) -> None:
    sample = EventType.objects.get(name="case.status_changed")
    page = root.get(reverse(PAGE), {"sample": sample.pk})
    assert '"type": "case.status_changed"' in page.context["by_event"].initial["body"]
    assert '<details class="desk-card desk-fold" open>' in page.content.decode()


def test_a_real_event_can_be_asked_again(day: World, root: Client) -> None:
    form = root.get(reverse(PAGE), {"event": "e-1"}).context["by_event"]
    assert "T-101" in form.initial["body"]


def test_what_is_no_event_is_said_at_its_field(world: World, root: Client) -> None:
    page = ask_event(root, world, "{")
    assert "desk" in page.content.decode()
    assert page.context["by_event"].errors["body"]
    page = ask_event(root, world, "{}", day="soon")
    assert list(page.context["by_event"].errors) == ["day"]


def test_what_a_real_event_would_stumble_over_is_told(
    world: World, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*args: Any) -> None:
        raise RuntimeError("a template loops")

    monkeypatch.setattr(simulate, "of_event", stumbles)
    body = as_sent(story.invoice("T-9", 9, assignee="bob"))
    assert "it could not be processed: RuntimeError: a template loops" in text_of(ask_event(root, world, body))


# --- the drawing ------------------------------------------------------------------------------------------------------
WEDNESDAY = datetime(2026, 12, 23, 9, tzinfo=UTC)
"""10:00 in Munich."""


def step(number: int, at: datetime, tone: str = "ok") -> ForeseenStep:
    return ForeseenStep(number, at, tone, 1, f"step {number}", "", "", [], "")


def drawn(*steps: ForeseenStep, now: datetime = WEDNESDAY, deadline: datetime | None = None, **rest: Any) -> Drawing:
    return Drawing(now, deadline or now + 6 * DAY, steps, **rest)


@pytest.fixture
def munich(db: None) -> dict[str, Any]:
    row = sla.calendar()
    CalendarDay.objects.create(calendar=row, date=date(2026, 12, 28), hours=[], note="Works outing")
    return {"calendar": row.reckoning(), "notes": {day.date: day.note for day in row.days.all()}}


def is_open(drawing: Drawing, at: datetime) -> bool:
    x = drawing.x(at)
    return any(left <= x < left + width for left, width in drawing.openings)


def test_nights_and_days_off_are_shaded_and_working_time_is_not(munich: dict[str, Any]) -> None:
    drawing = drawn(**munich)
    assert is_open(drawing, WEDNESDAY + HOUR)
    assert not is_open(drawing, WEDNESDAY + 12 * HOUR), "at night"
    assert is_open(drawing, datetime(2026, 12, 24, 9, tzinfo=UTC)), "Christmas Eve has a morning"
    for closed in ((24, 13), (25, 10), (26, 10), (28, 10)):
        assert not is_open(drawing, datetime(2026, 12, *closed, tzinfo=UTC)), closed
    assert is_open(drawing, datetime(2026, 12, 29, 9, tzinfo=UTC))


def test_days_off_have_their_names(munich: dict[str, Any]) -> None:
    drawing = drawn(**munich)
    names = [(day.date.day, day.why) for day in drawing.named_days]
    assert names == [
        (24, "Christmas Eve"),
        (25, "Christmas Day"),
        (26, "Second Day of Christmas"),
        (28, "Works outing"),
    ]
    labels = [(day.label_x, day.label_y, len(day.label) * 7) for day in drawing.days_off]
    assert all(y and x >= 0 and x + wide <= WIDTH for x, y, wide in labels)
    clashes = [(a, b) for a in labels for b in labels if a[1] == b[1] and a[0] < b[0] < a[0] + a[2]]
    assert clashes == []


def test_by_the_clock_nothing_is_shaded() -> None:
    drawing = drawn(step(1, WEDNESDAY + DAY))
    assert drawing.openings == [] and drawing.days_off == []


def test_steps_are_marked_at_their_time_with_the_numbers_of_the_list() -> None:
    drawing = drawn(*(step(number, WEDNESDAY + number * DAY) for number in (1, 2, 3)))
    assert [mark.text for mark in drawing.marks] == ["1", "2", "3"]
    assert [mark.x for mark in drawing.marks] == [drawing.x(WEDNESDAY + number * DAY) for number in (1, 2, 3)]


def test_steps_at_one_time_stand_above_each_other_and_many_share_a_mark() -> None:
    few = drawn(step(1, WEDNESDAY + DAY), step(2, WEDNESDAY + DAY, "bad"))
    assert len({mark.y for mark in few.marks}) == 2
    many = drawn(*(step(number, WEDNESDAY + DAY, "bad" if number == 7 else "ok") for number in range(1, 10)))
    (mark,) = many.marks
    assert (mark.text, mark.tone) == ("1–9", "bad")


@pytest.mark.parametrize(
    ("length", "kind", "least", "most"),
    [
        (4 * HOUR, "hours", 3, 12),
        (2 * DAY, "both", 6, 40),
        (9 * DAY, "both", 16, 24),
        (18 * DAY, "days", 6, 12),
        (60 * DAY, "days", 6, 12),
        (300 * DAY, "days", 4, 14),
        (900 * DAY, "days", 5, 14),
    ],
)
def test_the_scale_fits_the_time(length: timedelta, kind: str, least: int, most: int) -> None:
    drawing = drawn(step(1, WEDNESDAY + length), deadline=WEDNESDAY + length)
    assert least <= len(drawing.ticks) <= most
    days = sorted(tick.x for tick in drawing.ticks if tick.is_day)
    assert all(right - left >= 60 for left, right in pairwise(days))
    assert any(not tick.is_day for tick in drawing.ticks) == (kind != "days")
    assert days, "some day is named"


def test_over_months_nights_are_left_out(munich: dict[str, Any]) -> None:
    drawing = drawn(step(1, WEDNESDAY + 200 * DAY), **munich)
    assert is_open(drawing, datetime(2027, 1, 12, 22, tzinfo=UTC)), "a working day is open as a whole"
    assert not is_open(drawing, datetime(2027, 1, 10, 12, tzinfo=UTC)), "a Sunday is not"


def test_what_is_long_overdue_is_named_at_the_edge() -> None:
    drawing = drawn(step(1, WEDNESDAY + HOUR), deadline=WEDNESDAY - 40 * DAY)
    assert drawing.start == WEDNESDAY
    assert [flag.label for flag in drawing.flags] == ["now: Wed 23 Dec 09:00", "was due Fri 13 Nov 09:00"]


def test_the_page_draws_what_it_lists(world: World, root: Client) -> None:
    calendar = sla.calendar()
    PersonCalendar.objects.create(recipient=world.bob, calendar=calendar)
    policy = sla.policy(calendar=calendar, calendar_of="assignee")
    policy.steps.update(time="business")
    soon(world, hours=30)
    page = ask(root, task="T-201")
    body = page.content.decode()
    assert "“Munich”, the calendar of Bob Bauer" in text_of(page)
    assert 'role="img" aria-labelledby="drawing-title drawing-words"' in body
    assert re.findall(r'text-anchor="middle">([\d–]+)<', body) == [
        mark.text for mark in page.context["found"].drawing.marks
    ]
    assert 'class="desk-rest"' in body
    assert "<script" not in body[body.index("<figure") : body.index("</figure>")]
    assert " style=" not in body[body.index("<figure") : body.index("</figure>")]


# --- from elsewhere, for whom, in which language ----------------------------------------------------------------------
def test_a_clocks_and_a_tasks_page_lead_there(world: World, policy: Policy, root: Client) -> None:
    clock = soon(world)
    link = f"{reverse(PAGE)}?task={clock.task.pk}"
    for row in (clock, clock.task):
        assert link in root.get(page_of(row)).content.decode()
    page = root.get(link)
    assert page.context["by_task"]["task"].value() == "T-201", "as people know it"
    story.answer(world, "T-201", world.bob, "approve")
    for row in (clock, clock.task):
        assert link not in root.get(page_of(row)).content.decode(), "nothing comes"


def test_clocks_without_events_are_not_enough(world: World, operator: Client) -> None:
    operator.get(reverse(PAGE))
    group = operator.get("/admin/").wsgi_request.user.groups.get()
    group.permissions.remove(group.permissions.get(codename="view_event"))
    assert operator.get(reverse(PAGE)).status_code == 403


ENGLISH = "the|and|is|of|would|due|task|reached|nobody|manager|lead|assignee|clock|step|time|now|not|what|who|from|by"


def test_the_page_is_german(world: World, policy: Policy, root: Client) -> None:
    Team.objects.update(name="Finanzen")
    Recipient.objects.update(locale="de")  # messages are in the language of whoever gets them
    Recipient.objects.filter(ref="carol").update(email="")
    sla.step(policy, 240, StepTarget.TEAM, team=Team.objects.create(slug="leer", name="Leer"))
    Policy.objects.update(name="Freigaben")
    Task.objects.update(name="Rechnung")
    soon(world)
    Task.objects.update(name="Rechnung freigeben")
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    body = ask(root, task="T-201").content.decode()
    asked = body[body.index('<p class="desk-lead">') : body.index("<details")]
    answered = body[body.index('aria-labelledby="goes-by"') - 40 :]
    main = asked + answered[: answered.index("</section>", answered.index("desk-steps"))]
    words = re.sub(r"[“„][^”“]*[”“]", "", re.sub(r"<[^>]+>", " ", main)).replace("task.kind", "")
    assert "würde niemanden erreichen" in words
    assert "das Team Leer hat keine Mitglieder" in words
    assert re.findall(rf"\b({ENGLISH})\b", words) == []
