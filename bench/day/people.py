"""The people of the day: they are registered, some have a browser, some an open inbox, and they answer tasks."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aiohttp

from bench.api import Api, at_once
from bench.day.plan import TEAM, Task, teams_of
from bench.harness import BenchError, Json
from bench.listeners import greeting_of, open_inbox
from bench.push_orders import subscriptions

OPEN_INBOXES = 40
WITH_BROWSER = 3
"""Every third person has one."""
OPEN_ITEMS = "/notifications?state=open&limit=50"
COMMENTS = {"approve": {}, "reject": {"comment": "Not this year."}}

TOO_LATE = frozenset({403, 409, 410})
"""The task has ended, or went to somebody else, between the list and the answer."""


class People:
    def __init__(self, session: aiohttp.ClientSession, url: str, refs: Sequence[str]) -> None:
        self._session = session
        self._url = url
        self.refs = list(refs)
        self.inboxes: list[OpenInbox] = []
        self.answers: Counter[str] = Counter()
        """What became of the answers that people meant to give."""
        self._tokens: dict[str, str] = {}

    async def register(self, api: Api, push_service: str) -> None:
        """Everybody, in teams; `api` is an engine's that may do this."""
        teams = teams_of(self.refs)
        leads = {ref: members[0] for members in teams.values() for ref in members}
        first = sorted(self.refs, key=lambda ref: ref != leads[ref])  # managers are there before their people
        for some in (first[: len(teams)], first[len(teams) :]):
            await at_once([self._register(api, ref, leads[ref]) for ref in some])
        said = [{"name": slug.title(), "lead": members[0], "members": members} for slug, members in teams.items()]
        await at_once([api.call("PUT", f"/teams/{slug}", team) for slug, team in zip(teams, said, strict=True)])
        owners = self.refs[::WITH_BROWSER]
        browsers = subscriptions(push_service, len(owners))
        registrations = zip(owners, browsers, strict=True)
        await at_once([api.register_browsers(ref, self._tokens[ref], [browser]) for ref, browser in registrations])

    async def _register(self, api: Api, ref: str, lead: str) -> None:
        number = self.refs.index(ref)
        said = {"name": ref.replace("-", " ").title(), "locale": ("en", "de")[number // TEAM % 2]}
        await api.call("PUT", f"/recipients/{ref}", said | ({} if ref == lead else {"manager": lead}))
        self._tokens[ref] = (await api.call("POST", f"/recipients/{ref}/tokens", {}))["token"]

    # --- answers ------------------------------------------------------------------------------------------------------
    async def answer(self, wanted: Sequence[tuple[str, Task, str]]) -> None:
        """Each person looks at what waits for them, and answers what they mean to answer."""
        by_person: dict[str, dict[str, str]] = {}
        for ref, task, action in wanted:
            by_person.setdefault(ref, {})[task.id] = action
        await at_once([self._answer_all(ref, meant) for ref, meant in by_person.items()])

    async def _answer_all(self, ref: str, meant: dict[str, str]) -> None:
        listed = await Api(self._session, self._url, self._tokens[ref]).call("GET", OPEN_ITEMS)
        there = {item["task"]["id"]: item["id"] for item in listed["items"] if item["task"]}
        for task, action in meant.items():
            if task not in there:
                self.answers["not in the inbox"] += 1
                continue
            await self._answer(ref, there[task], {"action": action, **COMMENTS[action]})

    async def _answer(self, ref: str, item: str, said: Json) -> None:
        headers = {"Authorization": f"Bearer {self._tokens[ref]}"}
        path = f"{self._url}/api/v1/notifications/{item}/responses"
        async with self._session.post(path, json=said, headers=headers) as response:
            text = await response.text()
        if response.status == 201:
            self.answers["recorded"] += 1
        elif response.status in TOO_LATE:
            self.answers["too late"] += 1
        else:
            raise BenchError(f"An answer of {ref}: {response.status} {text[:500]}")

    # --- open inboxes -------------------------------------------------------------------------------------------------
    async def open_inboxes(self) -> None:
        self.inboxes = [OpenInbox(ref) for ref in self.refs[:: max(1, len(self.refs) // OPEN_INBOXES)]]
        await at_once([inbox.open(self._session, self._url, self._tokens[inbox.ref]) for inbox in self.inboxes])

    def close_inboxes(self) -> None:
        for inbox in self.inboxes:
            inbox.close()


class OpenInbox:
    """A page that is open all day, and knows each item at its last change. Nothing was in it when it was opened."""

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.seq = 0
        self.items: dict[str, int] = {}
        self.fault = ""
        self._following: asyncio.Task[None] | None = None

    async def open(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        socket, self.seq = await open_inbox(session, f"{url}/ws/inbox", greeting_of(token))
        self._following = asyncio.create_task(self._follow(socket))

    async def _follow(self, socket: "aiohttp.ClientWebSocketResponse") -> None:
        async for message in socket:
            self._take(message.json())
        self.fault = self.fault or f"closed with {socket.close_code}"

    def _take(self, frame: Any) -> None:
        if frame["type"] != "notification":
            return
        if frame["prev"] != self.seq:
            self.fault = f"a frame was missed: after {self.seq} came {frame['prev']} to {frame['seq']}"
        self.seq = frame["seq"]
        self.items[frame["notification"]["id"]] = frame["seq"]

    def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
