"""The first page: what waits, what is late, what failed, each with its worst; then what needs a look."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin import AdminSite
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from notifications import reasons
from notifications.admin.ledger.tasks import TaskAdmin
from notifications.models import Callback, Delivery, Device, Engine, Event, LinkMail, PausedService, Task, Template
from notifications.reasons import said
from notifications.routing import claims, pipeline, route
from notifications.wording import template_versions
from tests.admin import world as story
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World
from tests.support.unrendered import contexts_alone
from wfpush.identifiers import lowest_id
from wfpush.models import Heartbeat, ServiceState
from wfpush.observability import services
from wfpush.observability.service_watch import NO_REASON
from wfpush.queue import outbox


def tiles(client: Client) -> dict[str, Any]:
    return {str(tile.title): tile for tile in client.get("/admin/").context["tiles"]}


def panels(client: Client) -> dict[str, Any]:
    return {str(panel.title): panel for panel in client.get("/admin/").context["panels"]}


def test_the_first_row_counts_and_names_the_worst(day: World, root: Client) -> None:
    shown = tiles(root)
    assert [tile.count for tile in shown.values()] == ["2", "1", "0", "2"]
    late = Task.objects.get(task_id="T-102")
    assert "Approve invoice 4712" in shown["Late now"].worst
    assert "5\N{NO-BREAK SPACE}h" in shown["Late now"].worst
    assert shown["Late now"].worst_href == page_of(late)
    assert shown["Waiting now"].worst_href == page_of(late), "it has waited the longest, too"
    assert shown["Failed, last 7 days"].worst_href == page_of(Event.objects.get(event_id="e-6"))
    assert [words for words, _href in shown["Failed, last 7 days"].parts] == ["Events: 1", "Deliveries: 1"]


def test_an_answer_the_engine_never_got_is_the_worst_failure(day: World, root: Client) -> None:
    failed = Callback.objects.get(state="waiting")
    Callback.objects.filter(pk=failed.pk).update(state="failed", due_at=None, ended_at=day.now)
    assert tiles(root)["Failed, last 7 days"].worst_href == page_of(failed)


def test_every_number_leads_to_the_rows_it_counts(day: World, root: Client) -> None:
    for tile in tiles(root).values():
        with contexts_alone():
            counted = sum(root.get(href).context["cl"].result_count for _words, href in tile.parts or [("", tile.href)])
        assert str(counted) == tile.count
    for panel in panels(root).values():
        assert root.get(panel.href).status_code == 200
        assert all(root.get(row.href).status_code == 200 for row in panel.rows)


# --- what is due, where a policy counts the time ----------------------------------------------------------------------
@pytest.fixture
def by_policy(day: World) -> World:
    """A pause has moved Alice's deadline to tomorrow; Finance's task, due never by its engine, was due an hour ago."""
    Task.objects.filter(task_id="T-102").update(sla_due_at=day.now + timedelta(days=1))
    Task.objects.filter(task_id="T-103").update(sla_due_at=day.now - timedelta(hours=1))
    return day


def test_late_is_what_is_late_by_its_policy(by_policy: World, root: Client) -> None:
    late = Task.objects.get(task_id="T-103")
    tile = tiles(root)["Late now"]
    assert (tile.count, tile.worst_href) == ("1", page_of(late))
    assert "Approve invoice 4713" in tile.worst
    assert "1\N{NO-BREAK SPACE}h" in tile.worst
    assert list(root.get(tile.href).context["cl"].result_list) == [late]


def test_tasks_stand_in_the_order_of_the_deadline_that_counts(by_policy: World, root: Client) -> None:
    column = str(TaskAdmin.list_display.index("due_word") + 1)
    for query in ("now=waiting", f"now=waiting&o={column}"):
        page = root.get(list_of(Task), QueryDict(query))
        assert [task.task_id for task in page.context["cl"].result_list] == ["T-103", "T-102"]
        assert "late by 1 h" in text_of(page)
        assert "late by 5 h" not in text_of(page)


def test_the_page_of_a_task_has_both_dates(by_policy: World, root: Client) -> None:
    task = Task.objects.get(task_id="T-102")
    page = text_of(root.get(page_of(task)))
    assert "Due in the engine" in page
    assert "Due by its SLA" in page


def test_the_panels_say_what_needs_a_look(day: World, root: Client) -> None:
    template_versions.new_draft(Template.objects.all()[0], note="Friendlier")
    Engine.objects.create(
        slug="old",
        name="Old engine",
        callback_disabled_at=day.now,
        callback_disabled_reason_fact=said("Gone (410).").as_json(),
    )
    page = text_of(root.get("/admin/"))
    assert "Approve invoice 4712: request_info by Alice Adams ✕" in page or "Invoices: The engine answered 401." in page
    assert "zoe (unknown)" in page
    assert "com.acme.coffee.empty" in page
    assert "Old engine" in page
    assert "Gone (410)." in page
    assert "Friendlier" in page


def test_a_quiet_day_is_good_news(world: World, root: Client) -> None:
    page = text_of(root.get("/admin/"))
    for sentence in (
        "Nothing is waiting for anybody.",
        "Nothing is late.",
        "No event has to be tried again.",
        "Nothing failed.",
        "No event has come in yet.",
        "No answer waits for its engine.",
        "Every event found a rule.",
    ):
        assert sentence in page


def test_failures_of_last_month_are_no_news(day: World, root: Client) -> None:
    """Ids hold the time: rows of long ago have smaller ones."""
    old = Delivery.objects.get(state="dead")
    Delivery.objects.filter(pk=old.pk).delete()
    old.pk = "01900000-0000-7000-8000-000000000000"
    old.save(force_insert=True)
    assert tiles(root)["Failed, last 7 days"].count == "1"


# --- an event that fails while it is still tried --------------------------------------------------------------------
@pytest.fixture
def stumbling(day: World, monkeypatch: pytest.MonkeyPatch) -> Event:
    """Bob has been asked to approve something, and the panel's own query fails."""

    pipeline.drain()

    def stumble(*_: Any) -> None:
        raise LookupError("there is no such calendar\nDETAIL: finance")

    monkeypatch.setattr(route, "match", stumble)
    return story.send(day, "e-7", "task.assigned", story.invoice("T-107", 4717, assignee="bob"))


def test_an_event_that_fails_is_seen_while_it_is_still_tried(stumbling: Event, root: Client) -> None:
    tile = tiles(root)["Failing now"]
    assert (tile.count, tile.tone) == ("1", "bad")
    assert "task.assigned e-7" in tile.worst
    assert "tried once: LookupError: there is no such calendar DETAIL: finance" in tile.worst
    assert tile.worst_href == page_of(stumbling)
    assert [event.pk for event in root.get(tile.href).context["cl"].result_list] == [stumbling.pk]
    for address in ("/admin/", tile.href):
        assert "failing, will be retried" in text_of(root.get(address))
    trace = text_of(root.get(tile.worst_href))
    assert "tried once: LookupError: there is no such calendar" in trace
    assert "next attempt at" in trace


def test_the_worst_is_the_one_that_has_failed_longest(stumbling: Event, day: World, root: Client) -> None:
    later = story.send(day, "e-8", "task.assigned", story.invoice("T-108", 4718, assignee="bob"))
    assert tiles(root)["Failing now"].count == "2"
    assert tiles(root)["Failing now"].worst_href == page_of(stumbling) != page_of(later)


def test_an_event_whose_worker_died_over_it_is_told_of_too(day: World, root: Client) -> None:
    event = story.send(day, "e-7", "task.assigned", story.invoice("T-107", 4717, assignee="bob"), process=False)
    for _ in range(2):  # claimed, and nobody came back
        [claimed] = outbox.claim(Event.objects.filter(pk=event.pk), limit=1, lease=-claims.LEASE, now=timezone.now())
    assert claimed.is_retried
    assert "The worker stopped while processing it." in tiles(root)["Failing now"].worst


def test_the_first_try_of_an_event_is_no_failure(day: World, root: Client) -> None:
    event = story.send(day, "e-7", "task.assigned", story.invoice("T-107", 4717, assignee="bob"), process=False)
    outbox.claim(Event.objects.filter(pk=event.pk), limit=1, lease=claims.LEASE, now=timezone.now())
    assert tiles(root)["Failing now"].count == "0"


def test_once_it_goes_through_nothing_fails_any_more(
    stumbling: Event, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    Event.objects.filter(pk=stumbling.pk).update(due_at=timezone.now())
    pipeline.drain()
    assert tiles(root)["Failing now"].count == "0"
    assert "failing, will be retried" not in text_of(root.get(list_of(Event)))


# --- engines that fetch their answers -------------------------------------------------------------------------------
def test_answers_kept_for_an_engine_without_an_address_are_no_fault(day: World, root: Client) -> None:
    Engine.objects.filter(pk=day.engine.pk).update(callback_url="")
    story.answer(day, "T-103", day.alice, "approve")
    panel = panels(root)["Answers waiting for their engine"]
    sentence = "Invoices has no address for answers: 2 answers are kept until it reads them by API."
    assert [row.what for row in panel.rows] == [sentence]
    assert [str(each.task.task_id) for each in root.get(panel.rows[0].href).context["cl"].result_list] == [
        "T-103",
        "T-102",
    ]
    calm = "stored: the engine has no address, but can fetch the answer"
    assert f'desk-mark-quiet" title="">{calm}' in root.get(list_of(Callback)).content.decode()
    assert root.get(list_of(Callback)).content.decode().count("<time") == 2, "since when, and no next try"
    trace = text_of(root.get(page_of(Event.objects.get(event_id="e-3"))))
    assert calm in trace
    assert "next attempt at" not in trace


def test_one_kept_answer_is_one(day: World, root: Client) -> None:
    Engine.objects.filter(pk=day.engine.pk).update(callback_url="")
    assert "1 answer is kept until it reads it by API." in text_of(root.get("/admin/"))


def test_an_engine_that_is_switched_off_fetches_nothing(day: World, root: Client) -> None:
    Engine.objects.filter(pk=day.engine.pk).update(callback_url="", active=False)
    page = text_of(root.get("/admin/"))
    assert "Invoices : Switched off: its events are refused, and it gets no answers. 1 answer waits to be sent." in page
    assert "Invoices: switched off" in page
    assert "kept" not in page


def test_a_silent_worker_is_the_first_thing_said(world: World, root: Client) -> None:
    assert root.get("/admin/").context["alarms"] == []
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=5))
    assert "The worker worker-1/0123456789ab has sent no heartbeat for 5 min" in text_of(root.get("/admin/"))
    Heartbeat.objects.update(stopped_at=timezone.now())
    assert "The worker was stopped (" in text_of(root.get("/admin/"))
    Heartbeat.objects.create(name="worker-2/ba9876543210", beat_at=timezone.now() - timedelta(seconds=5))
    assert root.get("/admin/").context["alarms"] == []
    Heartbeat.objects.all().delete()
    assert "The worker has never run" in text_of(root.get("/admin/"))


def test_the_overview_costs_few_queries(
    day: World, root: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    root.get("/admin/")
    with django_assert_max_num_queries(44):
        root.get("/admin/")


@pytest.mark.ci
def test_every_link_of_it_opens(day: World, root: Client) -> None:
    links = re.findall(r'href="(/admin/[^"?]*)"', root.get("/admin/").content.decode())
    assert list_of(Event) in links
    assert all(root.get(link).status_code == 200 for link in set(links) if "logout" not in link)


def test_djangos_list_of_all_models_is_made_only_for_its_own_pages(
    day: World, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    make = AdminSite.get_app_list
    monkeypatch.setattr(AdminSite, "get_app_list", lambda *given: made.append(given) or make(*given))

    for address in ("/admin/", list_of(Event), page_of(day.team)):
        assert root.get(address).status_code == 200
    assert made == []

    assert "Teams" in text_of(root.get("/admin/notifications/"))
    assert root.get("/admin/nothing-here/").status_code == 404
    assert made


def test_a_push_service_that_refuses_us_is_said_before_anything_else(day: World, root: Client) -> None:
    now = timezone.now()
    PausedService.objects.all().delete()
    Callback.objects.filter(state="waiting").delete()
    assert root.get("/admin/").context["alarms"] == []
    PausedService.objects.create(
        channel="webpush",
        service="push.example",
        reason_fact=said("401").as_json(),
        paused_at=now,
        until=now + timedelta(minutes=10),
    )

    (alarm,) = root.get("/admin/").context["alarms"]
    assert alarm.startswith("push.example refuses messages and is paused until ")


def test_a_service_that_does_not_work_is_said_in_the_readers_language_and_a_paused_one_once(
    day: World, root: Client
) -> None:
    now = timezone.now()
    Callback.objects.filter(state="waiting").delete()
    for paused in PausedService.objects.all():
        services.report((paused.channel, paused.service), services.REFUSES, NO_REASON, now, since=now)
    assert len(root.get("/admin/").context["alarms"]) == PausedService.objects.count()
    PausedService.objects.all().delete()
    ServiceState.objects.all().delete()
    why = reasons.with_text(reasons.LEFT_ALONE(service="mail.example"))
    services.report(("email", "mail.example"), services.AWAY, why, now, since=now - timedelta(minutes=3))

    (alarm,) = root.get("/admin/").context["alarms"]
    assert re.fullmatch(r"E-mail mail\.example has not answered since .+ \d\d:\d\d: mail\.example does .+", alarm)
    (alarm,) = root.get("/admin/", headers={"accept-language": "de"}).context["alarms"]
    assert alarm.startswith("E-Mail mail.example antwortet seit ")


def test_a_push_service_that_is_not_on_the_list_any_more_is_named(day: World, root: Client) -> None:
    PausedService.objects.all().delete()
    Callback.objects.filter(state="waiting").delete()
    Device.objects.filter(channel="webpush").update(address="https://jmt17.google.com/fcm/send/d1")

    (alarm,) = root.get("/admin/").context["alarms"]
    assert alarm.startswith("jmt17.google.com is not in PUSH_ALLOWED_HOSTS: browsers registered there (1)")


def test_sign_in_links_that_could_not_be_mailed_are_said_until_they_are(day: World, root: Client) -> None:
    now = timezone.now()
    PausedService.objects.all().delete()
    Callback.objects.filter(state="waiting").delete()
    mails = [
        LinkMail.objects.create(recipient=day.bob, created_at=now - timedelta(hours=hours), detail=detail)
        for hours, detail in ((30, "too long ago"), (2, "refused"), (1, "550 no such \u202emailbox"), (1, ""))
    ]

    (alarm,) = root.get("/admin/").context["alarms"]
    assert alarm == ("2 sign-in links could not be mailed in the last 24 hours. Latest reason: 550 no such mailbox")
    (said,) = root.get("/admin/", headers={"Accept-Language": "de"}).context["alarms"]
    assert said.startswith("In den letzten 24 Stunden konnten 2 Anmeldelinks nicht gesendet werden, der letzte")

    for mail in mails[1:3]:
        mail.sent_at, mail.detail = now, ""
        mail.save()
    assert root.get("/admin/").context["alarms"] == []


# --- more than is processed -------------------------------------------------------------------------------------------
def flood(engine: Engine, count: int, seconds: float) -> None:
    """Events that came so many seconds ago, and wait."""
    came = timezone.now() - timedelta(seconds=seconds)
    Event.objects.bulk_create(
        Event(
            id=UUID(int=lowest_id(came).int | engine.pk << 32 | number),
            engine=engine,
            source="/s",
            event_id=f"flood-{number}",
            type="task.assigned",
            received_at=came,
            due_at=came,
            digest="0",
        )
        for number in range(count)
    )


def test_a_backlog_is_told_with_its_engine_and_its_outlook(world: World, root: Client) -> None:
    flood(world.engine, 1_200, 300)
    flood(Engine.objects.create(slug="claims", name="Claims"), 40, 60)
    (alarm,) = root.get("/admin/").context["alarms"]
    assert alarm == (
        "1,240 events wait, the oldest for 5 minutes; at the current rate the backlog does not shrink. "
        "1,200 of them are from Invoices."
    )
    (said,) = root.get("/admin/", headers={"Accept-Language": "de"}).context["alarms"]
    assert said.startswith("1.240 Ereignisse warten, das älteste seit 5 Minuten;")
    assert said.endswith("1.200 davon sind von Invoices.")


def test_a_few_events_that_wait_are_no_alarm(world: World, root: Client) -> None:
    flood(world.engine, 90, 300)
    assert root.get("/admin/").context["alarms"] == []


def test_an_engine_at_its_limit_is_named(world: World, root: Client) -> None:
    Engine.objects.filter(pk=world.engine.pk).update(most_waiting=50)
    flood(world.engine, 49, 300)
    assert root.get("/admin/").context["alarms"] == []
    flood(Engine.objects.create(slug="claims", name="Claims", most_waiting=40), 40, 1)
    (alarm,) = root.get("/admin/").context["alarms"]
    assert alarm == "Claims has been asked to send its events later: 40 are waiting, which is its limit or more."
