"""Who an engine on loopback lets in, and the token server that says who has signed in with it."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

SERVICE = "wfpush-service"
SECRET = "s3cr3t/with+signs&more="


class Guard(Protocol):
    def who(self, headers: Mapping[str, str]) -> str | None:
        """The name of whoever has signed in, None for nobody."""
        ...


class Open:
    """An engine that asks nobody who they are."""

    def who(self, headers: Mapping[str, str]) -> str | None:
        return SERVICE


class Basic:
    def who(self, headers: Mapping[str, str]) -> str | None:
        pair = base64.b64encode(f"{SERVICE}:{SECRET}".encode()).decode()
        return SERVICE if _same(headers.get("Authorization", ""), f"Basic {pair}") else None


class Key:
    """A header with a fixed value: a bearer token, or an API key."""

    def __init__(self, header: str, value: str) -> None:
        self._header, self._value = header, value

    def who(self, headers: Mapping[str, str]) -> str | None:
        return SERVICE if _same(headers.get(self._header, ""), self._value) else None


class Tokens:
    """A token server (RFC 6749, 4.4), as strict as those it stands for, and the guard that knows its tokens.

    `body` is form or json. `wants`: members beside those of the standard, with their values. `life` in seconds.
    """

    def __init__(self, clock: Callable[[], float], body: str, path: str, wants: Mapping[str, str]) -> None:
        self._clock, self._body, self._path, self._wants = clock, body, path, dict(wants)
        self.life = 3600.0
        self.issued: list[str] = []
        self.asked = 0
        self.answers: list[tuple[int | None, str, bytes]] = []
        """What the next requests get instead: status (None: the connection is closed), content type, body."""
        self._valid: dict[str, float] = {}

    async def start(self) -> None:
        application = web.Application()
        application.router.add_post(self._path, self._token)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{self._path}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def revoke_all(self) -> None:
        self._valid.clear()

    def who(self, headers: Mapping[str, str]) -> str | None:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        return SERVICE if self._valid.get(token, 0.0) > self._clock() else None

    async def _token(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = await request.read()
        if self.answers:
            status, kind, content = self.answers.pop(0)
            if status is None:
                assert request.transport is not None
                request.transport.close()
            return web.Response(status=status or 200, body=content, content_type=kind)
        status, said = self._decide(request.headers.get("Content-Type", ""), body)
        return web.json_response(said, status=status)

    def _decide(self, kind: str, body: bytes) -> tuple[int, dict[str, Any]]:
        wanted = "application/json" if self._body == "json" else "application/x-www-form-urlencoded"
        if kind.partition(";")[0] != wanted:
            return 415, {"error": "invalid_request", "error_description": f"send {wanted}"}
        said = json.loads(body) if self._body == "json" else dict(parse_qsl(body.decode(), strict_parsing=True))
        if (said.get("client_id"), said.get("client_secret")) != (SERVICE, SECRET):
            return 401, {"error": "invalid_client", "error_description": "Invalid client or client credentials"}
        expected = {"grant_type": "client_credentials", "client_id": SERVICE, "client_secret": SECRET, **self._wants}
        if said != expected:
            return 400, {"error": "invalid_request", "error_description": "missing or unknown parameters"}
        token = f"token-{len(self.issued) + 1}-of-{id(self):x}"
        self.issued.append(token)
        self._valid[token] = self._clock() + self.life
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.life}


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
