"""An OpenID Connect provider on loopback that tests control: whom it names, and what is wrong with its tokens."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from notifications.types import Json

CLIENT, SECRET = "wfpush", "a secret of the client"
Forge = Callable[[Json], Json | None]


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class IdentityProviderServer:
    """`person`: the claims of whoever signs in next. `forge` may change or replace an ID token's claims, `sign` makes
    the token, and `down` closes every connection without an answer."""

    person: Json = field(default_factory=dict)
    forge: Forge = lambda claims: claims
    sign: Callable[["IdentityProviderServer", Json], str] | None = None
    metadata: Json = field(default_factory=dict)
    info: Json | None = None
    """What userinfo says of whoever has an access token; None: there is no userinfo."""
    down: bool = False
    key: Any = field(default_factory=new_key)
    kid: str = "first"
    codes: dict[str, Json] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> "IdentityProviderServer":
        provider = self

        class Handler(_Handler):
            server_of_tests = provider

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- what a browser does there ------------------------------------------------------------------------------------
    def authorize(self, url: str) -> str:
        """Sign in the person, as a browser would that was sent to this address. Return where it is sent back to."""
        query = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = {"code": code, "state": query.get("state", ""), "iss": self.issuer}
        return f"{query['redirect_uri']}?{urlencode(back)}"

    # --- tokens -------------------------------------------------------------------------------------------------------
    def claims(self, nonce: str | None) -> Json:
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        return {**usual, **self.person}

    def token(self, claims: Json) -> str:
        return self.sign(self, claims) if self.sign else self.signed(claims)

    def signed(self, claims: Json, key: Any = None, algorithm: str = "RS256", kid: str | None = None) -> str:
        return jwt.encode(claims, key or self.key, algorithm=algorithm, headers={"kid": kid or self.kid})

    def logout_token(self, **changes: Any) -> str:
        now = int(time.time())
        usual: Json = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        return self.signed({name: value for name, value in {**usual, **changes}.items() if value is not None})

    def jwks(self) -> Json:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def description(self) -> Json:
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        if self.info is not None:
            paths["userinfo_endpoint"] = "/userinfo"
        return {"issuer": self.issuer, **{name: self.issuer + path for name, path in paths.items()}, **self.metadata}

    def exchange(self, form: dict[str, list[str]]) -> tuple[int, Json]:
        """Return the answer of the token endpoint. A code counts once, and its PKCE verifier must fit (RFC 7636)."""
        request = self.codes.pop(form.get("code", [""])[0], None)
        verifier = form.get("code_verifier", [""])[0]
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if request is None or request.get("code_challenge") != challenge or form.get("client_secret") != [SECRET]:
            return 400, {"error": "invalid_grant"}
        claims = self.forge(self.claims(request.get("nonce")))
        tokens = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 300}
        return 200, tokens if claims is None else {**tokens, "id_token": self.token(claims)}


class _Handler(BaseHTTPRequestHandler):
    server_of_tests: IdentityProviderServer

    def do_GET(self) -> None:
        provider = self.server_of_tests
        path = urlsplit(self.path).path
        provider.asked.append(path)
        if provider.down:
            return self.close_connection_at_once()
        if path == "/.well-known/openid-configuration":
            return self.answer(200, provider.description())
        if path == "/jwks":
            return self.answer(200, provider.jwks())
        if path == "/userinfo" and self.headers.get("Authorization", "").startswith("Bearer "):
            return self.answer(200, provider.info or {})
        if path == "/authorize":
            self.send_response(302)
            self.send_header("Location", provider.authorize(self.path))
            self.send_header("Content-Length", "0")
            return self.end_headers()
        return self.answer(404, {})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.server_of_tests.down:
            return self.close_connection_at_once()
        return self.answer(*self.server_of_tests.exchange(form))

    def answer(self, status: int, document: Json) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def close_connection_at_once(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *args: Any) -> None:
        """Keep the output of tests clean."""
