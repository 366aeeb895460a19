"""The first start: tells wfpush about the people, then starts a few processes, so that every inbox has something in
it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from demo.client import Refused, Unavailable, WfpushClient
from demo.engine import Engine
from demo.people import ALICE, BOB, CAROL, customer_in
from demo.sender import Connection, Sender, backoff
from demo.store import Store

log = logging.getLogger("demo.seed")

_PEOPLE_KNOWN = "people-known"
_SEEDED = "seeded"
_ZONE = "Europe/Berlin"


async def introduce(client: WfpushClient) -> None:
    """Bob is Alice's manager and Carol is Bob's; a manager must be known before somebody reports to them."""
    await client.put_recipient(CAROL.ref, name=CAROL.name, locale="en", timezone=_ZONE)
    await client.put_recipient(BOB.ref, name=BOB.name, locale="en", timezone=_ZONE, manager=CAROL.ref)
    await client.put_recipient(ALICE.ref, name=ALICE.name, locale="en", timezone=_ZONE, manager=BOB.ref)
    await client.put_team("finance", name="Finance", lead=CAROL.ref, members=[BOB.ref, CAROL.ref])


async def introduce_customers(client: WfpushClient, engine: Engine, brand: str) -> None:
    """Send the customers of the samples to wfpush, so that they get this brand's messages from the first one on."""
    for definition in engine.definitions.values():
        for sample in definition.samples.values():
            if (customer := customer_in(sample.data)) is not None:
                fields = {name: customer[name] for name in ("name", "email", "locale")}
                await client.put_recipient(customer["ref"], external=True, brand=brand, **fields)


async def prepare(
    store: Store, engine: Engine, client: WfpushClient, connection: Connection, sender: Sender, brand: str = ""
) -> None:
    """All that the first start does. Each part is done once, even if it is interrupted. Then the sender begins."""

    async def introduce_all() -> None:
        await introduce(client)
        if brand:
            await introduce_customers(client, engine, brand)

    if not store.has_mark(_PEOPLE_KNOWN) and await _introduced(introduce_all, connection):
        store.set_mark(_PEOPLE_KNOWN)
    sender.open()
    if not store.has_mark(_SEEDED):
        await start_samples(engine)
        store.set_mark(_SEEDED)


async def start_samples(engine: Engine) -> None:
    """One instance of every sample meant for the first start, leaving out those that an interrupted start has made."""
    there = {(summary.process, summary.seed) for summary in engine.summaries}
    for definition in engine.definitions.values():
        for sample in definition.samples.values():
            if sample.seed and (definition.id, sample.key) not in there:
                await engine.start(definition.id, {}, sample.key, seeded=True)


async def _introduced(introduce_all: Callable[[], Awaitable[None]], connection: Connection) -> bool:
    """Tries until wfpush answers. Returns whether it accepted the people."""
    failures = 0
    while True:
        try:
            await introduce_all()
        except Unavailable as error:
            failures += 1
            connection.failed(error)
            await asyncio.sleep(backoff(failures, error.retry_after))
        except Refused as error:
            # The processes can run nevertheless: people who have an account exist in wfpush already.
            log.error("wfpush does not take the demo's people: %s", error)
            connection.worked()
            return False
        else:
            connection.worked()
            return True
