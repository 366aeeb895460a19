"""`python -m bench day [EVENTS]`: runs the day against web, worker and everything that they call, and checks it.

Quarters of an hour are sent one after the other, each at once, while people answer what came before; the next one
begins when few events wait. Due dates that a policy escalates are real ones, seconds ahead of the event.
"""

import asyncio
import sys
import time

import aiohttp

from bench import processes
from bench.api import Api, at_once
from bench.day import checks
from bench.day.checks import OF_THE_DAY, TOLD_STATES, Patience
from bench.day.people import People
from bench.day.plan import ENGINES, Day, Quarter
from bench.harness import LOOK_SECONDS, BenchError, Figure, House, Json, bounded, compared
from bench.push import LOOPBACK
from bench.push_orders import vapid_key
from bench.push_service import Service, push_service

EVENTS = 200_000
PEOPLE = 2_000
BATCH = 100
SENDERS = 4
WAITING = 0.005
"""The share of the day's events that may still wait when the next quarter of an hour begins."""
MARKS = (0.5, 1.0)
"""Shares of the events at which memory is compared."""
GROWTH = 1.2
BLOAT = 2.0
"""Times the size that indexes have when they are built anew."""
INDEX_MEGABYTES = "SELECT sum(pg_indexes_size(relid))::float8 / 1e6 FROM pg_stat_user_tables"
INSIDE_SECONDS = 600.0
PATIENCE_SECONDS = 60.0
"""How long open inboxes may take to show what the database has."""


def measure(events: int = EVENTS) -> list[Figure]:
    with House(settings=settings()) as house:
        return spent(house, events)


def settings() -> dict[str, str]:
    """Of the house: it may call the engines and the push service on this machine."""
    return LOOPBACK | {"VAPID_PRIVATE_KEY": vapid_key(), "OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8"}


def spent(house: House, events: int) -> list[Figure]:
    """The day in this house, in which nothing else has happened."""
    with push_service(house) as browsers, push_service(house) as engines:
        keys = house.inside("day.inside", "setup", engines.http, within=INSIDE_SECONDS)
        return asyncio.run(Run(house, browsers, engines, keys, events).measure())


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Run:
    def __init__(self, house: House, browsers: Service, engines: Service, keys: Json, events: int) -> None:
        self._house = house
        self._browsers = browsers
        self._engines = engines
        self._keys = keys
        self._events = events
        self._began = time.monotonic()
        self._sent = 0
        self._memory: dict[float, dict[str, float]] = {}

    async def measure(self) -> list[Figure]:
        refs = [f"person-{number}" for number in range(PEOPLE)]
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            self._apis = {slug: Api(session, self._house.url, self._keys[slug]) for slug in ENGINES}
            self._people = People(session, self._house.url, refs)
            await self._people.register(self._apis["invoices"], self._browsers.http)
            await self._people.open_inboxes()
            tell(f"{PEOPLE:,} people are registered; {self._events:,} events follow.")
            figures = self._figures(await self._run(Day(refs, self._events)))
            faults = [*checks.faults(self._house), *self._ledger_faults(), *self._sent_twice()]
            faults += await self._inbox_faults()
            self._people.close_inboxes()
        if faults:
            raise BenchError("The day does not add up:\n" + "\n".join(faults))
        return [*figures, self._bloat()]

    # --- the day ------------------------------------------------------------------------------------------------------
    async def _run(self, day: Day) -> float:
        """Seconds until all was processed."""
        self._began, patience = time.monotonic(), Patience(self._house)
        for number, quarter in enumerate(day.quarters()):
            await asyncio.gather(self._send(quarter), self._people.answer(quarter.answers))
            await self._until(patience, round(self._events * WAITING))
            if number % 4 == 3:
                self._tell_progress(f"{number // 4 + 1:02}:00")
            if MARKS[0] not in self._memory and self._sent >= MARKS[0] * self._events:
                self._mark(MARKS[0])
        await self._until(patience, 0)
        seconds = time.monotonic() - self._began
        await self._until_done(patience)
        self._mark(MARKS[1])
        return seconds

    async def _send(self, quarter: Quarter) -> None:
        batches = [
            self._apis[engine].batch(events[start : start + BATCH])
            for engine, events in quarter.events.items()
            for start in range(0, len(events), BATCH)
        ]
        await at_once(batches, SENDERS)
        self._sent += quarter.size

    async def _until(self, patience: Patience, waiting: int) -> None:
        """Until at most so many events wait."""
        while (left := checks.unfinished(self._house).get("events", 0)) > waiting:
            patience.check({"events": left})
            await asyncio.sleep(LOOK_SECONDS)

    async def _until_done(self, patience: Patience) -> None:
        while left := checks.unfinished(self._house):
            patience.check(left)
            await asyncio.sleep(LOOK_SECONDS)

    def _tell_progress(self, clock: str) -> None:
        seconds, answers = time.monotonic() - self._began, self._people.answers["recorded"]
        left = ", ".join(f"{count:,} {name}" for name, count in checks.unfinished(self._house).items()) or "nothing"
        tell(f"{clock}: {self._sent:,} of {self._events:,} events, {answers:,} answers in {seconds:.0f} s; {left} due")

    def _mark(self, mark: float) -> None:
        self._memory[mark] = sizes = processes.megabytes(self._house.lasting)
        listed = ", ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items()))
        tell(f"{mark:.0%} of the events, {time.monotonic() - self._began:.0f} s, MB: {listed}")

    # --- afterwards ---------------------------------------------------------------------------------------------------
    def _ledger_faults(self) -> list[str]:
        audit = self._house.inside("day.inside", "ledger", within=INSIDE_SECONDS)
        faults: list[str] = audit["faults"]
        if audit["made"] != audit["total"]:
            faults.append(f"{audit['made']:,} messages were made, and {audit['total']:,} are there")
        if self._sent != (stored := self._count(f"notifications_event WHERE {OF_THE_DAY}")):
            faults.append(f"{self._sent:,} events were accepted, and {stored:,} are there")
        return faults

    def _sent_twice(self) -> list[str]:
        """What the services got, beside what the ledger says of it."""
        engines, pushed = self._engines.tally(), self._browsers.tally().messages
        called = self._count("notifications_callbackattempt")
        told = self._count(f"notifications_callback WHERE state IN {TOLD_STATES}")
        tried = self._count(
            "notifications_deliveryattempt a JOIN notifications_delivery d ON d.id = a.delivery_id"
            " WHERE d.channel = 'webpush'"
        )
        faults = []
        if not engines.messages == engines.ids == called:
            faults.append(f"Engines got {engines}, the ledger has {called:,} calls.")
        if told != (recorded := self._people.answers["recorded"]):
            faults.append(f"{recorded:,} answers were recorded, {told:,} are told to engines, or handled by these.")
        if pushed != tried:
            faults.append(f"The push service got {pushed:,} messages, the ledger has {tried:,} attempts.")
        return faults

    async def _inbox_faults(self) -> list[str]:
        """Open inboxes know every item as it is, and have missed no frame."""
        end, behind = time.monotonic() + PATIENCE_SECONDS, list(self._people.inboxes)
        while behind and time.monotonic() < end:
            behind = [box for box in behind if not box.fault and checks.items_of(self._house, box.ref) != box.items]
            await asyncio.sleep(LOOK_SECONDS if behind else 0)
        faults = [f"The open inbox of {box.ref}: {box.fault}." for box in self._people.inboxes if box.fault]
        return faults + [f"The open inbox of {box.ref} differs from its items." for box in behind]

    def _bloat(self) -> Figure:
        """The size of all indexes, before and after they are built anew."""
        self._house.stop_working()
        self._house.rows("VACUUM")
        grown = self._house.one(INDEX_MEGABYTES)
        tell("Indexes are built anew.")
        self._house.rows("REINDEX DATABASE")
        what = f"A day of {self._events:,} events: indexes"
        return compared(what, grown, "built anew", self._house.one(INDEX_MEGABYTES), "MB", most=BLOAT)

    def _count(self, rows: str) -> int:
        return int(self._house.one(f"SELECT count(*) FROM {rows}"))

    def _figures(self, seconds: float) -> list[Figure]:
        answers, day = self._people.answers, f"A day of {self._events:,} events"
        tell("Answers: " + ", ".join(f"{count:,} {what}" for what, count in answers.most_common()))
        grown, times = processes.growth(self._memory[MARKS[0]], self._memory[MARKS[1]])
        return [
            Figure(f"{day}, until all are in inboxes", seconds, "", None, "s"),
            Figure(f"{day}, a second", self._events / seconds, "", None, "events/s"),
            bounded(f"{day}: memory of {grown}, times that of noon", times, "times", GROWTH),
        ]
