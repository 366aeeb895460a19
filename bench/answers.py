"""How many answers a second are recorded while many people answer at once, beside the usual way."""

import time
from collections.abc import Iterable
from statistics import median

import aiohttp

from bench.api import Api, at_once
from bench.harness import HOST, Figure, House
from bench.inboxes import flood

PEOPLE = 16
EACH = 25
"""Answers of each person in a round."""
ROUNDS = 3
REACH = 200.0
CALLBACKS = "https://engine.example/answers"
"""Never called: the worker does not run meanwhile."""
PEER = "bench.peers.answers.settings"


async def measure(house: House) -> list[Figure]:
    """Rounds of both in turn; the first one warms up."""
    house.manage("create_engine", "bench", "--callback-url", CALLBACKS)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        api = Api(session, house.url, house.api_key)
        people = await api.make_people("approver", PEOPLE)
        await flood(house, api, list(people), "to-answer", PEOPLE * EACH * 2 * (ROUNDS + 1))
        house.stop_working()
        items = {token: await _open_items(Api(session, house.url, token)) for token in people.values()}
        with house.daphne("bench.peers.ingest.asgi:application", PEER) as port:
            rates: dict[str, list[float]] = {house.url: [], f"http://{HOST}:{port}": []}
            for _ in range(ROUNDS + 1):
                for url, of_url in rates.items():
                    of_url.append(await _answer(session, url, items))
    ours, peer = (median(of_url[1:]) for of_url in rates.values())
    peer_is = "DRF view, serializer, ORM in a transaction"
    what = f"Answers recorded, {PEOPLE} people at once"
    return [Figure(what, ours, peer_is, peer, "answers/s", f"at least {REACH:g}/s", ours >= REACH)]


async def _open_items(person: Api) -> list[str]:
    page = await person.call("GET", "/notifications?state=open&limit=200")
    return [item["id"] for item in page["items"]]


async def _answer(session: aiohttp.ClientSession, url: str, items: dict[str, list[str]]) -> float:
    """Each person, by their token, answers one item after the other. Returns answers a second."""

    async def answer(person: Api, ids: Iterable[str]) -> None:
        for item in ids:
            await person.call("POST", f"/notifications/{item}/responses", {"action": "approve", "comment": "Fine."})

    began = time.perf_counter()
    await at_once([answer(Api(session, url, token), [own.pop() for _ in range(EACH)]) for token, own in items.items()])
    return EACH * len(items) / (time.perf_counter() - began)
