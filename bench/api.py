"""The public API as the holder of a key or token sees it."""

import asyncio
import json
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import aiohttp

from bench.harness import BenchError, Json

T = TypeVar("T")


class Api:
    """Used within one event loop."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str) -> None:
        self._session = session
        self.base_url = url
        self._url = f"{url}/api/v1"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def call(self, method: str, path: str, body: Json | list[Json] | None = None) -> Any:
        """The decoded answer. Raises BenchError if it is not a success."""
        request = self._session.request(method, self._url + path, json=body, headers=self._headers)
        async with request as response:
            text = await response.text()
            if response.status >= 300:
                raise BenchError(f"{method} {path}: {response.status} {text[:500]}")
            return json.loads(text) if text else None

    async def batch(self, events: Sequence[Json]) -> None:
        """Send events in one request (CloudEvents' batched mode). Raises BenchError unless all are accepted."""
        head = {**self._headers, "Content-Type": "application/cloudevents-batch+json"}
        body = json.dumps(list(events)).encode()
        async with self._session.post(f"{self._url}/events", data=body, headers=head) as response:
            if response.status != 202:
                raise BenchError(f"A batch was not accepted: {response.status} {(await response.text())[:500]}")

    async def token_for(self, ref: str, name: str) -> str:
        """A recipient token of a person, who is made if need be."""
        await self.call("PUT", f"/recipients/{ref}", {"name": name, "locale": "en"})
        token: str = (await self.call("POST", f"/recipients/{ref}/tokens", {}))["token"]
        return token

    async def make_people(self, name: str, count: int) -> dict[str, str]:
        """The refs of so many people, who are made, each with a token."""
        refs = [f"{name}-{number}" for number in range(count)]
        tokens = await at_once([self.token_for(ref, ref.title()) for ref in refs])
        return dict(zip(refs, tokens, strict=True))

    async def register_browsers(self, ref: str, token: str, subscriptions: Iterable[Json]) -> None:
        """Turn web push on for a person in each of these browsers."""
        person = Api(self._session, self.base_url, token)
        for subscription in subscriptions:
            body = {"channel": "webpush", "name": f"Firefox of {ref}", "subscription": subscription}
            await person.call("POST", "/subscriptions", body)


async def at_once(work: Iterable[Coroutine[Any, Any, T]], concurrency: int = 16) -> list[T]:
    """Run all of it, a bounded number at a time; returns the results in the order given."""
    gate = asyncio.Semaphore(concurrency)

    async def one(job: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await job

    return await asyncio.gather(*(one(job) for job in work))
