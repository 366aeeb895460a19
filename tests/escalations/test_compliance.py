"""How SLAs are kept, on clocks made by hand: each decides once, in one week, as on time, as late, or not at all."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from escalations import compliance, reasons
from escalations.clocks.clock import CLOSED_BECAUSE, observe
from escalations.compliance import UNDONE, Choice, Share
from escalations.models import Escalation, EscalationState, Policy, Rules
from notifications.models import Recipient, Task, TaskState, Team
from notifications.reasons import CODES
from notifications.wording.formats import zone_of
from tests.factories import EngineFactory, RecipientFactory, TaskFactory, TeamFactory

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ON_TIME, LATE, NEITHER = Share(1, 0), Share(0, 1), Share()

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy() -> Policy:
    return Policy.objects.create(name="Approvals", time="wall")


def clock(policy: Policy | None, deadline: datetime, ended: datetime | None = None, **fields: Any) -> Escalation:
    """That began four days before it was due."""
    engine = fields.pop("engine", None) or EngineFactory()
    state = TaskState.OPEN if ended is None else TaskState.ANSWERED
    assignee = fields.pop("assignee", None)
    task = TaskFactory(engine=engine, case=None, assignee=assignee, state=state, sla_due_at=deadline)
    task.teams.set(fields.pop("teams", []))
    rules, _made = Rules.objects.get_or_create(digest="as they were", defaults={"data": {}})
    said: dict[str, Any] = {"started_at": deadline - 4 * DAY, "deadline": deadline, "ended_at": ended}
    if ended is not None:
        said |= {"state": "closed", "end_reason_fact": reasons.ANSWERED().as_json()}
    return Escalation.objects.create(task=task, policy=policy, rules=rules, **{**said, **fields})


def found(zone: str = "UTC", now: datetime = NOW, **choice: Any) -> compliance.Compliance:
    return compliance.compliance(now, zone_of(zone), Choice(**choice))


# --- what counts ------------------------------------------------------------------------------------------------------
REASONS = {code: {"end_reason_fact": CODES[code]().as_json()} for code in UNDONE}
ACKNOWLEDGED = {"state": "stopped", "end_reason_fact": reasons.ACKNOWLEDGED().as_json()}
DONE = ["answered", "closed_in_engine", "closed", "closed_meanwhile"]
CASES = [
    *(pytest.param(-1, {"ended": -2, **said}, NEITHER, id=f"in time: {code}") for code, said in REASONS.items()),
    *(pytest.param(-2, {"ended": -1, **said}, LATE, id=f"late: {code}") for code, said in REASONS.items()),
    *(
        pytest.param(0, {"ended": -1, "end_reason_fact": CODES[code]().as_json()}, ON_TIME, id=f"in time: {code}")
        for code in DONE
    ),
    pytest.param(-1, {"ended": -1}, ON_TIME, id="ended by its deadline"),
    pytest.param(-1, {"ended": -1 + 1e-9}, LATE, id="ended later"),
    pytest.param(-1, {}, LATE, id="runs past its deadline"),
    pytest.param(0, {"ended": -1, "end_reason_fact": None}, ON_TIME, id="without a reason it was answered"),
    pytest.param(-24, {"ended": 0, "started_at": -1}, NEITHER, id="ended, was late as it began"),
    pytest.param(-24, {"started_at": -1}, NEITHER, id="runs, was late as it began"),
    pytest.param(-1, ACKNOWLEDGED, LATE, id="an acknowledgement stops messages, not the time"),
    pytest.param(1, ACKNOWLEDGED, NEITHER, id="acknowledged, and not due yet"),
    pytest.param(-24, {"state": "paused", "paused_at": -48}, NEITHER, id="paused in time, however long"),
    pytest.param(-48, {"state": "paused", "paused_at": -24}, LATE, id="late when it was paused"),
    pytest.param(-24, {"ended": 0, "paused_at": -48}, ON_TIME, id="ended while paused in time"),
    pytest.param(-24, {"ended": 0, "paused_at": -1}, LATE, id="ended while paused late"),
]
"""Times are in hours from now."""


@pytest.mark.parametrize(("deadline", "fields", "counts"), CASES)
def test_what_a_clock_counts_as(policy: Policy, deadline: int, fields: dict[str, Any], counts: Share) -> None:
    times = {name: NOW + fields[name] * HOUR for name in ("ended", "started_at", "paused_at") if name in fields}
    clock(policy, NOW + deadline * HOUR, **{**fields, **times})
    assert found().total == counts


def test_what_is_late_was_not_decided_before_it_was_due(policy: Policy) -> None:
    clock(policy, NOW - HOUR)
    assert found(now=NOW - 2 * HOUR).total == NEITHER


def test_after_a_pause_the_moved_deadline_counts(policy: Policy) -> None:
    """By the clock's own code: a day's pause is a day more."""
    policy.minutes, policy.clock = 60, "duration"
    policy.save()
    task = TaskFactory()
    observe("opened", task, by=None, now=NOW - 30 * HOUR)
    observe("paused", task, by=None, now=NOW - 30 * HOUR + HOUR / 2)
    observe("resumed", task, by=None, now=NOW - 6 * HOUR + HOUR / 2)
    assert found(now=NOW - 6 * HOUR + HOUR / 2).total == NEITHER
    observe("answered", task, by=None, now=NOW - 6 * HOUR + 0.9 * HOUR)
    assert found().total == ON_TIME


# --- by the clock's own code ------------------------------------------------------------------------------------------
def test_what_the_clock_writes_down_is_what_counts_here(policy: Policy) -> None:
    task = TaskFactory(due_at=NOW)
    observe("opened", task, by=None, now=NOW - 2 * DAY)
    observe("reassigned", task, by=None, now=NOW - DAY)
    assert [each.end_reason_fact for each in Escalation.objects.order_by("id")] == [{"code": UNDONE[0]}, None]
    assert found().total == NEITHER
    assert found(now=NOW + HOUR).total == LATE, "whoever has it now"
    assert {CLOSED_BECAUSE[TaskState.CANCELLED].name, CLOSED_BECAUSE[TaskState.EXPIRED].name} < set(UNDONE)
    assert CLOSED_BECAUSE[TaskState.COMPLETED].name not in UNDONE


def test_a_late_task_that_is_given_on_was_late_once(policy: Policy) -> None:
    """The engine's due date stays as it was: whoever gets the task late cannot be on time."""
    task = TaskFactory(due_at=NOW - DAY)
    observe("opened", task, by=None, now=NOW - 2 * DAY)
    observe("reassigned", task, by=None, now=NOW - HOUR)
    assert Escalation.objects.count() == 2
    assert found().total == LATE


# --- by week ----------------------------------------------------------------------------------------------------------
def test_there_are_twelve_weeks_from_monday_on_the_oldest_first() -> None:
    weeks = list(found().weeks)
    assert len(weeks) == 12
    assert weeks[0] == date(2026, 9, 7)
    assert weeks[-1] == date(2026, 11, 23)
    assert {day.weekday() for day in weeks} == {0}


def test_it_counts_in_the_week_in_which_it_was_decided(policy: Policy) -> None:
    """On time when it ended; late when its deadline passed, so that a week that is over keeps its figures."""
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    clock(policy, monday + 8 * DAY, ended=monday + DAY)  # on time, days before it was due
    clock(policy, monday + DAY, ended=monday + 8 * DAY)  # late, and answered the week after
    clock(policy, monday + DAY)  # late, and still not answered
    weeks = found().weeks
    assert weeks[monday.date()] == Share(1, 2)
    assert weeks[date(2026, 11, 23)] == NEITHER
    before = found(now=monday + 6 * DAY).weeks[monday.date()]
    assert before.late == 2, "they were late then already"


def test_what_was_decided_before_is_left_out(policy: Policy) -> None:
    first = datetime(2026, 9, 7, tzinfo=UTC)
    clock(policy, first - HOUR)  # under way, late for longer
    clock(policy, first - HOUR, ended=first + DAY)
    clock(policy, first + DAY, ended=first - HOUR)
    assert found().total == NEITHER
    clock(policy, first, ended=first)
    assert found().weeks[first.date()] == ON_TIME


@pytest.mark.parametrize(
    ("zone", "week"),
    [("UTC", 15), ("Europe/Berlin", 16), ("America/New_York", 15), ("Pacific/Kiritimati", 16)],
)
def test_weeks_begin_at_midnight_where_the_reader_is(policy: Policy, zone: str, week: int) -> None:
    clock(policy, NOW, ended=datetime(2026, 11, 15, 23, 30, tzinfo=UTC))  # in Berlin it is Monday, half past midnight
    monday = date(2026, 11, week) - timedelta(days=date(2026, 11, week).weekday())
    assert found(zone).weeks[monday] == ON_TIME


def test_the_week_of_the_change_to_winter_time_is_an_hour_longer(policy: Policy) -> None:
    """In Berlin, Sunday 25 October ended at 23:00 UTC; until then, an hour earlier."""
    for ended in (
        datetime(2026, 10, 18, 22, 0, tzinfo=UTC),  # Monday 19, midnight
        datetime(2026, 10, 25, 22, 30, tzinfo=UTC),  # Sunday 25, half past eleven in the evening
        datetime(2026, 10, 25, 23, 0, tzinfo=UTC),  # Monday 26, midnight
    ):
        clock(policy, ended + DAY, ended=ended)
    weeks = found("Europe/Berlin").weeks
    assert weeks[date(2026, 10, 12)] == NEITHER
    assert weeks[date(2026, 10, 19)] == Share(2, 0)
    assert weeks[date(2026, 10, 26)] == Share(1, 0)


def test_the_week_of_the_change_to_summer_time_is_an_hour_shorter(policy: Policy) -> None:
    now = datetime(2027, 4, 14, 12, tzinfo=UTC)
    for ended in (datetime(2027, 3, 28, 21, 59, tzinfo=UTC), datetime(2027, 3, 28, 22, 0, tzinfo=UTC)):
        clock(policy, ended + DAY, ended=ended)
    weeks = found("Europe/Berlin", now=now).weeks
    assert (weeks[date(2027, 3, 22)], weeks[date(2027, 3, 29)]) == (ON_TIME, ON_TIME)


# --- by policy and team -----------------------------------------------------------------------------------------------
def test_policies_are_counted_apart_and_chosen(policy: Policy) -> None:
    other = Policy.objects.create(name="Visits", time="wall")
    clock(policy, NOW, ended=NOW - HOUR)
    clock(other, NOW - HOUR)
    clock(None, NOW, ended=NOW - HOUR)
    assert found().policies == {policy.pk: ON_TIME, other.pk: LATE, None: ON_TIME}
    chosen = found(policy=other)
    assert (chosen.total, chosen.policies) == (LATE, {other.pk: LATE})


@pytest.fixture
def teams() -> tuple[Team, Team]:
    return TeamFactory(slug="finance"), TeamFactory(slug="legal")


def person(*teams: Team) -> Recipient:
    made: Recipient = RecipientFactory()
    for team in teams:
        team.members.add(made)
    return made


def test_a_clock_is_of_its_tasks_teams_else_of_its_assignees(policy: Policy, teams: tuple[Team, Team]) -> None:
    finance, legal = teams
    clock(policy, NOW, ended=NOW - HOUR, teams=[finance], assignee=person(legal))
    clock(policy, NOW - HOUR, assignee=person(legal))
    clock(policy, NOW - HOUR, assignee=person())
    clock(policy, NOW, ended=NOW - HOUR)
    assert found().teams == {finance.pk: ON_TIME, legal.pk: LATE, None: Share(1, 1)}


def test_of_two_teams_it_counts_for_each_and_once_in_all(policy: Policy, teams: tuple[Team, Team]) -> None:
    finance, legal = teams
    clock(policy, NOW, ended=NOW - HOUR, teams=teams)
    clock(policy, NOW - HOUR, assignee=person(*teams))
    assert found().teams == {finance.pk: Share(1, 1), legal.pk: Share(1, 1)}
    assert found().total == Share(1, 1)
    assert found(team=finance).total == Share(1, 1)


def test_a_team_is_chosen_by_the_same_rule(policy: Policy, teams: tuple[Team, Team]) -> None:
    finance, legal = teams
    both = clock(policy, NOW - HOUR, teams=[finance, legal])
    own = clock(policy, NOW - HOUR, teams=[finance], assignee=person(legal))
    of_assignee = clock(policy, NOW - HOUR, assignee=person(legal))
    clock(policy, NOW - HOUR, assignee=person())
    for team, clocks in ((finance, {both, own}), (legal, {both, of_assignee})):
        chosen = found(team=team)
        assert (chosen.total, chosen.teams) == (Share(0, 2), {team.pk: Share(0, 2)})
        assert set(Escalation.objects.filter(compliance.of_team(team))) == clocks
        assert set(compliance.most_overdue(NOW, Choice(team=team), 20)) == {each.task for each in clocks}
        assert compliance.under_way(NOW, Choice(team=team)).counts["late"] == 2


def test_nothing_decided_is_no_share() -> None:
    assert found().total.percent is None
    assert found(team=TeamFactory()).teams == {}
    assert [Share(199, 1).percent, Share(200, 0).percent, Share(0, 3).percent] == [99, 100, 0]


# --- what is under way ------------------------------------------------------------------------------------------------
def test_each_clock_under_way_is_in_exactly_one_place(policy: Policy) -> None:
    engine = EngineFactory()
    for left in (-DAY, timedelta(), HOUR, 4 * HOUR, DAY, 3 * DAY, 30 * DAY):
        clock(policy, NOW + left - timedelta(seconds=1), engine=engine)
        clock(policy, NOW + left, engine=engine, state="stopped")
    clock(policy, NOW - DAY, engine=engine, state="paused", paused_at=NOW - 2 * DAY)
    clock(policy, NOW - DAY, engine=engine, state="paused", paused_at=NOW - HOUR)
    clock(policy, NOW - DAY, engine=engine, ended=NOW)
    counts = compliance.under_way(NOW, Choice()).counts
    assert counts == {"late": 4, "1h": 2, "4h": 2, "1d": 2, "3d": 2, "later": 3, "paused": 1}
    under_way = Escalation.objects.exclude(state=EscalationState.CLOSED)
    assert sum(counts.values()) == under_way.count()  # each task has a clock
    for name, fits in compliance.by_time_left(NOW).items():
        assert under_way.filter(fits).count() == counts[name]


@pytest.mark.parametrize("bound", ["COUNTED", "LOOKED_AT"])
def test_more_than_is_counted_says_so(policy: Policy, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(compliance, bound, 3)
    team, engine = TeamFactory(), EngineFactory()
    for _ in range(4):
        clock(policy, NOW - HOUR, engine=engine, teams=[team])
    clock(policy, NOW + 2 * HOUR, engine=engine)
    known = compliance.under_way(NOW, Choice(team=team) if bound == "LOOKED_AT" else Choice())
    assert known.counts["late"] == (3 if bound == "COUNTED" else 4)
    assert ("late" if bound == "COUNTED" else "4h") in known.at_least
    if bound == "COUNTED":
        assert (known.counts["4h"], "4h" in known.at_least) == (1, False)


def test_the_most_overdue_come_first(policy: Policy) -> None:
    clocks = {each: clock(policy, NOW - each * HOUR) for each in (3, 1, 7, 5)}
    clock(policy, NOW + HOUR)
    latest = list(compliance.most_overdue(NOW, Choice(), 3))
    assert latest == [clocks[hours].task for hours in (7, 5, 3)]
    assert [each.open_clocks for each in latest] == [[clocks[hours]] for hours in (7, 5, 3)]  # type: ignore[attr-defined]


def test_a_task_without_a_policy_is_late_too_and_a_paused_one_is_not(policy: Policy, teams: tuple[Team, Team]) -> None:
    finance, legal = teams
    ours = clock(policy, NOW - HOUR, teams=[finance]).task
    clock(policy, NOW - HOUR, teams=[finance], state="paused", paused_at=NOW - 2 * HOUR)
    alone = TaskFactory(engine=ours.engine, due_at=NOW - HOUR, assignee=person(legal))
    TaskFactory(engine=ours.engine, due_at=NOW + HOUR)
    for choice, late in (
        (Choice(), {ours, alone}),
        (Choice(policy=policy), {ours}),
        (Choice(team=finance), {ours}),
        (Choice(team=legal), {alone}),
    ):
        assert set(compliance.most_overdue(NOW, choice, 20)) == late
        assert compliance.under_way(NOW, choice).counts["late"] == len(late)


def test_it_takes_few_queries_however_many_clocks(policy: Policy, teams: tuple[Team, Team]) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            found()
            compliance.under_way(NOW, Choice())
        return len(asked)

    clock(policy, NOW - HOUR, teams=teams)
    before = queries()
    for days in range(40):
        clock(policy, NOW - days * DAY, teams=teams, assignee=person(*teams))
    assert queries() == before <= 10
    assert Task.objects.count() == 41
