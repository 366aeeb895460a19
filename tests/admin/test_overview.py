"""The first page: what waits, what is late, what failed, each with its worst; then what needs a look."""

import re
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from notifications import versions
from notifications.models import Callback, Delivery, Engine, Event, Task, Template
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World
from wfpush.models import Heartbeat


def tiles(client: Client) -> dict[str, Any]:
    return {str(tile.title): tile for tile in client.get("/admin/").context["tiles"]}


def panels(client: Client) -> dict[str, Any]:
    return {str(panel.title): panel for panel in client.get("/admin/").context["panels"]}


def test_the_first_row_counts_and_names_the_worst(day: World, root: Client) -> None:
    shown = tiles(root)
    assert [tile.count for tile in shown.values()] == ["2", "1", "2"]
    late = Task.objects.get(task_id="T-102")
    assert "Approve invoice 4712" in shown["Late now"].worst
    assert "5 h" in shown["Late now"].worst
    assert shown["Late now"].worst_href == page_of(late)
    assert shown["Waiting now"].worst_href == page_of(late), "it has waited the longest, too"
    assert shown["Failed, last 7 days"].worst_href == page_of(Event.objects.get(event_id="e-6"))
    assert [words for words, _href in shown["Failed, last 7 days"].parts] == ["Events: 1", "Deliveries: 1"]


def test_an_answer_the_engine_never_got_is_the_worst_failure(day: World, root: Client) -> None:
    failed = Callback.objects.get(state="waiting")
    Callback.objects.filter(pk=failed.pk).update(state="failed", due_at=None)
    assert tiles(root)["Failed, last 7 days"].worst_href == page_of(failed)


def test_every_number_leads_to_the_rows_it_counts(day: World, root: Client) -> None:
    for tile in tiles(root).values():
        counted = sum(root.get(href).context["cl"].result_count for _words, href in tile.parts or [("", tile.href)])
        assert str(counted) == tile.count
    for panel in panels(root).values():
        assert root.get(panel.href).status_code == 200
        assert all(root.get(row.href).status_code == 200 for row in panel.rows)


def test_the_panels_say_what_needs_a_look(day: World, root: Client) -> None:
    versions.new_draft(Template.objects.all()[0], note="Friendlier")
    Engine.objects.create(
        slug="old", name="Old engine", callback_disabled_at=day.now, callback_disabled_reason="Gone (410)."
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
        "Nothing failed.",
        "No event has come in yet.",
        "Engines have every answer.",
        "Every event found a route.",
    ):
        assert sentence in page


def test_failures_of_last_month_are_no_news(day: World, root: Client) -> None:
    """Ids hold the time: rows of long ago have smaller ones."""
    old = Delivery.objects.get(state="dead")
    Delivery.objects.filter(pk=old.pk).delete()
    old.pk = "01900000-0000-7000-8000-000000000000"
    old.save(force_insert=True)
    assert tiles(root)["Failed, last 7 days"].count == "1"


def test_a_silent_worker_is_the_first_thing_said(world: World, root: Client) -> None:
    assert root.get("/admin/").context["alarms"] == []
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=5))
    assert "“cluster” has shown no life for 5 min" in text_of(root.get("/admin/"))
    Heartbeat.objects.all().delete()
    assert "The worker has never run" in text_of(root.get("/admin/"))


def test_the_overview_costs_few_queries(
    day: World, root: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    root.get("/admin/")
    with django_assert_max_num_queries(25):
        root.get("/admin/")


def test_the_sidebar_has_four_groups(day: World, root: Client) -> None:
    groups = [str(group["title"]) for group in root.get("/admin/").context["sidebar_navigation"]]
    assert groups == ["Now", "Set up", "People", "Access"]
    links = re.findall(r'href="(/admin/[^"?]*)"', root.get("/admin/").content.decode())
    assert list_of(Event) in links
    assert all(root.get(link).status_code == 200 for link in set(links) if "logout" not in link)


def test_the_desk_speaks_german(day: World, root: Client) -> None:
    page = text_of(root.get("/admin/", headers={"accept-language": "de"}))
    assert "Wartet jetzt" in page
    assert "Übersicht" in page
