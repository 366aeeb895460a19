"""How SLAs are kept: which clocks were answered on time, by policy, team and week; what is under way; what is late.

A clock counts once, when it is decided: as on time when it ends by its deadline because the task was done, as late when
its deadline passes, however it ends after that, or still runs. So a week that is over keeps its figures. What does not
count: clocks that ended by their deadline without being done (UNDONE), and those whose deadline had passed already when
they began. A clock that stood still when it ended, or stands still now, is judged by when it was paused.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db.models import Case, Count, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Least

from escalations.models import Escalation, EscalationState, Policy
from notifications.models import Task, Team
from wfpush.zones import first_instant

WEEKS = 12
A_WEEK = timedelta(weeks=1)
UNDONE = ("given to somebody else", "cancelled in engine", "expired", "no policy fits any more")
"""Ends that are nobody's work, as escalations/clock.py writes them down."""
LEFT = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
}
"""Time left until the deadline, at most."""
COUNTED = 10_000
"""Of what is under way, no kind is counted further."""
LOOKED_AT = 50_000
"""Of a team's, no more are looked at."""

STOOD_STILL = Least("ended_at", "paused_at")  # PostgreSQL's passes over NULL


@dataclass(frozen=True, slots=True)
class Share:
    """Of the clocks that were decided, those that were on time."""

    on_time: int = 0
    late: int = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(self.on_time + other.on_time, self.late + other.late)

    @property
    def total(self) -> int:
        return self.on_time + self.late

    @property
    def percent(self) -> int | None:
        """Rounded down: 100 means all. None: nothing was decided."""
        return 100 * self.on_time // self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose clocks are looked at; None: all."""

    policy: Policy | None = None
    team: Team | None = None

    def parts(self) -> list[QuerySet[Escalation]]:
        """Together all of them, none twice. Apart, because of an OR PostgreSQL would make a walk through the table."""
        clocks = Escalation.objects.order_by()
        clocks = clocks.filter(policy=self.policy) if self.policy else clocks
        if self.team is None:
            return [clocks]
        return [clocks.filter(task__teams=self.team), clocks.filter(UNNAMED, task__assignee__teams=self.team)]


@dataclass(slots=True)
class Compliance:
    """`weeks` by their Mondays, the oldest first; None stands for a policy that is gone, and for no team."""

    weeks: dict[date, Share]
    policies: dict[int | None, Share] = field(default_factory=lambda: defaultdict(Share))
    teams: dict[int | None, Share] = field(default_factory=lambda: defaultdict(Share))

    @property
    def total(self) -> Share:
        return sum(self.weeks.values(), Share())


NAMED = Task.teams.through.objects.filter(task=OuterRef("task"))
UNNAMED = ~Exists(NAMED)
"""The task names no team."""
ASSIGNEE_OF_UNNAMED = Case(When(task__teams=None, then=F("task__assignee")))


def of_team(team: Team) -> Q:
    """A clock is of its task's teams; where the task names none, of its assignee's."""
    by_assignee = Task.objects.filter(pk=OuterRef("task"), assignee__teams=team)
    return Q(Exists(NAMED.filter(team=team))) | Q(UNNAMED, Exists(by_assignee))


# --- what was decided -------------------------------------------------------------------------------------------------
def late(now: datetime) -> Q:
    """Under way, and past its deadline."""
    runs = Q(state__in=(EscalationState.RUNNING, EscalationState.STOPPED))
    stood_still_late = Q(state=EscalationState.PAUSED, deadline__lt=F("paused_at"))
    return Q(ended_at=None, deadline__lt=now) & (runs | stood_still_late)


def was_late(now: datetime) -> Q:
    return late(now) | Q(state=EscalationState.CLOSED, deadline__lt=STOOD_STILL)


ON_TIME = Q(state=EscalationState.CLOSED, deadline__gte=STOOD_STILL) & ~Q(end_reason__in=UNDONE)


def mondays(now: datetime, zone: tzinfo) -> list[date]:
    """The first days of this week and of those before it, the oldest first."""
    today = now.astimezone(zone).date()
    this = today - timedelta(days=today.weekday())
    return [this - back * A_WEEK for back in reversed(range(WEEKS))]


def compliance(now: datetime, zone: tzinfo, choice: Choice) -> Compliance:
    """Of the last WEEKS weeks, this one included."""
    weeks = mondays(now, zone)
    borders = [first_instant(zone, datetime(day.year, day.month, day.day)) for day in weeks]
    parts = [_decided(part, now, borders[0]) for part in choice.parts()]
    found = Compliance(dict.fromkeys(weeks, Share()))
    for part in parts:
        for (policy, week), share in _counted(part.values_list("policy", _week_of(borders)), borders[0]):
            found.weeks[weeks[week - 1]] += share
            found.policies[policy] += share
    if choice.team is not None:
        if found.total.total:
            found.teams[choice.team.pk] = found.total
        return found
    for part in parts:
        _add_teams(found, _counted(part.values_list("task__teams", ASSIGNEE_OF_UNNAMED), borders[0]))
    return found


def _add_teams(found: Compliance, groups: Iterable[tuple[tuple[Any, ...], Share]]) -> None:
    of_person: dict[int | None, list[int | None]] = {}
    for person, team in Team.members.through.objects.values_list("recipient", "team"):
        of_person.setdefault(person, []).append(team)
    for (team, assignee), share in groups:
        for each in [team] if team is not None else of_person.get(assignee, [None]):
            found.teams[each] += share


def _decided(clocks: QuerySet[Escalation], now: datetime, since: datetime) -> QuerySet[Escalation]:
    """Those that may have been, with `was_late` and `decided_at`. Whatever was late and has ended has ended later
    still, so two indexes find them all; conditions beyond theirs PostgreSQL would misjudge, and are counted by."""
    found = Q(ended_at__gte=since) | Q(ended_at=None, deadline__gte=since, deadline__lt=now)
    return clocks.filter(found, deadline__gt=F("started_at")).annotate(
        was_late=Case(When(was_late(now), then=Value(True)), When(ON_TIME, then=Value(False))),
        decided_at=Case(When(was_late(now), then=F("deadline")), default=F("ended_at")),
    )


def _week_of(borders: list[datetime]) -> Func:
    """The number of the week in which it was decided, from 1 on; 0: before."""
    return Func(
        F("decided_at"),
        Value(borders),
        function="width_bucket",
        template="%(function)s(%(expressions)s::timestamptz[])",
        output_field=IntegerField(),
    )


def _counted(groups: Any, since: datetime) -> Iterator[tuple[tuple[Any, ...], Share]]:
    """Each group's keys, and its share."""
    on_time, late = (Count("pk", filter=Q(was_late=said, decided_at__gte=since)) for said in (False, True))
    for *keys, kept, missed in groups.annotate(kept=on_time, missed=late):
        if kept or missed:
            yield tuple(keys), Share(kept, missed)


# --- what is under way ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class UnderWay:
    """How many clocks are in each of `by_time_left`. `at_least`: those that were not counted further."""

    counts: dict[str, int]
    at_least: frozenset[str]


def by_time_left(now: datetime) -> dict[str, Q]:
    """Every clock under way is in exactly one: late, those of LEFT, later, or paused while it was in time."""
    runs = Q(ended_at=None, state__in=(EscalationState.RUNNING, EscalationState.STOPPED))
    found, begins = {"late": late(now)}, now
    for name, most in LEFT.items():
        found[name] = runs & Q(deadline__gte=begins, deadline__lt=now + most)
        begins = now + most
    found["later"] = runs & Q(deadline__gte=begins)
    in_time = Q(deadline__gte=F("paused_at"))
    return {**found, "paused": Q(ended_at=None, state=EscalationState.PAUSED) & in_time}


def under_way(now: datetime, choice: Choice) -> UnderWay:
    """Each kind is found by its deadline, and counted up to COUNTED; those of a team are found by its tasks instead."""
    fits = by_time_left(now)
    if choice.team is None:
        [clocks] = choice.parts()
        counts = {name: clocks.filter(each)[: COUNTED + 1].count() for name, each in fits.items()}
        return UnderWay(
            {name: min(count, COUNTED) for name, count in counts.items()},
            frozenset(name for name, count in counts.items() if count > COUNTED),
        )
    totals, cut = dict.fromkeys(fits, 0), False
    for part in choice.parts():
        looked_at = part.filter(ended_at=None)[:LOOKED_AT]
        found = looked_at.aggregate(
            looked_at=Count("pk"), **{f"n_{name}": Count("pk", filter=each) for name, each in fits.items()}
        )
        totals = {name: count + found[f"n_{name}"] for name, count in totals.items()}
        cut |= found["looked_at"] == LOOKED_AT
    return UnderWay(totals, frozenset(totals if cut else ()))


def most_overdue(now: datetime, choice: Choice, count: int) -> QuerySet[Escalation]:
    """The first so many."""
    first = [
        part.filter(late(now)).order_by("deadline", "pk").values_list("pk", flat=True)[:count]
        for part in choice.parts()
    ]
    found = Escalation.objects.filter(pk__in=[pk for part in first for pk in part])
    return found.order_by("deadline", "pk")[:count]
