"""What the overview draws: the same numbers as the lists behind it, by the hours and days of the reader."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from notifications.admin.desk.intervals import between_words, read_between
from notifications.insight import hourly
from notifications.insight.admin import charts
from notifications.insight.admin.periods import period_of
from notifications.insight.models import CountedHour, HourlyCount
from notifications.models import Delivery, Engine, Event, Poll, Team
from notifications.reasons import said
from tests.admin.pages import list_of, text_of
from tests.admin.world import World
from tests.factories import EventFactory
from tests.support.length import some
from tests.support.unrendered import contexts_alone
from wfpush.identifiers import lowest_id

NOW = datetime(2026, 11, 2, 14, 20, tzinfo=UTC)


def drawn(client: Client, query: str = "") -> dict[str, Any]:
    return {str(chart.title): chart for chart in client.get(f"/admin/{query}").context["charts"]}


@pytest.fixture
def counted(day: World) -> World:
    for hours in (0, 1, 30, 24 * 8):
        came = day.now - timedelta(hours=hours)
        EventFactory(pk=lowest_id(came), engine=day.engine, received_at=came)
        hourly.count_hour(hourly.hour_of(came), timezone.now())
    return day


def test_numbers_are_those_of_the_lists_behind_them(counted: World, root: Client) -> None:
    for query in ("", "?period=week", "?period=month"):
        for title in ("Events that came in", "Answers"):
            chart = drawn(root, query)[title]
            links = [(column.href, column.counts[0]) for column in chart.columns if column.href]
            assert links
            with contexts_alone():
                found = [str(root.get(href).context["cl"].result_count) for href, _count in links]
                everything = root.get(chart.href).context["cl"].result_count
            assert found == [count for _href, count in links]
            assert everything == sum(map(int, found))
            assert len(chart.columns) == {"": 24, "?period=week": 7, "?period=month": 30}[query]
            assert max(column.height for column in chart.columns) == 100


def test_a_list_says_which_hour_it_shows(counted: World, root: Client) -> None:
    column = next(column for column in drawn(root)["Events that came in"].columns if column.href)
    assert column.stretch.words in text_of(root.get(column.href))


@pytest.mark.parametrize("period", some(["day", "week", "month", "year", ""], 2))
def test_any_period_is_a_page(counted: World, root: Client, period: str) -> None:
    page = root.get("/admin/", {"period": period})
    assert page.status_code == 200
    assert page.context["period"].name == (period if period in ("week", "month") else "day")


def test_messages_say_what_became_of_them_by_channel(counted: World, root: Client) -> None:
    rows = {row.name: row for row in drawn(root)["Messages"].rows}
    assert "delivered" in rows["inbox"].detail
    for row in rows.values():
        with contexts_alone():
            shown = root.get(row.href).context["cl"].result_count
        assert shown == sum(part.count for part in row.parts)


def test_a_lost_message_shows(counted: World, root: Client) -> None:
    made = Delivery.objects.count()
    assert f"made {made} messages, and {made} are accounted for" in drawn(root)["Messages"].foot
    Delivery.objects.filter(channel="live").first().delete()  # type: ignore[union-attr]
    lost = drawn(root)["Messages"].foot
    assert f"made {made} messages, and {made - 1} are accounted for" in lost and "bad" in lost


def hour(moment: datetime, **counts: int) -> None:
    """`counts`: by what and of what, with two underscores between them."""
    row, _made = CountedHour.objects.get_or_create(hour=hourly.hour_of(moment), defaults={"counted_at": moment})
    for name, count in counts.items():
        what, _gap, of = name.partition("__")
        HourlyCount.objects.create(hour=row, what=what, of=of.replace("__", "/"), count=count)


def test_a_channel_that_reaches_nobody_says_how_many_have_a_device(world: World, root: Client) -> None:
    hour(timezone.now(), messages__fcm__suppressed=241)
    (row,) = drawn(root)["Messages"].rows
    assert row.detail.endswith("0 of 3 people have a device for it"), "customers are not counted"
    assert "241" in row.detail


def test_answers_are_told_by_team_with_the_time_they_took(world: World, root: Client) -> None:
    gone = Team.objects.create(slug="gone", name="Gone")
    now = timezone.now()
    hour(now, answers____1=1, answers____4=2, answers____12=1, **{f"answers__{world.team.pk}__12": 3})
    hour(now - timedelta(hours=2), answers____0=1, **{f"answers__{gone.pk}__0": 1})
    gone.delete()

    chart = drawn(root)["Answers"]
    assert chart.says == "5 answers, half of them within 1 h; at most 4 in an hour."
    assert [(row.name, row.detail) for row in chart.rows] == [
        (world.team.name, "3 answers, half of them after more than 7 d")
    ]


@pytest.mark.parametrize(("band", "words"), [(0, "within 1 min"), (4, "within 1 h"), (8, "within 1 d")])
def test_bands_are_said_in_their_largest_unit(band: int, words: str) -> None:
    assert charts.band_words(band) == words


def test_what_waits_is_the_most_at_once_and_not_a_sum(world: World, root: Client) -> None:
    now = timezone.now()
    hour(now, waiting__=5, late__=2)
    hour(now - timedelta(hours=1), waiting__=3)
    for query in ("", "?period=month"):
        chart = drawn(root, query)["Waiting and late"]
        assert chart.says == "At most 5 tasks waited at once, at most 2 were late."
    assert sum(int(column.counts[0]) for column in drawn(root)["Waiting and late"].columns) == 8


def test_engines_that_need_a_look_come_first(world: World, root: Client) -> None:
    hour(timezone.now(), **{f"events__{world.engine.pk}": 7, f"told__{world.engine.pk}": 1})
    Engine.objects.create(
        slug="b", name="B", callback_disabled_at=NOW, callback_disabled_reason_fact=said("Gone").as_json()
    )
    failing = Engine.objects.create(slug="a", name="A")
    Poll.objects.create(engine=failing, enabled=True, error_fact=said("no answer").as_json())
    Engine.objects.create(slug="off", name="Off", active=False)

    rows = drawn(root)["Engines"].rows
    assert [row.name for row in rows] == ["A", "B", world.engine.name]
    assert "cannot be polled" in rows[0].state and "answers are stopped" in rows[1].state
    assert rows[2].detail == "7 events · 1 answer sent" and max(rows[2].heights) == 100


def test_nothing_is_drawn_of_what_a_user_may_not_see(counted: World, root: Client) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_event"))
    root.force_login(clerk, "notifications.signing_in.AccountBackend")
    page = root.get("/admin/")
    assert [chart.title for chart in page.context["charts"]] == ["Events that came in"]
    assert "Waiting and late" not in text_of(page)


def test_nothing_is_said_of_what_nobody_has_counted(day: World, root: Client) -> None:
    page = root.get("/admin/")
    assert page.context["charts"] == []
    assert "No event came in." not in text_of(page)
    assert "once a worker has counted the data" in text_of(page)
    assert "Recent events" in text_of(page)


def test_an_empty_installation_says_so(world: World, root: Client) -> None:
    hourly.count_hour(hourly.hour_of(timezone.now()), timezone.now())
    page = text_of(root.get("/admin/"))
    assert "once a worker has counted the data" not in page
    for words in ("No task waited.", "No event came in.", "Nobody answered.", "No message was made."):
        assert words in page


def test_charts_cost_as_many_queries_with_many_rows(
    counted: World, root: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2, 24 * 3):
        moment = counted.now - timedelta(hours=number)
        hour(moment, **{f"told__{counted.engine.pk}": 5, f"answers__{counted.team.pk}__3": 1})
    root.get("/admin/?period=week")
    with django_assert_max_num_queries(56):
        root.get("/admin/?period=week")


# --- hours and days ---------------------------------------------------------------------------------------------------
def test_days_begin_at_the_readers_midnight_also_when_clocks_change() -> None:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        days = period_of("week", datetime(2026, 10, 26, 12, tzinfo=UTC)).stretches
        hours = [(each.end.astimezone(UTC) - each.start.astimezone(UTC)) // hourly.HOUR for each in days]
        assert hours == [24] * 5 + [25, 24]
        assert {timezone.localtime(each.start).hour for each in days} == {0}
        assert [each.words for each in days][-1] == "Mon, 26 Oct"


def test_a_day_ends_with_the_hour_that_runs() -> None:
    hours = period_of("day", NOW).stretches
    assert (hours[-1].start, hours[-1].end) == (NOW.replace(minute=0), NOW.replace(minute=0) + hourly.HOUR)
    assert hours[0].end == NOW.replace(minute=0) - timedelta(hours=22)
    assert [each.short for each in hours if each.short] == ["15", "18", "21", "00", "03", "06", "09", "12"]


def test_hours_are_said_in_the_zone_of_who_reads(counted: World, root: Client) -> None:
    counted.alice.timezone = "Asia/Kolkata"
    counted.alice.user = User.objects.get(username="root")
    counted.alice.save()
    last = drawn(root)["Events that came in"].columns[-1].stretch
    assert last.words.endswith(f"{last.end.astimezone(ZoneInfo('Asia/Kolkata')):%H}:30")
    assert last.words in text_of(root.get(list_of(Event, last.query)))


@pytest.mark.parametrize("value", ["", "1", "1..", "..2", "1..2..3", "-1..2", "1..x", "1" * 12 + "..2", "١..٢"])
def test_what_is_no_pair_of_moments_is_none(value: str) -> None:
    assert read_between(value) is None


def test_a_list_between_two_moments_is_said_in_words() -> None:
    start = datetime(2026, 11, 2, 13, tzinfo=UTC)
    assert between_words(start, start + hourly.HOUR) == "2 Nov, 13:00 – 14:00"
    assert between_words(start.replace(hour=0), start.replace(hour=0) + timedelta(days=1)) == "2 Nov"
    assert between_words(start.replace(hour=0), start.replace(hour=0) + timedelta(days=7)) == "2 Nov – 8 Nov"


def test_a_list_takes_moments_in_any_order(counted: World, root: Client) -> None:
    for query in ("99999999999..1", "0..0", "1..99999999999"):
        page = root.get(list_of(Event), {"within": query})
        assert page.status_code == 200
        assert bool(page.context["cl"].result_count) == (query == "1..99999999999")
