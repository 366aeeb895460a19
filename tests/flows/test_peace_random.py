"""Who hears what, and when, over nights on which clocks change: random messages, answers, settings and absences,
against a model that looks at the clock on the wall minute by minute and knows nothing of the product's code.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import time_machine
from django.core import mail
from django.db.models import Min
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from notifications.items import ledger
from notifications.models import (
    Absence,
    Case,
    Category,
    CategoryChoice,
    Delivery,
    DeliveryState,
    Event,
    Notification,
    Preferences,
    QuietHours,
    Recipient,
    Task,
)
from notifications.preferences import saving
from tests.soak.installation import LONG
from tests.support.world import World
from wfpush import identifiers

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ZONES = {"bob": "Europe/Berlin", "carol": "America/New_York"}
BEGINNINGS = ("2026-10-24T15:00", "2026-03-28T15:00", "2026-10-31T20:00", "2026-11-24T09:00")
"""Before nights on which clocks change in Berlin, in Berlin, in New York, and nowhere."""
LASTS = 40 * 60
"""Minutes in which something happens."""
REST = 9 * 24 * 60
"""Minutes after that, in which all that waits comes."""

WHO = st.sampled_from(list(ZONES))
WALL = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
WINDOWS = st.lists(
    st.tuples(st.frozensets(st.integers(0, 6), min_size=1, max_size=4), WALL, WALL).filter(
        lambda each: each[1] != each[2]
    ),
    max_size=2,
)
TIMES = st.lists(WALL, min_size=1, max_size=2, unique=True)
WHICH = st.integers(0, 3)
DOINGS = st.one_of(
    st.tuples(st.just("task"), WHO, WHICH, st.sampled_from(["low", "normal", "high", "urgent"])),
    st.tuples(st.just("update"), WHO),
    st.tuples(st.just("update"), WHO),
    st.tuples(st.sampled_from(["rise", "answer", "withdraw"]), WHICH),
    st.tuples(st.just("quiet"), WHO, WINDOWS),
    st.tuples(st.just("together"), WHO, st.sampled_from(["at_once", "repeats", "digest"]), TIMES),
    st.tuples(st.just("limit"), WHO, st.sampled_from([None, 1, 2])),
    st.tuples(st.just("mails"), WHO, st.booleans()),
    st.tuples(st.just("away"), WHO, st.booleans()),
)
STORIES = st.lists(st.tuples(st.integers(0, LASTS), DOINGS), min_size=4, max_size=14).map(
    lambda found: sorted(found, key=lambda each: each[0])
)
PAUSE = 60
"""Minutes after the first of what repeats."""
Heard = tuple[int, str, str]
"""The minute, who, and the title."""


# --- the model ------------------------------------------------------------------------------------------------------
@dataclass
class Message:
    who: str
    title: str
    about: int | None
    """The number of the task; None for an update."""
    urgent: bool
    not_before: int = 0
    held: str = ""


@dataclass
class Open:
    """A task that waits for an answer."""

    id: str
    assignee: str
    holders: list[str]
    title: str
    urgent: bool


@dataclass
class Person:
    walls: list[datetime]
    """What their clock on the wall shows in each minute, from a day before the story begins."""
    together: str = "at_once"
    digest_times: list[time] = field(default_factory=list)
    limit: int | None = None
    mails: list[int] = field(default_factory=list)
    """When they got one."""
    updates: list[int] = field(default_factory=list)
    """When they got one with an update."""
    wants_mails: bool = True
    away: bool = False

    quiet: set[int] = field(default_factory=set)

    def choose(self, windows: list[tuple[frozenset[int], time, time]]) -> None:
        """From the first minute that shows the beginning until the last that shows a time before the end."""
        self.quiet = set()
        for day in sorted({wall.date() for wall in self.walls}):
            for days, begins, ends in windows:
                if day.weekday() in days:
                    first = datetime.combine(day, begins)
                    last = datetime.combine(day if ends > begins else day + DAY, ends)
                    begin = next((each for each in self._near(day) if self.walls[each] >= first), len(self.walls))
                    end = next((each + 1 for each in reversed(self._near(day)) if self.walls[each] < last), 0)
                    self.quiet |= {each - 24 * 60 for each in range(begin, end)}

    def _near(self, day: date) -> range:
        """The minutes of that day and the one after it, with some around them."""
        first = next(each for each in range(0, len(self.walls), 60) if self.walls[each].date() >= day)
        return range(max(0, first - 120), min(len(self.walls), first + 51 * 60))

    def is_quiet(self, minute: int) -> bool:
        return minute in self.quiet

    def next_digest(self, minute: int) -> int:
        """The first minute after this one that is the last to show one of the times, or the first past it where the
        clock leaves it out."""
        at = minute + 24 * 60
        days = {self.walls[at].date() + ahead * DAY for ahead in range(3)}
        return min(
            index - 24 * 60
            for day in days
            for each in self.digest_times
            if (index := self._last(datetime.combine(day, each), at)) > at
        )

    def _last(self, wall: datetime, at: int) -> int:
        near = range(max(0, at - 50 * 60), min(len(self.walls), at + 75 * 60))
        shown = [each for each in near if self.walls[each] == wall]
        return shown[-1] if shown else next((each for each in near if self.walls[each] > wall), 0)


class Model:
    def __init__(self, begins: datetime) -> None:
        self.people = {who: Person(_walls(begins, ZoneInfo(zone))) for who, zone in ZONES.items()}
        self.waiting: list[Message] = []
        self.tasks: dict[int, Open] = {}
        self.heard: list[Heard] = []

    def told(self, message: Message, minute: int) -> None:
        person = self.people[message.who]
        if not person.wants_mails:
            return
        newer = (message.who, message.about)
        self.waiting = [each for each in self.waiting if each.about is None or (each.who, each.about) != newer]
        if message.about is None and person.together == "digest":
            message.not_before, message.held = person.next_digest(minute), "digest"
        self.waiting.append(message)

    def changed(self, who: str, minute: int) -> None:
        """Of what is held back it is decided anew when it comes."""
        person = self.people[who]
        for message in self.waiting:
            if message.who == who and message.held and not (message.held == person.together == "repeats"):
                wants = message.about is None and person.together == "digest"
                message.not_before = person.next_digest(minute) if wants else 0

    def pass_until(self, minute: int, until: int) -> None:
        for each in range(minute, until if self.waiting else minute):
            self.minute(each)

    def minute(self, minute: int) -> None:
        for who, person in self.people.items():
            due = [each for each in self.waiting if each.who == who and minute >= each.not_before]
            for message in due:
                if not message.urgent and person.is_quiet(minute):
                    message.held = message.held or "quiet"
            due = [each for each in due if each.urgent or not person.is_quiet(minute)]
            if not person.wants_mails:
                self.waiting = [each for each in self.waiting if each not in due]
                continue
            for message in due:
                if message.urgent:
                    self._mail([message], minute)
            calm = [each for each in due if not each.urgent]
            as_one = len(calm) > 3 or any(each.held for each in calm)
            calm = self._but_those_that_repeat(calm, person, minute)
            for together in [calm] if as_one and calm else [[each] for each in calm]:
                self._mail_unless_too_many(together, person, minute)

    def _but_those_that_repeat(self, due: list[Message], person: Person, minute: int) -> list[Message]:
        """The first goes at once, and the others when the pause after it has ended."""
        last, going = max(person.updates, default=-PAUSE), []
        for message in due:
            may_repeat = message.about is None and not message.held and person.together == "repeats"
            if may_repeat and minute < last + PAUSE:
                message.not_before, message.held = last + PAUSE, "repeats"
                continue
            last = minute if may_repeat else last
            going.append(message)
        return going

    def _mail_unless_too_many(self, together: list[Message], person: Person, minute: int) -> None:
        lately = sorted(each for each in person.mails if each > minute - 60)
        if person.limit is not None and len(lately) >= person.limit:
            for message in together:
                message.not_before, message.held = lately[-person.limit] + 60, "limit"
        else:
            self._mail(together, minute)

    def _mail(self, together: list[Message], minute: int) -> None:
        person = self.people[together[0].who]
        person.mails.append(minute)
        for message in together:
            self.waiting.remove(message)
            self.heard.append((minute, message.who, message.title))
            if message.about is None:
                person.updates.append(minute)


def _walls(begins: datetime, zone: ZoneInfo) -> list[datetime]:
    first = begins - DAY
    count = 24 * 60 + LASTS + REST + 4 * 24 * 60
    return [(first + each * MINUTE).astimezone(zone).replace(tzinfo=None) for each in range(count)]


# --- both -----------------------------------------------------------------------------------------------------------
@dataclass
class Story:
    """The same done to the product and to the model."""

    world: World
    begins: datetime
    model: Model
    updates: int = 0

    def due(self, minute: int) -> int | None:
        """When the worker has something to do."""
        waiting = Delivery.objects.filter(state=DeliveryState.PENDING)
        due = waiting.aggregate(first=Min("due_at"))["first"]
        return None if due is None else max(minute, -(-(due - self.begins) // MINUTE))

    def nothing(self, minute: int) -> None:
        """What is due is sent."""

    def do(self, minute: int, doing: tuple[Any, ...]) -> None:
        name, *about = doing
        getattr(self, name)(minute, *about)

    def _stand_in(self, who: str) -> str:
        other = {"bob": "carol", "carol": "bob"}[who]
        people = self.model.people
        return other if people[who].away and not people[other].away else who

    def task(self, minute: int, who: str, which: int, priority: str) -> None:
        if which in self.model.tasks:
            return
        title = f"Approve {which}-{minute}"
        data = {"id": f"T-{which}-{minute}", "name": title, "assignee": who, "priority": priority}
        self.world.send("task.assigned", {"task": data})
        hears = self._stand_in(who)
        self.model.tasks[which] = Open(data["id"], who, [hears], title, priority == "urgent")
        self.model.told(Message(hears, title, which, priority == "urgent"), minute)

    def rise(self, minute: int, which: int) -> None:
        task = self.model.tasks.get(which)
        if task is not None and not task.urgent:
            task.urgent = True
            self.world.send("task.updated", {"task": {"id": task.id, "priority": "urgent"}})
            if (stands_in := self._stand_in(task.assignee)) not in task.holders:
                task.holders.append(stands_in)
            for who in task.holders:
                self.model.told(Message(who, task.title, which, urgent=True), minute)

    def update(self, minute: int, who: str) -> None:
        self.updates += 1
        case = {"id": f"C-{self.updates}", "title": f"Claim {self.updates}", "status": "approved"}
        self.world.send("case.status_changed", {"case": case, "recipients": [who]})
        hears = self._stand_in(who)
        title = str(Notification.objects.latest("created_at", "id").title)
        self.model.told(Message(hears, title, None, urgent=False), minute)

    def withdraw(self, minute: int, which: int) -> None:
        if task := self.model.tasks.get(which):
            self.world.send("task.cancelled", {"task": {"id": task.id}})
            self._ended(which)

    def answer(self, minute: int, which: int) -> None:
        if task := self.model.tasks.get(which):
            who = task.holders[-1]
            items = (each for each in self.world.inbox(who) if each["task"])
            item = next(each for each in items if each["task"]["id"] == task.id)
            said = {"action": "approve"}
            done = self.world.ask("post", f"/api/v1/notifications/{item['id']}/responses", who, said)
            assert done.status_code == 201, done.content
            self.world.run()
            self._ended(which)

    def _ended(self, which: int) -> None:
        del self.model.tasks[which]
        self.model.waiting = [each for each in self.model.waiting if each.about != which]

    def quiet(self, minute: int, who: str, windows: list[Any]) -> None:
        self.model.people[who].choose(windows)
        person = Recipient.objects.get(ref=who)
        QuietHours.objects.filter(recipient=person).delete()
        for days, begins, ends in windows:
            QuietHours.objects.create(recipient=person, days=sorted(days), begins=begins, ends=ends)
        self._changed(minute, person)

    def limit(self, minute: int, who: str, most: int | None) -> None:
        self.model.people[who].limit = most
        person = Recipient.objects.get(ref=who)
        Preferences.objects.update_or_create(recipient=person, defaults={"most_an_hour": most})
        self._changed(minute, person)

    def together(self, minute: int, who: str, frequency: str, times: list[time]) -> None:
        self.model.people[who].together, self.model.people[who].digest_times = frequency, times
        person = Recipient.objects.get(ref=who)
        Preferences.objects.update_or_create(recipient=person, defaults={"digest_times": times, "repeat_pause": PAUSE})
        for category in Category.objects.all():
            CategoryChoice.objects.update_or_create(
                recipient=person, category=category, defaults={"frequency": frequency}
            )
        self._changed(minute, person)

    def mails(self, minute: int, who: str, wanted: bool) -> None:
        self.model.people[who].wants_mails = wanted
        person = Recipient.objects.get(ref=who)
        for category in Category.objects.all():
            CategoryChoice.objects.update_or_create(
                recipient=person, category=category, defaults={"channels": {"email": wanted}}
            )
        self._changed(minute, person)

    def _changed(self, minute: int, person: Recipient) -> None:
        saving.apply(person, self.begins + minute * MINUTE)
        self.model.changed(person.ref, minute)

    def away(self, minute: int, who: str, is_away: bool) -> None:
        self.model.people[who].away = is_away
        person, other = Recipient.objects.get(ref=who), Recipient.objects.exclude(ref__in=[who, "alice"]).get()
        Absence.objects.filter(recipient=person).delete()
        if is_away:
            now = self.begins + minute * MINUTE
            Absence.objects.create(recipient=person, begins_at=now, ends_at=now + 90 * DAY, delegate=other)


def _afresh(world: World) -> None:
    """As a new installation, but for its people and its configuration."""
    for model in (Event, Notification, Task, Case, QuietHours, Preferences, CategoryChoice, Absence):
        model.objects.all().delete()  # type: ignore[attr-defined]
    identifiers._generator = identifiers.Uuid7Generator()
    mail.outbox.clear()
    world.tokens.clear()


def _play(told: Story, doings: list[tuple[int, tuple[Any, ...]]]) -> None:
    """One thing after the other, and between them what the worker is woken for."""
    minute, left = 0, list(doings)
    while left or told.due(minute) is not None:
        nexts = (left[0][0] if left else None, told.due(minute))
        at = min(each for each in nexts if each is not None)
        told.model.pass_until(minute, at)
        minute = at
        with time_machine.travel(told.begins + minute * MINUTE, tick=False):
            now = [left.pop(0) for each in list(left) if each[0] == minute]
            for _, doing in now or [(minute, ("nothing",))]:
                told.do(minute, doing)
                told.world.run()
                told.model.minute(minute)
    told.model.pass_until(minute, LASTS + REST)


@settings(max_examples=150 if LONG else 6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(BEGINNINGS), STORIES)
def test_everybody_hears_what_the_clock_on_the_wall_says(
    world: World, beginning: str, story: list[tuple[int, tuple[Any, ...]]]
) -> None:
    """Nothing is lost, nothing is told twice, and nothing that is over is told; the ledger ends each row once."""
    note(f"{beginning} {story}")
    Category.objects.update(channels=["live", "email"])
    for who, zone in ZONES.items():
        Recipient.objects.filter(ref=who).update(timezone=zone)
    _afresh(world)
    begins = datetime.fromisoformat(beginning).replace(tzinfo=UTC)
    told = Story(world, begins, Model(begins))
    _play(told, story)
    rows = Delivery.objects.filter(channel="email", state=DeliveryState.DELIVERED).select_related("notification")
    heard = [
        ((row.ended_at - begins) // MINUTE, row.recipient.ref, row.notification.title) for row in rows if row.ended_at
    ]
    assert sorted(heard) == sorted(told.model.heard)
    assert not Delivery.objects.filter(state=DeliveryState.PENDING).exists()
    assert sum(ledger.sums(Delivery.objects.all()).values()) == Delivery.objects.count()
