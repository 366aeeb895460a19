"""The people of the day: they are registered, some have a browser, some an open inbox, and they answer tasks."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.day.plan import TEAM, Task, teams_of
from bench.harness import Api, BenchError, Json, at_once
from bench.push_orders import subscriptions

OPEN_INBOXES = 40
WITH_BROWSER = 3
"""Every third person has one."""
PATIENCE_SECONDS = 60.0
LISTED = 50
COMMENTS = {"approve": {}, "reject": {"comment": "Not this year."}}

TOO_LATE = frozenset({403, 409, 410})
"""The task has ended, or went to somebody else, between the list and the answer."""


@dataclass
class Answers:
    """What became of the answers that people meant to give: by status, and how long those took that were recorded."""

    became: "Counter[str]" = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


class People:
    def __init__(self, session: aiohttp.ClientSession, url: str, refs: Sequence[str]) -> None:
        self._session = session
        self._url = url
        self.refs = list(refs)
        self.inboxes: list[OpenInbox] = []
        self.answers = Answers()
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
        await at_once([self._browser(ref, each) for ref, each in zip(owners, browsers, strict=True)])

    async def _register(self, api: Api, ref: str, lead: str) -> None:
        number = self.refs.index(ref)
        said = {"name": ref.replace("-", " ").title(), "locale": ("en", "de")[number // TEAM % 2]}
        await api.call("PUT", f"/recipients/{ref}", said | ({} if ref == lead else {"manager": lead}))
        self._tokens[ref] = (await api.call("POST", f"/recipients/{ref}/tokens", {}))["token"]

    async def _browser(self, ref: str, browser: Json) -> None:
        said = {"channel": "webpush", "name": "Firefox on Linux", "subscription": browser}
        await self._api(ref).call("POST", "/subscriptions", said)

    def _api(self, ref: str) -> Api:
        return Api(self._session, self._url, self._tokens[ref])

    # --- answers ------------------------------------------------------------------------------------------------------
    async def answer(self, wanted: Sequence[tuple[str, Task, str]]) -> None:
        """Each person looks at what waits for them, and answers what they mean to answer."""
        by_person: dict[str, dict[str, str]] = {}
        for ref, task, action in wanted:
            by_person.setdefault(ref, {})[task.id] = action
        await at_once([self._answer_all(ref, meant) for ref, meant in by_person.items()])

    async def _answer_all(self, ref: str, meant: dict[str, str]) -> None:
        listed = await self._api(ref).call("GET", f"/notifications?state=open&limit={LISTED}")
        there = {item["task"]["id"]: item["id"] for item in listed["items"] if item["task"]}
        for task, action in meant.items():
            if task not in there:
                self.answers.became["not in the inbox"] += 1
                continue
            await self._answer(ref, there[task], {"action": action, **COMMENTS[action]})

    async def _answer(self, ref: str, item: str, said: Json) -> None:
        began = time.perf_counter()
        headers = {"Authorization": f"Bearer {self._tokens[ref]}"}
        path = f"{self._url}/api/v1/notifications/{item}/responses"
        async with self._session.post(path, json=said, headers=headers) as response:
            text = await response.text()
        if response.status == 201:
            self.answers.seconds.append(time.perf_counter() - began)
            self.answers.became["recorded"] += 1
        elif response.status in TOO_LATE:
            self.answers.became["too late"] += 1
        else:
            raise BenchError(f"An answer of {ref}: {response.status} {text[:500]}")

    # --- open inboxes -------------------------------------------------------------------------------------------------
    async def open_inboxes(self) -> None:
        self.inboxes = [OpenInbox(ref) for ref in self.refs[:: max(1, len(self.refs) // OPEN_INBOXES)]]
        await at_once([inbox.open(self._session, self._url, self._tokens[inbox.ref]) for inbox in self.inboxes])

    async def close_inboxes(self) -> None:
        for inbox in self.inboxes:
            await inbox.close()


class OpenInbox:
    """A page that is open all day, and knows each item at its last change."""

    def __init__(self, ref: str) -> None:
        self.ref = ref
        self.seq = 0
        self.items: dict[str, int] = {}
        self.fault = ""
        self._following: asyncio.Task[None] | None = None

    async def open(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        socket = await session.ws_connect(f"{url}/ws/inbox", max_msg_size=0)
        await socket.send_json({"type": "auth", "token": token})
        await socket.send_json({"type": "resume", "after": 0})
        await asyncio.wait_for(self._until_synced(socket), PATIENCE_SECONDS)
        self._following = asyncio.create_task(self._follow(socket))

    async def _until_synced(self, socket: "aiohttp.ClientWebSocketResponse") -> None:
        while (said := await socket.receive_json())["type"] != "synced":
            self._take(said)

    async def _follow(self, socket: "aiohttp.ClientWebSocketResponse") -> None:
        async for message in socket:
            self._take(message.json())
        self.fault = self.fault or f"closed with {socket.close_code}"

    def _take(self, said: Any) -> None:
        if said["type"] != "notification":
            return
        if said["prev"] != self.seq:
            self.fault = f"a frame was missed: after {self.seq} came {said['prev']} to {said['seq']}"
        self.seq = said["seq"]
        self.items[said["notification"]["id"]] = said["seq"]

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
