"""Dead ends: what is set up, and in the days to come reaches nobody. One line a cause, however much leads there."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q

from escalations import rules
from escalations.models import Policy, StepKind, StepTarget, TimeKind
from escalations.rules import Step
from escalations.targets import Found, Search, Staff, reached
from notifications.models import Absence, Device, Recipient, Route, RouteTarget, TargetKind, Task

HORIZON = timedelta(days=14)
LATELY = timedelta(days=30)
"""Whoever had a task in this time may have one again."""
MOST_TASKS = 2_000
MOST_INSTANTS = 40


@dataclass
class DeadEnd:
    """`why` is the cause; `since` when it begins; `places` what leads there; `instead`, who hears as fallback owner."""

    why: str
    since: datetime
    places: list[str] = field(default_factory=list)
    instead: list[str] = field(default_factory=list)
    policies: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Place:
    """A step or a route that names people."""

    name: str
    targets: tuple[Step, ...]
    channels: frozenset[str]
    instead: str = ""
    policy: int | None = None

    @property
    def asks_of_tasks(self) -> bool:
        return any(step.target in OF_TASKS and step.team is None for step in self.targets)


OF_TASKS = (
    StepTarget.ASSIGNEE,
    StepTarget.CANDIDATES,
    StepTarget.TASK_TEAMS,
    StepTarget.TEAM_LEAD,
    StepTarget.MANAGER,
)
"""Targets that depend on whose task it is."""


def dead_ends(now: datetime) -> list[DeadEnd]:
    """Soonest first."""
    places, tasks = [*_steps(), *_routes()], _tasks(now)
    addresses = _Addresses()
    found: dict[str, DeadEnd] = {}
    for instant in _instants(now):
        staff = Staff(instant)
        for place in places:
            for why in _causes(place, tasks if place.asks_of_tasks else [Task()], staff, addresses):
                line = found.setdefault(why, DeadEnd(why, instant))
                if place.policy is not None:
                    line.policies.add(place.policy)
                if place.name not in line.places:
                    line.places.append(place.name)
                    line.instead += [place.instead] if place.instead not in ("", *line.instead) else []
    return sorted(found.values(), key=lambda line: (line.since, line.why))


def _causes(place: Place, tasks: Sequence[Task], staff: Staff, addresses: "_Addresses") -> Iterator[str]:
    for task in tasks:
        notes: list[str] = []
        hear: list[Found] = []
        for step in place.targets:
            search = Search(task, step, staff)
            hear += reached(search)
            notes += search.notes
        if not hear:
            yield "; ".join(dict.fromkeys(notes))
        elif not any(addresses.has_one(each.recipient, place.channels) for each in hear):
            names = ", ".join(dict.fromkeys(str(each.recipient) for each in hear))
            yield f"{names} would see it in the inbox only: no device and no e-mail"


class _Addresses:
    """Who can be told anywhere but in the inbox."""

    def __init__(self) -> None:
        rows = Device.objects.order_by().values_list("recipient_id", "channel").distinct()
        self._channels: dict[int, set[str]] = {}
        for pk, channel in rows:
            self._channels.setdefault(pk, set()).add(channel)

    def has_one(self, person: Recipient, channels: Iterable[str]) -> bool:
        own = self._channels.get(person.pk, set()) | ({"email"} if person.email else set())
        return not own.isdisjoint(channels)


# --- what names people ------------------------------------------------------------------------------------------------
def _steps() -> Iterator[Place]:
    policies = Policy.objects.filter(enabled=True).select_related("calendar", "fallback")
    for policy in policies.prefetch_related("steps__category"):
        instead = str(policy.fallback) if policy.fallback and policy.fallback.active else ""
        kept = rules.read(rules.written(policy, None))
        for step, row in zip(kept.steps, policy.steps.all(), strict=True):
            if step.kind == StepKind.NOTIFY and step.target is not None:
                channels = step.channels or (row.category.channels if row.category else ())
                name = f"SLA policy “{policy}”, step {step.position}"
                yield Place(name, (step,), frozenset(channels), instead, policy.pk)


SAME = {
    TargetKind.ASSIGNEE: StepTarget.ASSIGNEE,
    TargetKind.MANAGER: StepTarget.MANAGER,
    TargetKind.TEAM: StepTarget.TEAM,
    TargetKind.TEAM_LEAD: StepTarget.TEAM_LEAD,
    TargetKind.PERSON: StepTarget.PERSON,
}
"""Targets of routes that can be foreseen; whom others mean, only the event will say."""


def _routes() -> Iterator[Place]:
    for route in Route.objects.filter(enabled=True).select_related("category").prefetch_related("targets"):
        targets = [_as_step(target) for target in route.targets.all()]
        known = tuple(step for step in targets if step is not None)
        if known and len(known) == len(targets):
            yield Place(f"route “{route}”", known, frozenset(route.category.channels))


def _as_step(target: RouteTarget) -> Step | None:
    same = SAME.get(TargetKind(target.kind))
    if same is None or (same == StepTarget.TEAM_LEAD and target.team_id is None):
        return None
    return Step(
        id=0,
        position=0,
        kind=StepKind.NOTIFY,
        offset=timedelta(),
        time=TimeKind.WALL,
        repeat_every=timedelta(),
        repeats=0,
        target=same,
        level=1,
        team=target.team_id,
        person=target.person_id,
        version=None,
        category=None,
        channels=(),
        priority="",
    )


# --- for whom, and when -----------------------------------------------------------------------------------------------
def _tasks(now: datetime) -> list[Task]:
    """One for each assignee who has or lately had one; those without an assignee are for teams and candidates."""
    rows = Task.objects.filter(Q(updated_at__gte=now - LATELY)).select_related("assignee__manager", "engine")
    found: dict[int, Task] = {}
    for task in rows.order_by("-id")[:MOST_TASKS]:
        if task.assignee is not None and task.assignee.active:
            found.setdefault(task.assignee.pk, task)
    return [found[pk] for pk in sorted(found)]


def _instants(now: datetime) -> list[datetime]:
    """Now, and whenever somebody goes or comes back."""
    end = now + HORIZON
    rows = Absence.objects.filter(ends_at__gt=now, begins_at__lt=end).values_list("begins_at", "ends_at")
    changes = sorted({instant for row in rows for instant in row if now < instant < end})
    return [now, *changes[:MOST_INSTANTS]]
