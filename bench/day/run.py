"""`python -m bench day [EVENTS]`: runs the day against web, worker and everything that they call, and checks it.

Quarters of an hour are sent one after the other, each at once, while people answer what came before; the next one
begins when few events wait. Due dates that a policy escalates are real ones, seconds ahead of the event.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

import aiohttp

from bench import bloat, processes
from bench.day.checks import LOOK_SECONDS, TOLD_STATES, Ledger, Patience
from bench.day.people import PATIENCE_SECONDS, People
from bench.day.plan import ENGINES, Day, Quarter
from bench.harness import HOST, Api, BenchError, Figure, House, Json, at_once, fetch, free_port, percentile, takes_calls
from bench.push import LOOPBACK
from bench.push_orders import vapid_key
from bench.push_service import Service, push_service

EVENTS = 200_000
PEOPLE = 2_000
BATCH = 100
SENDERS = 4
WAITING = 0.005
"""The share of the day's events that may still wait when the next quarter of an hour begins."""
MARKS = (0.25, 0.5, 0.75, 1.0)
GROWTH = 1.2
INSIDE_SECONDS = 600.0


def measure(events: int = EVENTS) -> list[Figure]:
    with House(settings=settings()) as house:
        figures = spent(house, events)
        house.stop_working()
        return [*figures, bloat.measure(house.database_url, f"a day of {events:,} events")]


def settings() -> dict[str, str]:
    """Of the house: it may call the engines and the push service on this machine."""
    return LOOPBACK | {"VAPID_PRIVATE_KEY": vapid_key(), "OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8"}


def spent(house: House, events: int) -> list[Figure]:
    """The day in this house, in which nothing else has happened."""
    with push_service(house) as service:
        port = free_port()
        sink = house.start("engines", sys.executable, "-m", "bench.day.sink", str(port))
        sink.wait_until(lambda: takes_calls(port), "up")
        try:
            keys = inside(house, "setup", f"http://{HOST}:{port}")
            return asyncio.run(Run(house, service, port, keys, events).measure())
        finally:
            sink.stop()


def inside(house: House, *words: str) -> Json:
    said = house.start("inside", sys.executable, "-m", "bench.day.inside", *words).finish(INSIDE_SECONDS)
    answer: Json = json.loads(said.strip().splitlines()[-1])
    return answer


def _listed(sizes: dict[str, float]) -> str:
    return ", ".join(f"{name} {size:.0f}" for name, size in sorted(sizes.items()))


def tell(said: str) -> None:
    sys.stderr.write(said + "\n")
    sys.stderr.flush()


class Run:
    def __init__(self, house: House, service: Service, sink: int, keys: Json, events: int) -> None:
        self._house = house
        self._service = service
        self._sink = sink
        self._keys = keys
        self._events = events
        self._ledger = Ledger(house.database_url)
        self._began = time.monotonic()
        self._sent = 0
        self._memory: dict[float, dict[str, float]] = {}

    async def measure(self) -> list[Figure]:
        refs = [f"person-{number}" for number in range(PEOPLE)]
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            self._apis = {slug: Api(session, self._house.url, self._keys[slug]) for slug in ENGINES}
            self._people = People(session, self._house.url, refs)
            await self._people.register(self._apis["invoices"], self._service.http)
            await self._people.open_inboxes()
            tell(f"{PEOPLE:,} people are registered; {self._events:,} events follow.")
            took = await self._run(Day(refs, self._events))
            figures = self._figures(took)
            faults = [*self._ledger.wrong(), *self._ledger_faults(), *self._sent_twice(), *await self._inbox_faults()]
            await self._people.close_inboxes()
        for name, counts in self._ledger.told().items():
            tell(f"{name}: " + ", ".join(f"{count:,} {what}" for what, count in counts.items()))
        self._ledger.close()
        if faults:
            raise BenchError("The day does not add up:\n" + "\n".join(faults))
        return figures

    # --- the day ------------------------------------------------------------------------------------------------------
    async def _run(self, day: Day) -> float:
        """Seconds until all was processed."""
        self._began, marks = time.monotonic(), iter(MARKS)
        mark = next(marks)
        patience = Patience(self._ledger)
        for number, quarter in enumerate(day.quarters()):
            await asyncio.gather(self._send(quarter), self._people.answer(quarter.answers))
            await self._until(patience, round(self._events * WAITING))
            if number % 4 == 3:
                self._progress(f"{number // 4 + 1:02}:00")
            while mark < 1.0 and self._sent >= mark * self._events:
                self._mark(mark)
                mark = next(marks)
        await self._until(patience, 0)
        took = time.monotonic() - self._began
        await self._until_done(patience)
        self._mark(1.0)
        return took

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
        while (left := self._ledger.unfinished().get("events", 0)) > waiting:
            patience.check({"events": left})
            await asyncio.sleep(LOOK_SECONDS)

    async def _until_done(self, patience: Patience) -> None:
        while left := self._ledger.unfinished():
            patience.check(left)
            await asyncio.sleep(LOOK_SECONDS)

    def _progress(self, clock: str) -> None:
        seconds = time.monotonic() - self._began
        answered = self._people.answers.became["recorded"]
        left = ", ".join(f"{count:,} {name}" for name, count in self._ledger.unfinished().items()) or "nothing"
        tell(f"{clock}: {self._sent:,} of {self._events:,} events, {answered:,} answers in {seconds:.0f} s; {left} due")

    def _mark(self, mark: float) -> None:
        self._memory[mark] = found = processes.megabytes(self._house.lasting)
        used, at = processes.processor_seconds(self._house.lasting), f"{mark:.0%} of the events"
        tell(f"{at}, {time.monotonic() - self._began:.0f} s, MB: {_listed(found)}")
        tell(f"{at}, seconds of a processor: {_listed(used)}")

    # --- afterwards ---------------------------------------------------------------------------------------------------
    def _ledger_faults(self) -> list[str]:
        said = inside(self._house, "ledger")
        faults: list[str] = said["faults"]
        if said["made"] != said["total"]:
            faults.append(f"{said['made']:,} messages were made, and {said['total']:,} are there")
        if self._sent != (
            there := self._ledger.one("SELECT count(*) FROM notifications_event WHERE source LIKE '/day/%'")
        ):
            faults.append(f"{self._sent:,} events were accepted, and {there:,} are there")
        return faults

    def _sent_twice(self) -> list[str]:
        """What the services got, beside what the ledger says of it."""
        engines = json.loads(fetch(self._sink, "/"))
        called = self._count("notifications_callbackattempt")
        told = self._count(f"notifications_callback WHERE state IN {TOLD_STATES}")
        pushed = self._service.tally().messages
        tried = self._count(
            "notifications_deliveryattempt a JOIN notifications_delivery d ON d.id = a.delivery_id"
            " WHERE d.channel = 'webpush'"
        )
        faults = []
        if not engines["calls"] == engines["different"] == called:
            faults.append(f"Engines got {engines}, the ledger has {called:,} calls.")
        if told != (recorded := self._people.answers.became["recorded"]):
            faults.append(f"{recorded:,} answers were recorded, {told:,} are told to engines, or handled by these.")
        if pushed != tried:
            faults.append(f"The push service got {pushed:,} messages, the ledger has {tried:,} attempts.")
        return faults

    async def _inbox_faults(self) -> list[str]:
        """Open inboxes know every item as it is, and have missed no frame."""
        end, behind = time.monotonic() + PATIENCE_SECONDS, list(self._people.inboxes)
        while behind and time.monotonic() < end:
            behind = [inbox for inbox in behind if not inbox.fault and self._ledger.items_of(inbox.ref) != inbox.items]
            await asyncio.sleep(LOOK_SECONDS if behind else 0)
        faults = [f"The open inbox of {each.ref}: {each.fault}." for each in self._people.inboxes if each.fault]
        return faults + [f"The open inbox of {each.ref} differs from its items." for each in behind]

    def _count(self, rows: str) -> int:
        return int(self._ledger.one(f"SELECT count(*) FROM {rows}"))

    def _figures(self, took: float) -> list[Figure]:
        answers = self._people.answers
        tell("Answers: " + ", ".join(f"{count:,} {what}" for what, count in answers.became.most_common()))
        day = f"A day of {self._events:,} events"
        grown, times = processes.growth(self._memory[0.5], self._memory[1.0])
        return [
            Figure(f"{day}, until all are in inboxes", took, "", None, "s"),
            Figure(f"{day}, a second", self._events / took, "", None, "events/s"),
            *(
                Figure(f"{day}: 202 to inbox, p{share * 100:g}", self._ledger.waits(share), "", None, "s")
                for share in (0.5, 0.99)
            ),
            *_answered(day, answers.seconds),
            *(Figure(f"{day}: {what}", self._count(rows), "", None, unit) for what, rows, unit in COUNTED),
            Figure(f"{day}: memory of {grown}, times that of noon", times, "", None, "times",
                   f"at most {GROWTH:g} times", times <= GROWTH),
        ]  # fmt: skip


COUNTED = (
    ("steps taken of escalations", "escalations_steprun", "steps"),
    ("copies and news in inboxes", "notifications_notification", "items"),
    ("to browsers", "notifications_delivery WHERE channel = 'webpush' AND state = 'delivered'", "messages"),
    ("told to engines", "notifications_callback WHERE state = 'delivered'", "answers"),
)


def _answered(day: str, seconds: Sequence[float]) -> list[Figure]:
    if not seconds:
        return []
    return [
        Figure(f"{day}: an answer is recorded, p{share * 100:g}", percentile(seconds, share) * 1000, "", None, "ms")
        for share in (0.5, 0.99)
    ]
