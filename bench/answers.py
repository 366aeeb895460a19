"""How many answers a second are recorded while many people answer at once, beside the usual way."""

import asyncio
import sys
import time
from collections.abc import Sequence

import aiohttp

from bench.harness import HOST, Api, Figure, House, at_once, free_port, median, takes_calls
from bench.inboxes import flood

PEOPLE = 16
EACH = 25
"""Answers of each person in a round."""
ROUNDS = 3
REACH = 200.0
PEER = "bench.peers.answers"
CALLBACKS = "https://engine.example/answers"
"""Never called: the worker does not run meanwhile."""

Tokens = dict[str, str]


async def measure(house: House) -> list[Figure]:
    house.manage("create_engine", "bench", "--callback-url", CALLBACKS)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        api = Api(session, house.url, house.api_key)
        refs = [f"approver-{number}" for number in range(PEOPLE)]
        names = [ref.title() for ref in refs]
        tokens = await at_once([api.token_for(ref, name) for ref, name in zip(refs, names, strict=True)])
        await flood(house, api, refs, "to-answer", PEOPLE * EACH * 2 * (ROUNDS + 1))
        house.stop_working()
        items = await _open_items(session, house, tokens)
        ours, peers = await _rounds(session, house, tokens, items)
    mine, theirs = median(ours), median(peers)
    what = f"Answers recorded, {PEOPLE} people at once"
    peer_is = "DRF view, serializer, ORM in a transaction"
    return [Figure(what, mine, peer_is, theirs, "answers/s", f"at least {REACH:g}/s", mine >= REACH)]


async def _open_items(session: aiohttp.ClientSession, house: House, tokens: Sequence[str]) -> list[list[str]]:
    """The ids of what waits for each person."""
    listed = [
        await Api(session, house.url, token).call("GET", "/notifications?state=open&limit=200") for token in tokens
    ]
    return [[item["id"] for item in each["items"]] for each in listed]


async def _rounds(
    session: aiohttp.ClientSession, house: House, tokens: Sequence[str], items: list[list[str]]
) -> tuple[list[float], list[float]]:
    """Answers a second of each round, in turn; the first round warms up."""
    port, settings = free_port(), {"DJANGO_SETTINGS_MODULE": f"{PEER}.settings"}
    daphne = ("daphne", "-v", "0", "-b", HOST, "-p", str(port), "bench.peers.ingest.asgi:application")
    web = house.start("peer", sys.executable, "-m", "wfpush.processes.lifeline", *daphne, **settings)
    web.wait_until(lambda: takes_calls(port), "up")
    rates: dict[str, list[float]] = {house.url: [], f"http://{HOST}:{port}": []}
    try:
        for _ in range(ROUNDS + 1):
            for url, found in rates.items():
                taken = [[each.pop() for _ in range(EACH)] for each in items]
                found.append(await _answered(session, url, tokens, taken))
    finally:
        web.stop()
    ours, peers = rates.values()
    return ours[1:], peers[1:]


async def _answered(
    session: aiohttp.ClientSession, url: str, tokens: Sequence[str], items: Sequence[Sequence[str]]
) -> float:
    """Each person answers one item after the other."""

    async def answer_all(token: str, own: Sequence[str]) -> None:
        person = Api(session, url, token)
        for item in own:
            await person.call("POST", f"/notifications/{item}/responses", {"action": "approve", "comment": "Fine."})

    began = time.perf_counter()
    await asyncio.gather(*(answer_all(token, own) for token, own in zip(tokens, items, strict=True)))
    return sum(len(own) for own in items) / (time.perf_counter() - began)
