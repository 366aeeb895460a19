"""An authorization server on loopback at which people sign in by one button, as strict as RFC 6749 and 7636."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from tests.engines.guards import SECRET, SERVICE

CLIENT, CLIENT_SECRET = "wfpush-for-people", "f0r+people/only="
SCOPE = "openid offline_access"
PAGE = """<!doctype html><html lang="en"><title>Acme sign-in</title><h1>Acme</h1>
<form method="post"><button name="user" value="{user}">Sign in as {user}</button></form></html>"""


@dataclass
class Family:
    """All tokens that came of one sign-in: a refresh token that is used twice ends them all (RFC 9700, 4.14.2)."""

    user: str
    refresh: str = ""
    used: set[str] = field(default_factory=set)
    access: set[str] = field(default_factory=set)


class AuthorizationServer:
    """The authorization server, which also guards an engine: it accepts the people's tokens, and the service's user and
    password."""

    def __init__(self, redirect_uris: Mapping[str, str] | None = None) -> None:
        self.user = "bob@acme.example"
        """Who sits before the browser."""
        self.redirect_uris: set[str] = set((redirect_uris or {}).values())
        self.life: float | None = 300
        self.gives_refresh = True
        self.rotates = True
        self.renewals = 0
        self.let_in: list[str] = []
        self.answers: list[tuple[int, Any]] = []
        """What the next requests for tokens get instead, once they have been acted upon: status, JSON."""
        self.away = False
        self._codes: dict[str, dict[str, str]] = {}
        self._families: list[Family] = []
        self._count = 0

    async def start(self) -> None:
        application = web.Application()
        application.router.add_get("/authorize", self._page)
        application.router.add_post("/authorize", self._consent)
        application.router.add_post("/token", self._token)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        root = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.authorize_url, self.token_url = f"{root}/authorize", f"{root}/token"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def who(self, headers: Mapping[str, str]) -> str | None:
        found = self._who(headers.get("Authorization", ""))
        self.let_in += [found] if found is not None else []
        return found

    def _who(self, given: str) -> str | None:
        if given == f"Basic {base64.b64encode(f'{SERVICE}:{SECRET}'.encode()).decode()}":
            return SERVICE
        token = given.removeprefix("Bearer ")
        return next((family.user for family in self._families if token in family.access), None)

    def expire_all(self) -> None:
        """Expire all access tokens before their time: the engine refuses them."""
        for family in self._families:
            family.access.clear()

    def revoke_all(self) -> None:
        """Nobody is signed in any more."""
        self._families.clear()

    @property
    def secrets(self) -> set[str]:
        """All secrets that only wfpush may know."""
        tokens = {token for family in self._families for token in (*family.access, *family.used, family.refresh)}
        return {CLIENT_SECRET, *tokens} - {""}

    # --- people -----------------------------------------------------------------------------------
    async def _page(self, request: web.Request) -> web.Response:
        """Errors about the client or the redirect address are shown on the page, without a redirect (RFC 6749,
        4.1.2.1)."""
        asked = dict(request.query)
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") not in self.redirect_uris:
            return web.Response(status=400, text="Unknown client, or an address that it has not registered")
        return web.Response(text=PAGE.format(user=self.user), content_type="text/html")

    async def _consent(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") not in self.redirect_uris:
            return web.Response(status=400, text="Unknown client, or an address that it has not registered")
        return web.Response(status=303, headers={"Location": self.back(asked)})

    def back(self, asked: Mapping[str, str], **instead: str) -> str:
        """Where the browser goes next."""
        said = instead or self._decide(asked)
        return f"{asked['redirect_uri']}?{urlencode({**said, 'state': asked['state']})}"

    def _decide(self, asked: Mapping[str, str]) -> dict[str, str]:
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return {"error": "invalid_request"}
        if len(asked.get("code_challenge", "")) != 43 or asked.get("scope") != SCOPE:
            return {"error": "invalid_scope"}
        self._count += 1
        code = f"code-{self._count}-{'x' * 20}"
        self._codes[code] = {**asked, "user": self.user}
        return {"code": code}

    # --- tokens -----------------------------------------------------------------------------------
    async def _token(self, request: web.Request) -> web.Response:
        if request.content_type != "application/x-www-form-urlencoded":
            return web.json_response({"error": "invalid_request"}, status=415)
        if self.away:
            return web.Response(status=503)
        said = dict(parse_qsl((await request.text()), strict_parsing=True))
        status, answer = self._answer(said)
        if self.answers:
            status, answer = self.answers.pop(0)
        return web.json_response(answer, status=status)

    def _answer(self, said: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if (said.pop("client_id", ""), said.pop("client_secret", "")) != (CLIENT, CLIENT_SECRET):
            return 401, {"error": "invalid_client", "error_description": "Unknown client"}
        if said.get("grant_type") == "authorization_code":
            return self._by_code(said)
        if said.get("grant_type") == "refresh_token" and set(said) == {"grant_type", "refresh_token"}:
            return self._by_refresh(said["refresh_token"])
        return 400, {"error": "invalid_request"}

    def _by_code(self, said: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self._codes.pop(said.get("code", ""), None)
        if asked is None or set(said) != {"grant_type", "code", "redirect_uri", "code_verifier"}:
            return 400, {"error": "invalid_grant", "error_description": "Unknown code"}
        digest = hashlib.sha256(said["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant", "error_description": "Not who began this"}
        if said["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant", "error_description": "Another address"}
        family = Family(asked["user"])
        self._families.append(family)
        return 200, self._issue(family)

    def _by_refresh(self, refresh: str) -> tuple[int, dict[str, Any]]:
        for family in self._families:
            if refresh in family.used:
                self._families.remove(family)
                break
            if refresh == family.refresh:
                self.renewals += 1
                return 200, self._issue(family)
        return 400, {"error": "invalid_grant", "error_description": "Token is not active"}

    def _issue(self, family: Family) -> dict[str, Any]:
        self._count += 1
        token = f"person-token-{self._count}-{'y' * 20}"
        family.access = {token}
        said: dict[str, Any] = {"access_token": token, "token_type": "Bearer"}
        if self.life is not None:
            said["expires_in"] = self.life
        if self.gives_refresh and (self.rotates or not family.refresh):
            if family.refresh:
                family.used.add(family.refresh)
            family.refresh = said["refresh_token"] = f"refresh-{self._count}-{'z' * 20}"
        claims = {"sub": "4711", "preferred_username": family.user}
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        return {**said, "id_token": f"e30.{payload}.none"}
