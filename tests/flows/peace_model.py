"""Who hears what, and when: a model that looks at the clock on the wall minute by minute, and knows nothing of the
product's code. `test_peace_random.py` compares both.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.flows.peace_duty import Duty, DutyLayer, walls

DAY = timedelta(days=1)
ZONES = {"bob": "Europe/Berlin", "carol": "America/New_York"}
LASTS = 40 * 60
"""Minutes in which something happens."""
REST = 9 * 24 * 60
"""Minutes after that, in which all that waits comes."""
PAUSE = 60
"""Minutes after the first of what repeats."""
APART = 3
"""So many that wait go one by one, unless one of them was held back."""
WAYS = ("email", "push", "email")
"""In the order of a worker's round: what no browser takes comes by mail at once."""
Heard = tuple[int, str, str, str]
"""The minute, who, how, and the title."""
Windows = list[tuple[frozenset[int], time, time]]


@dataclass
class Message:
    who: str
    title: str
    about: int | None
    """The number of the task; None for an update."""
    urgent: bool
    not_before: int = 0
    held: str = ""
    way: str = "email"


@dataclass
class Open:
    """A task that waits for an answer."""

    id: str
    assignee: str
    holders: list[str]
    title: str
    urgent: bool


@dataclass
class Way:
    """What came by mail, or to a browser."""

    wanted: bool = True
    got: list[int] = field(default_factory=list)
    """When something came."""
    updates: list[int] = field(default_factory=list)
    """When something with an update came."""


@dataclass
class Person:
    walls: list[datetime]
    """What their clock on the wall shows in each minute, from a day before the story begins."""
    together: str = "at_once"
    digest_times: list[time] = field(default_factory=list)
    limit: int | None = None
    ways: dict[str, Way] = field(default_factory=lambda: {"email": Way(), "push": Way()})
    browser: str = ""
    """`on`; `gone`: it takes no more, and nobody knows yet."""
    away: str = ""
    """`delegate`: the other stands in; `alone`: nobody does."""

    quiet: set[int] = field(default_factory=set)

    def choose(self, windows: Windows) -> None:
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
    def __init__(self, begins: datetime, layers: list[DutyLayer]) -> None:
        count = 24 * 60 + LASTS + REST + 4 * 24 * 60
        self.people = {who: Person(walls(begins, ZoneInfo(zone), count)) for who, zone in ZONES.items()}
        self.duty = Duty.of(walls(begins, ZoneInfo("Europe/Berlin"), count), layers)
        self.waiting: list[Message] = []
        self.tasks: dict[int, Open] = {}
        self.heard: list[Heard] = []

    # --- people who stand in ------------------------------------------------------------------------
    def stand_in(self, who: str) -> str:
        other = {"bob": "carol", "carol": "bob"}[who]
        return other if self.people[who].away == "delegate" and not self.people[other].away else who

    def told_of_duty(self, minute: int) -> str | None:
        """Whoever is on duty and not out; else the first, for whom it stays."""
        people = self.duty.on_duty(minute)
        in_office = (each for each in people if not self.people[each].away or self.stand_in(each) != each)
        who = next(in_office, next(iter(people), None))
        return None if who is None else self.stand_in(who)

    # --- what waits ---------------------------------------------------------------------------------
    def told(self, message: Message, minute: int) -> None:
        person = self.people[message.who]
        message.way = "push" if person.browser and person.ways["push"].wanted else "email"
        if not person.ways[message.way].wanted:
            return
        newer = (message.who, message.about)
        self.waiting = [each for each in self.waiting if each.about is None or (each.who, each.about) != newer]
        self._begin(message, minute)
        self.waiting.append(message)

    def _begin(self, message: Message, minute: int) -> None:
        message.not_before, message.held = 0, ""
        if message.about is None and self.people[message.who].together == "digest":
            message.not_before, message.held = self.people[message.who].next_digest(minute), "digest"

    def changed(self, who: str, minute: int) -> None:
        """Of what is held back it is decided anew when it comes."""
        person = self.people[who]
        for message in self.waiting:
            if message.who == who and message.held and not (message.held == person.together == "repeats"):
                wants = message.about is None and person.together == "digest"
                message.not_before = person.next_digest(minute) if wants else 0

    def browser_ended(self, who: str, minute: int) -> None:
        """What waited for it is a mail now, and waits as any other."""
        self.people[who].browser = ""
        for message in self.waiting:
            if message.who == who and message.way == "push":
                message.way = "email"
                self._begin(message, minute)

    # --- the clock ----------------------------------------------------------------------------------
    def pass_until(self, minute: int, until: int) -> None:
        for each in range(minute, until if self.waiting else minute):
            self.minute(each)

    def minute(self, minute: int) -> None:
        for way in WAYS:
            for who, person in self.people.items():
                self._round(who, person, way, minute)

    def _round(self, who: str, person: Person, way: str, minute: int) -> None:
        due = [each for each in self.waiting if (each.who, each.way) == (who, way) and minute >= each.not_before]
        for message in due:
            if not message.urgent and person.is_quiet(minute):
                message.held = message.held or "quiet"
        due = [each for each in due if each.urgent or not person.is_quiet(minute)]
        if not person.ways[way].wanted:
            self._not_by(way, due)
            return
        calm = [each for each in due if not each.urgent]
        as_one = self._as_one(calm, way)
        going = self._but_those_that_repeat(calm, person, way, minute)
        singles = [each for each in going if each not in as_one]
        together = [[each] for each in due if each.urgent]
        together += [[each] for each in sorted(singles, key=lambda each: bool(each.held))]
        together += [rest] if (rest := [each for each in going if each in as_one]) else []
        self._send(together, person, way, minute)

    def _not_by(self, way: str, due: list[Message]) -> None:
        for message in due:
            if way == "push":
                message.way = "email"
            else:
                self.waiting.remove(message)

    def _as_one(self, calm: list[Message], way: str) -> list[Message]:
        held = [each for each in calm if each.held]
        if way == "push":
            return held if len(held) > APART else []
        return calm if held or len(calm) > APART else []

    def _but_those_that_repeat(self, due: list[Message], person: Person, way: str, minute: int) -> list[Message]:
        """The first goes at once, and the others when the pause after it has ended."""
        last, going = max(person.ways[way].updates, default=-PAUSE), []
        for message in due:
            may_repeat = message.about is None and not message.held and person.together == "repeats"
            if may_repeat and minute < last + PAUSE:
                message.not_before, message.held = last + PAUSE, "repeats"
                continue
            last = minute if may_repeat else last
            going.append(message)
        return going

    def _send(self, units: list[list[Message]], person: Person, way: str, minute: int) -> None:
        got, tried = list(person.ways[way].got), []
        for together in units:
            lately = sorted(each for each in got if each > minute - 60)
            if person.limit is not None and not together[0].urgent and len(lately) >= person.limit:
                for message in together:
                    message.not_before, message.held = lately[-person.limit] + 60, "limit"
                continue
            got.append(minute)
            tried.append(together)
        if way == "push" and person.browser == "gone" and tried:
            self._in_vain([message for together in tried for message in together], minute)
            return
        person.ways[way].got = got
        for message in (each for together in tried for each in together):
            self.waiting.remove(message)
            self.heard.append((minute, message.who, way, message.title))
            if message.about is None:
                person.ways[way].updates.append(minute)

    def _in_vain(self, tried: list[Message], minute: int) -> None:
        """Their time has come: they go by mail now."""
        for message in tried:
            message.way = "email"
        self.browser_ended(tried[0].who, minute)
