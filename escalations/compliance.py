"""Statistics of SLAs: clocks answered on time by policy, team and week; clocks under way; late tasks.

A clock counts once, when it is decided: as on time when it ends by its deadline because the task was done; as late when
its deadline passes, even if it still runs or ends later. So the figures of a past week do not change. Not counted are
clocks that ended by their deadline without being done (UNDONE), and those whose deadline had passed when they began. A
paused clock is judged by the time of its pause.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db import connection
from django.db.models import Case, Count, Exists, F, Func, IntegerField, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.db.models.functions import Least

from escalations.models import Escalation, EscalationState, Policy
from escalations.reasons import CANCELLED_IN_ENGINE, CLOCK_EXPIRED, GIVEN_AWAY, NO_POLICY
from notifications.cases import lateness
from notifications.models import DEADLINE, Task, Team
from wfpush.zones import first_instant

WEEKS = 12
A_WEEK = timedelta(weeks=1)
UNDONE = [each.name for each in (GIVEN_AWAY, CANCELLED_IN_ENGINE, CLOCK_EXPIRED, NO_POLICY)]
"""Codes of the reasons of ends without anybody's work, as escalations/clocks/clock.py writes them."""
LEFT = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1), "3d": timedelta(days=3)}
"""Upper bounds of the time left until the deadline."""
COUNTED = 10_000
"""The largest number up to which each kind of clocks under way is counted."""
LOOKED_AT = 50_000
"""The most clocks of a team that are read."""

STOOD_STILL = Least("ended_at", "paused_at")  # PostgreSQL's LEAST ignores NULL


@dataclass(frozen=True, slots=True)
class Share:
    """Numbers of decided clocks: on time and late."""

    on_time: int = 0
    late: int = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(self.on_time + other.on_time, self.late + other.late)

    @property
    def total(self) -> int:
        return self.on_time + self.late

    @property
    def percent(self) -> int | None:
        """Return the percentage on time, rounded down, so 100 means all. None: nothing was decided."""
        return 100 * self.on_time // self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of clocks by policy and team; None: all."""

    policy: Policy | None = None
    team: Team | None = None

    def parts(self) -> list[QuerySet[Escalation]]:
        """Return disjoint querysets that together have all chosen clocks. For one queryset with OR PostgreSQL would
        read the whole table."""
        clocks = Escalation.objects.order_by()
        clocks = clocks.filter(policy=self.policy) if self.policy else clocks
        if self.team is None:
            return [clocks]
        return [clocks.filter(task__teams=self.team), clocks.filter(UNNAMED, task__assignee__teams=self.team)]


@dataclass(slots=True)
class Compliance:
    """The statistics of a period. `weeks`: by their Mondays, the oldest first. None: a deleted policy, or no team."""

    weeks: dict[date, Share]
    policies: dict[int | None, Share] = field(default_factory=lambda: defaultdict(Share))
    teams: dict[int | None, Share] = field(default_factory=lambda: defaultdict(Share))

    @property
    def total(self) -> Share:
        return sum(self.weeks.values(), Share())


NAMED = Task.teams.through.objects.filter(task=OuterRef("task"))
UNNAMED = ~Exists(NAMED)
"""Condition for clocks whose task has no team."""

Groups = Iterable[tuple[Any, Any, Share]]
"""Triples of two keys, and the share of the clocks that have both."""


def of_team(team: Team) -> Q:
    """Return the condition for a team's clocks. They belong to the task's teams; if it has none, to the assignee's."""
    by_assignee = Task.objects.filter(pk=OuterRef("task"), assignee__teams=team)
    return Q(Exists(NAMED.filter(team=team))) | Q(UNNAMED, Exists(by_assignee))


# --- decided clocks ---------------------------------------------------------------------------------------------------
def late(now: datetime) -> Q:
    """Return the condition for clocks under way that are past their deadline."""
    runs = Q(state__in=(EscalationState.RUNNING, EscalationState.STOPPED))
    stood_still_late = Q(state=EscalationState.PAUSED, deadline__lt=F("paused_at"))
    return Q(ended_at=None, deadline__lt=now) & (runs | stood_still_late)


def paused_tasks() -> Q:
    """Return the condition for tasks whose clock was paused in time: a reply moves their deadline."""
    clocks = Escalation.objects.filter(task=OuterRef("pk"), ended_at=None, state=EscalationState.PAUSED)
    return Q(Exists(clocks.filter(deadline__gte=F("paused_at"))))


def was_late(now: datetime) -> Q:
    return late(now) | Q(state=EscalationState.CLOSED, deadline__lt=STOOD_STILL)


ON_TIME = Q(state=EscalationState.CLOSED, deadline__gte=STOOD_STILL) & ~Q(end_reason_fact__code__in=UNDONE)


def mondays(now: datetime, zone: tzinfo) -> list[date]:
    """Return the Mondays of the last WEEKS weeks, this one included, the oldest first."""
    today = now.astimezone(zone).date()
    this = today - timedelta(days=today.weekday())
    return [this - back * A_WEEK for back in reversed(range(WEEKS))]


def compliance(now: datetime, zone: tzinfo, choice: Choice) -> Compliance:
    """Return the statistics of the last WEEKS weeks, this one included."""
    weeks = mondays(now, zone)
    borders = [first_instant(zone, datetime(day.year, day.month, day.day)) for day in weeks]
    decided, since = _decided_clocks(Choice(choice.policy).parts()[0], now, borders[0]), borders[0]
    # `week`: the number of the week in which the clock was decided, from 1; 0: before the first.
    decided = decided.annotate(
        week=Func(
            F("decided_at"),
            Value(borders),
            function="width_bucket",
            template="%(function)s(%(expressions)s::timestamptz[])",
            output_field=IntegerField(),
        )
    )
    of_weeks = _shares_by_week(decided, since) if choice.team is None else _of_teams(decided, since, choice.team)
    statistics = Compliance(dict.fromkeys(weeks, Share()))
    for policy, week, share in of_weeks:
        statistics.weeks[weeks[week - 1]] += share
        statistics.policies[policy] += share
    if choice.team is None:
        _add_teams(statistics, _of_teams(decided, since))
    elif statistics.total.total:
        statistics.teams[choice.team.pk] = statistics.total
    return statistics


def _add_teams(statistics: Compliance, groups: Groups) -> None:
    of_person: dict[int | None, list[int | None]] = {}
    for person, team in Team.members.through.objects.values_list("recipient", "team"):
        of_person.setdefault(person, []).append(team)
    for team, assignee, share in groups:
        for each in [team] if team is not None else of_person.get(assignee, [None]):
            statistics.teams[each] += share


def _decided_clocks(clocks: QuerySet[Escalation], now: datetime, since: datetime) -> QuerySet[Escalation]:
    """Return clocks that may have been decided, with `was_late` and `decided_at`. A late clock ends after its deadline,
    so two indexes find all. PostgreSQL would misjudge further conditions here, so counting applies them."""
    in_period = Q(ended_at__gte=since) | Q(ended_at=None, deadline__gte=since, deadline__lt=now)
    return clocks.filter(in_period, deadline__gt=F("started_at")).annotate(
        was_late=Case(When(was_late(now), then=Value(True)), When(ON_TIME, then=Value(False))),
        decided_at=Case(When(was_late(now), then=F("deadline")), default=F("ended_at")),
    )


def _shares_by_week(decided: QuerySet[Any], since: datetime) -> Groups:
    """Return the shares of each policy and week."""
    on_time, late = (Count("pk", filter=Q(was_late=is_late, decided_at__gte=since)) for is_late in (False, True))
    rows = decided.values_list("policy", "week").annotate(on_time=on_time, late=late)
    return [(policy, week, Share(met, missed)) for policy, week, met, missed in rows if met or missed]


# PostgreSQL would join the whole tables, with every open task; OFFSET 0 restricts the join to decided clocks.
_OF_TEAMS = """
WITH decided AS MATERIALIZED ({decided}), of_teams AS (
    SELECT decided.*, named.team_id AS team, CASE WHEN named.team_id IS NULL
        THEN (SELECT assignee_id FROM notifications_task WHERE id = decided.task_id) END AS assignee
    FROM decided LEFT JOIN LATERAL
        (SELECT team_id FROM notifications_task_teams WHERE task_id = decided.task_id OFFSET 0) named ON true
    WHERE decided.decided_at >= %s AND decided.was_late IS NOT NULL
)
SELECT {keys}, count(*) FILTER (WHERE NOT was_late), count(*) FILTER (WHERE was_late)
FROM of_teams WHERE {chosen} GROUP BY {keys}
"""
_MEMBERS = "SELECT recipient_id FROM notifications_team_members WHERE team_id = %s"


def _of_teams(decided: QuerySet[Any], since: datetime, team: Team | None = None) -> Groups:
    """Return the shares of a team by policy and week. None: of all, by team, or assignee where a task has none."""
    inner, params = decided.values("task_id", "policy_id", "week", "was_late", "decided_at").query.sql_with_params()
    keys, chosen, ours = "team, assignee", "true", []
    if team is not None:
        keys, chosen = "policy_id, week", f"team = %s OR assignee IN ({_MEMBERS})"
        ours = [team.pk, team.pk]
    with connection.cursor() as cursor:
        statement = _OF_TEAMS.format(decided=inner, keys=keys, chosen=chosen)
        cursor.execute(statement, [*params, since, *ours])
        return [(first, second, Share(met, missed)) for first, second, met, missed in cursor.fetchall()]


# --- clocks under way -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class OpenClocks:
    """The number of late tasks, and of clocks in each other kind of `by_time_left`. `at_least`: the kinds that were not
    counted to the end."""

    counts: dict[str, int]
    at_least: frozenset[str]


def by_time_left(now: datetime) -> dict[str, Q]:
    """Return disjoint conditions for all clocks under way: late, those of LEFT, later, and paused while in time."""
    runs = Q(ended_at=None, state__in=(EscalationState.RUNNING, EscalationState.STOPPED))
    conditions, begins = {"late": late(now)}, now
    for name, most in LEFT.items():
        conditions[name] = runs & Q(deadline__gte=begins, deadline__lt=now + most)
        begins = now + most
    conditions["later"] = runs & Q(deadline__gte=begins)
    in_time = Q(deadline__gte=F("paused_at"))
    return {**conditions, "paused": Q(ended_at=None, state=EscalationState.PAUSED) & in_time}


def under_way(now: datetime, choice: Choice) -> OpenClocks:
    """Count late tasks, and clocks under way by kind, up to COUNTED each. A team's clocks are found by its tasks, up to
    LOOKED_AT."""
    late_count = sum(part[: COUNTED + 1].count() for part in late_tasks(now, choice))
    fits = {name: each for name, each in by_time_left(now).items() if name != "late"}
    if choice.team is None:
        [clocks] = choice.parts()
        others = {name: clocks.filter(each)[: COUNTED + 1].count() for name, each in fits.items()}
        counts = {"late": late_count, **others}
        return OpenClocks(
            {name: min(count, COUNTED) for name, count in counts.items()},
            frozenset(name for name, count in counts.items() if count > COUNTED),
        )
    totals, cut = dict.fromkeys(fits, 0), False
    for part in choice.parts():
        looked_at = part.filter(ended_at=None)[:LOOKED_AT]
        aggregates = looked_at.aggregate(
            looked_at=Count("pk"), **{f"n_{name}": Count("pk", filter=each) for name, each in fits.items()}
        )
        totals = {name: count + aggregates[f"n_{name}"] for name, count in totals.items()}
        cut |= aggregates["looked_at"] == LOOKED_AT
    cut_off = {name for name in totals if cut} | ({"late"} if late_count > COUNTED else set())
    return OpenClocks({"late": min(late_count, COUNTED), **totals}, frozenset(cut_off))


# --- late tasks -------------------------------------------------------------------------------------------------------
def late_tasks(now: datetime, choice: Choice) -> list[QuerySet[Task]]:
    """Return disjoint querysets of the late tasks, with and without a policy; of a chosen policy those that its clocks
    keep the time of. Teams are found as for clocks."""
    tasks = Task.objects.filter(lateness.late(now))
    if choice.policy is not None:
        clocks = Escalation.objects.filter(task=OuterRef("pk"), policy=choice.policy, ended_at=None)
        tasks = tasks.filter(Exists(clocks))
    if choice.team is None:
        return [tasks]
    named = Task.teams.through.objects.filter(task=OuterRef("pk"))
    return [tasks.filter(teams=choice.team), tasks.filter(~Exists(named), assignee__teams=choice.team)]


def most_overdue(now: datetime, choice: Choice, count: int) -> QuerySet[Task]:
    """Return the first `count` late tasks, by deadline, each with its clock as the list `open_clocks`."""
    parts = [part.order_by(DEADLINE, "pk") for part in late_tasks(now, choice)]
    first = [pk for part in parts for pk in part.values_list("pk", flat=True)[:count]]
    clocks = Escalation.objects.filter(ended_at=None).select_related("policy", "rules").prefetch_related("runs")
    tasks = Task.objects.filter(pk__in=first).prefetch_related(Prefetch("escalations", clocks, to_attr="open_clocks"))
    return tasks.order_by(DEADLINE, "pk")[:count]
