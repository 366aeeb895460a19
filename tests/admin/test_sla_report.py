"""SLAs at a glance: what was on time, what is under way, what is late now, and whose."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import Page
from pytest_django.fixtures import DjangoAssertNumQueries

from escalations.admin import sla_report
from escalations.models import Escalation, Policy, Rules
from escalations.reasons import ANSWERED
from notifications.models import Recipient, Task, Team
from notifications.roles import RULE_EDITORS
from tests.admin import sla
from tests.admin import world as story
from tests.admin.conftest import member_of, signed_in
from tests.admin.desk import Visit
from tests.admin.pages import list_of, page_of, rows_of, text_of
from tests.admin.world import World
from tests.factories import TaskFactory

PAGE = reverse("admin:escalations_escalation_sla")
AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
"""Of rules that are kept axe says one place each, which is quicker."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def policy(world: World) -> Policy:
    return sla.policy()


@pytest.fixture(autouse=True)
def midweek() -> Iterator[None]:
    """In the first hour of a Monday what has just run late was due in the week before."""
    with time_machine.travel(datetime(2026, 11, 25, 14, tzinfo=UTC)):
        yield


def decided(world: World, policy: Policy, *, late: bool, ended: datetime | None = None, **task: Any) -> Escalation:
    """A clock that ended an hour before it was due, or after."""
    ended = ended or world.now - timedelta(minutes=1)
    rules, _made = Rules.objects.get_or_create(digest="as they were", defaults={"data": {}})
    teams = task.pop("teams", [])
    made = TaskFactory(engine=world.engine, case=None, task_id=f"ended-{Task.objects.count()}", **task)
    made.teams.set(teams)
    deadline = ended - HOUR if late else ended + HOUR
    said: dict[str, Any] = {"started_at": deadline - DAY, "deadline": deadline, "ended_at": ended}
    return Escalation.objects.create(
        task=made, policy=policy, rules=rules, state="closed", end_reason_fact=ANSWERED().as_json(), **said
    )


def begun(clock: Escalation) -> Escalation:
    """Days before it was due, so that it counts."""
    Escalation.objects.filter(pk=clock.pk).update(started_at=clock.deadline - DAY)
    return clock


def postpone(deadline: datetime) -> None:
    """The deadline of all clocks, as their tasks show it."""
    Escalation.objects.update(deadline=deadline)
    Task.objects.update(sla_due_at=deadline)


def shown(client: Client, query: str = "") -> dict[str, Any]:
    page = client.get(PAGE + query)
    assert page.status_code == 200
    known = {name: value for context in reversed(list(page.context)) for name, value in context.flatten().items()}
    return {**known, "text": text_of(page), "body": page.content.decode()}


def tables(body: str) -> list[list[str]]:
    """The rows of all tables, as read aloud."""
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", body)
    cells = [re.findall(r"(?s)<t[hd](?![^>]*aria-hidden)[^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in cells]


# --- what was on time -------------------------------------------------------------------------------------------------
def test_the_tables_have_the_numbers_of_weeks_policies_and_teams(world: World, policy: Policy, root: Client) -> None:
    visits = Policy.objects.create(name="Site visits", time="wall")
    for late in (False, False, True):
        decided(world, policy, late=late, assignee=world.bob)
    decided(world, visits, late=True, teams=[Team.objects.create(slug="field", name="Field service")])
    decided(world, policy, late=False, ended=world.now - 7 * DAY)
    page = shown(root)
    rows = tables(page["body"])
    assert ["Approvals", "75%", "3", "1"] in rows
    assert ["Site visits", "0%", "0", "1"] in rows
    assert ["Finance", "66%", "2", "1"] in rows, "Bob's team"
    assert ["Field service", "0%", "0", "1"] in rows
    assert ["no team", "100%", "1", "0"] in rows
    assert [row[1:] for row in rows if row[0] == page["weeks"][-2]["words"]] == [["100%", "1", "0"]]
    assert "On time this week 50% with an SLA policy: 2 on time, 2 late Last week: 1 on time, 0 late" in page["text"]
    assert "On time, last 12 weeks 60% with an SLA policy: 3 on time, 2 late" in page["text"]


def test_the_worst_come_first(world: World, policy: Policy, root: Client) -> None:
    good = Policy.objects.create(name="A good one", time="wall")
    decided(world, good, late=False)
    decided(world, policy, late=True)
    assert [row["name"] for row in shown(root)["by_policy"][0]] == ["Approvals", "A good one"]


def test_beyond_ten_policies_the_better_are_folded(world: World, policy: Policy, root: Client) -> None:
    for number in range(12):
        decided(world, Policy.objects.create(name=f"Policy {number:02}", time="wall"), late=False)
    first, folded = shown(root)["by_policy"]
    assert (len(first), len(folded)) == (10, 2)
    assert "2 more" in shown(root)["text"]


def test_a_policy_that_is_gone_keeps_its_figures(world: World, policy: Policy, root: Client) -> None:
    decided(world, policy, late=True)
    policy.delete()
    assert ["a policy that is gone", "0%", "0", "1"] in tables(shown(root)["body"])


def test_the_chart_says_nothing_that_the_table_does_not(world: World, policy: Policy, root: Client) -> None:
    decided(world, policy, late=True)
    body = shown(root)["body"]
    chart = body[body.index('class="desk-chart"') :]
    assert chart.startswith('class="desk-chart" aria-hidden="true"')
    assert chart.count("desk-part-bad") >= 1
    words = {week["words"] for week in shown(root)["weeks"]}
    weeks = [row for row in tables(body) if len(row) == 4 and row[0] in words]
    assert len(weeks) == 12
    assert "<script" not in body[body.index("desk-sla-choice") : body.index("desk-meaning")]


def test_the_page_says_what_counts(world: World, root: Client) -> None:
    text = shown(root)["text"]
    for words in (
        "counts once",
        "reassigned, cancelled or expired",
        "An acknowledgement changes nothing",
    ):
        assert words in text


def test_nothing_yet_is_said_in_sentences(world: World, root: Client) -> None:
    text = shown(root)["text"]
    undecided = "No task with an SLA policy was answered or late in these 12 weeks."
    for sentence in ("Nothing is late.", "No task on time has an SLA policy.", undecided):
        assert sentence in text
    assert "On time this week – with an SLA policy: no tasks Last week: no tasks" in text


# --- weeks where the reader is ----------------------------------------------------------------------------------------
def test_weeks_and_times_are_those_of_the_reader(world: World, policy: Policy, root: Client) -> None:
    """At three on Monday morning by UTC, it is still Sunday in New York."""
    monday = (world.now - timedelta(days=world.now.weekday() + 14)).replace(hour=3, minute=0)
    decided(world, policy, late=False, ended=monday)
    root_user = User.objects.get(username="root")
    for zone, first in (("America/New_York", monday - 7 * DAY), ("Pacific/Auckland", monday)):
        Recipient.objects.update_or_create(ref="root", defaults={"user": root_user, "timezone": zone})
        page = shown(root)
        assert f"times are in {zone}." in page["text"]
        weeks = [week["words"] for week in page["weeks"] if week["share"].total]
        assert weeks == [date_format(first.date(), "DATE_FORMAT")]
    assert timezone.get_current_timezone_name() == "UTC", "only on this page"


# --- what is under way ------------------------------------------------------------------------------------------------
def opened(world: World, client: Client) -> None:
    for number, hours in enumerate((-30, -2, 0.5, 2, 2.5, 10, 40, 90)):
        people = {"assignee": "bob"} if number % 2 else {"assignee": "carol", "teams": ["finance"]}
        sla.assign(world, f"T-{number}", world.now + hours * HOUR, **people)
    sla.assign(world, "T-9", world.now + HOUR, assignee="carol")
    Escalation.objects.filter(task__task_id="T-9").update(state="paused", paused_at=world.now, due_at=None)


def test_each_bar_leads_to_the_list_of_what_it_counts(world: World, policy: Policy, root: Client) -> None:
    opened(world, root)
    for query in ("", f"?policy={policy.pk}", f"?team={world.team.pk}", f"?policy={policy.pk}&team={world.team.pk}"):
        bars = shown(root, query)["bars"]
        listed = [root.get(bar["href"]).context["cl"].result_count for bar in bars]
        assert [str(count) for count in listed] == [bar["count"] for bar in bars]
        counts = ["1", "2", "1", "1", "1", "1"] if "team" not in query else ["1", "2", "1", "1", "1", "0"]
        assert [bar["count"] for bar in bars] == counts
    assert [bar["width"] for bar in bars if bar["count"] == "0"] == [0]


def test_the_lists_of_what_has_time_left_begin_with_what_is_due_first(
    world: World, policy: Policy, root: Client
) -> None:
    opened(world, root)
    rows = root.get(list_of(Escalation, "left=4h")).context["cl"].result_list
    assert [row.task.task_id for row in rows] == ["T-3", "T-4"]
    assert root.get(list_of(Escalation, "team=x")).status_code == 200
    assert root.get(list_of(Escalation, "left=soon")).status_code == 200


def test_an_acknowledged_task_that_nobody_answers_is_late(world: World, policy: Policy, root: Client) -> None:
    Policy.objects.update(on_acknowledge="stops")
    sla.assign(world, "T-1", world.now + HOUR)
    story.answer(world, "T-1", world.bob, "acknowledge")
    postpone(world.now - HOUR)
    assert "late by 1 h" in text_of(root.get(list_of(Escalation, "now=late")))
    [row] = shown(root)["board"]
    assert "acknowledged: no more notifications" in row["ahead"][0]


# --- what is late now -------------------------------------------------------------------------------------------------
def test_the_board_says_whose_it_is_who_was_told_last_and_what_comes_next(
    world: World, policy: Policy, root: Client
) -> None:
    clock = sla.escalated(world)  # Bob was reminded, and Carol heard
    postpone(world.now - timedelta(minutes=30))
    page = shown(root)
    assert "Late now 1 with and without an SLA policy" in page["text"]
    said = (
        "late by 30 min Approve invoice 4800 Bob Bauer · Approvals Last notified Carol Castle 0 s ago "
        "Next step notify the assignee's manager in 29 min"
    )
    loose = re.sub(r"\d+ s ago|in \d+ h \d+ min", "0 s ago", page["text"])
    assert said in loose, loose
    assert page_of(clock.task) in page["body"]
    assert page_of(clock) in page["body"]
    assert page_of(world.bob) in page["body"]


def test_the_board_says_where_nobody_was_reached_and_that_nothing_follows(
    world: World, policy: Policy, root: Client
) -> None:
    Team.objects.update(lead=None)
    Recipient.objects.update(manager=None)
    policy.steps.filter(target="manager").delete()
    sla.assign(world, "T-1", world.now - HOUR)
    sla.tick(world.now)
    [row] = shown(root)["board"]
    assert "reached nobody" in row["notified"][0]
    assert row["notified"][2] == "team Finance has no lead"
    assert "nothing more: all steps are taken" in row["ahead"][0]


def test_of_whom_a_task_is_without_an_assignee(world: World, policy: Policy, root: Client) -> None:
    sla.assign(world, "T-1", world.now - 2 * HOUR, candidates=["alice", "bob"], teams=["finance"])
    sla.assign(world, "T-2", world.now - HOUR, assignee="bob")
    Task.objects.filter(task_id="T-2").update(assignee=None)
    first, second = shown(root)["board"]
    assert first["owner"] == "Finance, Alice Adams, Bob Bauer"
    assert "nobody&#x27;s" in second["owner"]
    assert "nobody yet" in first["notified"][0]
    assert first["ahead"][1] == "due now"


def test_late_now_is_one_number_and_its_list_has_as_many_rows(world: World, policy: Policy, root: Client) -> None:
    for number, (owner, due) in enumerate(
        [({"assignee": "bob"}, -1), ({"teams": ["finance"]}, -2), ({"assignee": "carol"}, -3), ({"assignee": "bob"}, 2)]
    ):
        sla.assign(world, f"T-{number}", world.now + due * HOUR, **owner)
    no_policy = story.invoice("T-9", 4800, due=world.now - HOUR, assignee="alice", kind="other")
    story.send(world, "no-policy", "task.assigned", no_policy)
    sla.assign(world, "T-5", world.now + HOUR)
    story.answer(world, "T-5", world.bob, "request_info", "Which cost centre?")
    postponed = Escalation.objects.filter(task__task_id="T-5")
    postponed.update(deadline=world.now - HOUR, paused_at=world.now - 2 * HOUR)
    Task.objects.filter(task_id="T-5").update(sla_due_at=world.now - HOUR)

    [tile] = [each for each in root.get("/admin/").context["tiles"] if each.title == "Late now"]
    assert (tile.count, len(rows_of(root, Task, "now=late"))) == ("4", 4)
    for query, count in (("", 4), (f"?team={world.team.pk}", 3), (f"?policy={policy.pk}", 3)):
        page = shown(root, query)
        assert (page["late"], len(page["board"])) == (str(count), count), query
        assert len(root.get(page["late_href"]).context["cl"].result_list) == count, query
    assert "no SLA policy" in shown(root)["text"]


def test_only_what_the_reader_may_open_is_a_link(world: World, policy: Policy, root: Client) -> None:
    sla.assign(world, "T-1", world.now + HOUR)
    postpone(world.now - HOUR)
    task = Task.objects.get(task_id="T-1")
    rule_editor = signed_in(member_of(RULE_EDITORS))

    assert page_of(task) in root.get(PAGE).content.decode()
    page = rule_editor.get(PAGE)
    assert task.name in text_of(page)
    assert page_of(task) not in page.content.decode()


def test_what_was_late_when_it_was_paused_is_as_late_as_it_was_then(world: World, policy: Policy, root: Client) -> None:
    sla.assign(world, "T-1", world.now + HOUR)
    story.answer(world, "T-1", world.bob, "request_info", "Which cost centre?")
    postpone(world.now - 5 * HOUR)
    Escalation.objects.update(paused_at=world.now - 2 * HOUR)
    [row] = shown(root)["board"]
    assert "late by 3 h 0 min" in row["late_by"]
    assert "the answer to a question" in row["ahead"][0]


def test_the_first_twenty_are_shown_and_all_are_a_click_away(
    world: World, policy: Policy, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sla_report.SHOWN == 20
    monkeypatch.setattr(sla_report, "SHOWN", 2)
    for number in range(3):
        sla.assign(world, f"T-{number}", world.now - number * HOUR - HOUR)
    page = shown(root)
    assert [re.sub("<.*?>", "", row["late_by"]) for row in page["board"]] == ["late by 3 h 0 min", "late by 2 h 0 min"]
    assert "All 3" in page["text"]


# --- choosing ---------------------------------------------------------------------------------------------------------
def test_a_policy_and_a_team_can_be_chosen(world: World, policy: Policy, root: Client) -> None:
    visits = Policy.objects.create(name="Site visits", time="wall")
    decided(world, policy, late=True, assignee=world.bob)
    decided(world, visits, late=False)
    begun(sla.assign(world, "T-1", world.now - 8 * DAY))
    assert "1 on time, 2 late" in shown(root)["text"]
    assert "1 on time, 0 late" in shown(root, f"?policy={visits.pk}")["text"]
    chosen = shown(root, f"?policy={policy.pk}&team={world.team.pk}")
    assert "0 on time, 2 late" in chosen["text"]
    assert "Show all" in chosen["text"]
    assert len(chosen["board"]) == 1
    assert shown(root, f"?policy={visits.pk}")["board"] == []


@pytest.mark.parametrize("query", ["?policy=999", "?team=nobody", "?team=99999999999999999999"])
def test_what_cannot_be_chosen_is_said_at_its_field(world: World, policy: Policy, root: Client, query: str) -> None:
    decided(world, policy, late=True)
    page = shown(root, query)
    assert "Select a valid choice" in page["text"]
    assert "0 on time, 1 late" in page["text"], "all of them"


def test_the_first_page_names_the_most_overdue(world: World, policy: Policy, root: Client) -> None:
    for number in range(10):
        sla.assign(world, f"T-{number}", world.now - number * HOUR - HOUR)
    [panel] = [
        each for each in root.get("/admin/").context["panels"] if each.title == "Late now, the most overdue first"
    ]
    assert len(panel.rows) == 8
    assert "10 h 0 min" in panel.rows[0].when
    assert panel.rows[0].href == page_of(Task.objects.get(task_id="T-9"))
    assert panel.rows[0].detail == "Bob Bauer · Approvals"
    assert panel.href == PAGE


# --- how it is shown --------------------------------------------------------------------------------------------------
def test_it_takes_few_queries_however_much_there_is(
    world: World, policy: Policy, root: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    opened(world, root)
    for number in range(20):
        sla.assign(world, f"L-{number}", world.now - HOUR)
        decided(world, policy, late=bool(number % 2), assignee=world.bob)
    sla.tick(world.now)
    root.get(PAGE)
    with django_assert_max_num_queries(36):
        assert len(shown(root)["board"]) == 20


def test_the_page_is_german(world: World, policy: Policy, root: Client) -> None:
    begun(sla.assign(world, "T-1", world.now - HOUR))
    decided(world, policy, late=False)
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    text = shown(root)["text"].partition("Website anzeigen")[2]  # behind the sidebar, whose icons have names
    for english in (
        "Late",
        "On time",
        "under way",
        "Last notified",
        "counts",
        "week",
        "share",
        "within",
        "later",
        "paused",
    ):
        assert english not in text
    for german in ("Jetzt überfällig", "Pünktlich", "50 %", "Was zählt"):
        assert german in text


@pytest.mark.ci
@pytest.mark.browser
@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.long), "de"])
def test_it_fits_a_phone_and_axe_finds_nothing(
    world: World, policy: Policy, root: Client, browse: Callable[[Visit], Any], language: str
) -> None:
    opened(world, root)
    sla.tick(world.now)
    decided(world, Policy.objects.create(name="A policy with quite a long name", time="wall"), late=False)
    decided(world, policy, late=True, assignee=world.bob)
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    def visit(page: Page) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(PAGE)
            page.eval_on_selector_all("#content details", "all => all.forEach(each => { each.open = true })")
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 844})
                wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
                wrong = Axe().run(page, context="#content", options=AA).response["violations"]
                found |= {f"{scheme} {width}": (wide, [each["id"] for each in wrong])} if wide or wrong else {}
            late = "all => new Set(all.map((each) => getComputedStyle(each).backgroundImage)).size"
            assert page.eval_on_selector_all("#content .desk-part-bad", late) == 1, "late looks the same everywhere"
        return found

    assert browse(visit) == {}
