"""Checks of tokens that identity providers sign: ID tokens and logout tokens.

Sources: OpenID Connect Core 1.0, 3.1.3.7; OpenID Connect Back-Channel Logout 1.0, 2.6; RFC 8725 on algorithms.
django-allauth does not check the signature of a token that came over TLS, nor a nonce; these checks do.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import requests

from notifications.sign_on import single_use
from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.provider_http import Busy, checked_session
from notifications.sign_on.refusals import Refused
from notifications.sign_on.subjects import MAX_SUBJECT

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""All are asymmetric: "none", and a MAC with the public key as its secret, are no algorithms here."""
SKEW = 120
"""Seconds by which the clocks may differ."""
KEPT_SECONDS = 300
"""Seconds for which a process keeps a provider's description and keys. An unknown key is looked up at once."""
LEAST_SECONDS = 10
"""Seconds between two look-ups of unknown keys."""
MAX_TOKEN = 64 * 1024
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")

FAILED_SECONDS = 5
"""Seconds for which a provider that did not answer is not asked again."""

_kept: dict[str, tuple[float, dict[str, Any]]] = {}
_failed: dict[str, float] = {}


def description(provider: IdentityProvider) -> dict[str, Any]:
    """Return the provider's metadata (OpenID Connect Discovery 1.0). Raises Refused."""
    url = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
    metadata = _kept_json(url, KEPT_SECONDS)
    if metadata.get("issuer") != provider.issuer and metadata.get("issuer") != provider.issuer.rstrip("/"):
        raise Refused("discovery", f"issuer: {str(metadata.get('issuer'))[:200]}")
    if missing := next((name for name in NEEDED if not isinstance(metadata.get(name), str)), ""):
        raise Refused("discovery", f"missing: {missing}")
    return metadata


def forget(provider: IdentityProvider) -> None:
    """Read the provider's description and keys again at the next sign-in."""
    for url in [url for url in _kept if url.startswith(provider.issuer.rstrip("/"))]:
        _kept.pop(url, None)
    _failed.clear()


def check_id_token(provider: IdentityProvider, token: str, nonce: str) -> dict[str, Any]:
    """Return the claims of an ID token. Raises Refused."""
    claims = _checked(provider, token, ["iss", "aud", "sub", "exp", "iat"])
    if claims.get("nonce") != nonce:
        raise Refused("token_nonce")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise Refused("token_audience", "azp")
    return claims


def check_logout_token(provider: IdentityProvider, token: str) -> dict[str, Any]:
    """Return the claims of a logout token, which counts once. Raises Refused."""
    claims = _checked(provider, token, ["iss", "aud", "iat", "jti"])
    events = claims.get("events")
    if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in claims:
        raise Refused("token_claims", "events")
    if not claims.get("sub") and not claims.get("sid"):
        raise Refused("token_claims", "sub")
    if claims["iat"] < time.time() - SKEW - KEPT_SECONDS:
        raise Refused("token_time", "iat")
    single_use.use(provider, "logout token", str(claims["jti"]))
    return claims


def _checked(provider: IdentityProvider, token: str, required: list[str]) -> dict[str, Any]:
    try:
        if len(token) > MAX_TOKEN:
            raise jwt.DecodeError("too long")
        key = _key_of(provider, jwt.get_unverified_header(token))
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=provider.client_id,
            issuer=description(provider)["issuer"],
            leeway=SKEW,
            options={"require": required},
        )
    except jwt.PyJWTError as error:
        raise Refused(_code_of(error), str(error)[:200]) from error
    subject = claims.get("sub", "-")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise Refused("token_claims", "sub")
    if "\\u0000" in json.dumps(claims):
        raise Refused("token_claims", "NUL")
    return claims


def _code_of(error: jwt.PyJWTError) -> str:
    match error:
        case jwt.InvalidIssuerError():
            return "token_issuer"
        case jwt.InvalidAudienceError():
            return "token_audience"
        case jwt.ExpiredSignatureError() | jwt.ImmatureSignatureError() | jwt.InvalidIssuedAtError():
            return "token_time"
        case jwt.MissingRequiredClaimError():
            return "token_claims"
        case jwt.InvalidSignatureError() | jwt.InvalidAlgorithmError() | jwt.InvalidKeyError() | jwt.PyJWKError():
            return "token_signature"
    return "token_claims"


def _key_of(provider: IdentityProvider, header: dict[str, Any]) -> jwt.PyJWK:
    """Return the key that signed a token; look it up again if the provider has changed its keys."""
    url = description(provider)["jwks_uri"]
    for kept in (KEPT_SECONDS, LEAST_SECONDS):
        for key in _keys(_kept_json(url, kept)):
            if key.key_id == header.get("kid") or "kid" not in header:
                return key
    raise jwt.PyJWKError("The provider has no such key.")


def _keys(document: dict[str, Any]) -> list[jwt.PyJWK]:
    """Return the public keys for signatures. Others, such as symmetric ones, are left out."""
    keys = []
    for entry in document.get("keys", []):
        usable = (
            isinstance(entry, dict) and entry.get("kty") in ("RSA", "EC", "OKP") and entry.get("use", "sig") == "sig"
        )
        if usable:
            try:
                keys.append(jwt.PyJWK.from_dict(entry))
            except jwt.PyJWTError:
                continue
    return keys


def _kept_json(url: str, seconds: float) -> dict[str, Any]:
    at, document = _kept.get(url, (-float("inf"), {}))
    if time.monotonic() - at > seconds:
        if time.monotonic() - _failed.get(url, -float("inf")) < FAILED_SECONDS:
            raise Refused("unreachable", "it did not answer a moment ago")
        try:
            document = _asked(lambda session: session.get(url))
        except Refused:
            _failed[url] = time.monotonic()
            raise
        _kept[url] = (time.monotonic(), document)
    return document


def _asked(ask: Callable[[requests.Session], requests.Response]) -> dict[str, Any]:
    """Return the JSON object that a provider answers with. Raises Refused."""
    try:
        with checked_session() as session:
            response = ask(session)
        document = json.loads(response.content) if response.status_code == 200 else None
    except Busy as error:
        raise Refused("busy") from error
    except requests.RequestException as error:
        raise Refused("unreachable", str(error)[:200]) from error
    except ValueError as error:
        raise Refused("provider_error", "no JSON") from error
    if not isinstance(document, dict):
        raise Refused("provider_error", f"HTTP {response.status_code}")
    return document
