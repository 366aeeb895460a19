"""Google on loopback: the sign-in of service accounts (RFC 7523) and Firebase's HTTP v1, strict on those who send.

What a device's address begins with says what becomes of messages to it (CASES); any other takes them.
"""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from firebase_admin import messaging

from tests.pushlab.background import hosted

Json = dict[str, Any]

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""google-auth signs for Google's own endpoint, wherever `token_uri` is."""
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
MAX_BYTES = 4096
GOOGLES_OWN = 256
"""Bytes that Google adds to what an iPhone gets."""


@dataclass(frozen=True)
class Answer:
    """`code` is Firebase's own; `wrong`, the field that a BadRequest names."""

    status: int
    said: str = ""
    message: str = ""
    code: str = ""
    wrong: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    html: bool = False

    def response(self) -> web.Response:
        if self.html:
            return web.Response(status=self.status, body=b"<html>\xff Bad gateway</html>", content_type="text/html")
        details: list[Json] = [{"@type": FCM_ERROR, "errorCode": self.code}] if self.code else []
        if self.wrong:
            details.append({"@type": BAD_REQUEST, "fieldViolations": [{"field": self.wrong}]})
        error = {"code": self.status, "status": self.said, "message": self.message} | (
            {"details": details} if details else {}
        )
        return web.json_response({"error": error}, status=self.status, headers=self.headers)


NOT_A_TOKEN = "The registration token is not a valid FCM registration token"
CASES = {
    "gone": Answer(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED"),
    "sender": Answer(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH"),
    "invalid": Answer(400, "INVALID_ARGUMENT", NOT_A_TOKEN, "INVALID_ARGUMENT"),
    "bad": Answer(400, "INVALID_ARGUMENT", "Invalid value at 'message.data'", wrong="message.data[0].value"),
    "both": Answer(400, "INVALID_ARGUMENT", "Message is too big", "INVALID_ARGUMENT", "message.data"),
    "notoken": Answer(400, "INVALID_ARGUMENT", NOT_A_TOKEN, "INVALID_ARGUMENT", "message.token"),
    "quota": Answer(429, "RESOURCE_EXHAUSTED", "Quota exceeded", "QUOTA_EXCEEDED", headers={"Retry-After": "7"}),
    "slow": Answer(429, "RESOURCE_EXHAUSTED", "Slow down"),
    "unavailable": Answer(503, "UNAVAILABLE", "Busy", "UNAVAILABLE", headers={"Retry-After": "31"}),
    "internal": Answer(500, "INTERNAL", "Internal error", "INTERNAL"),
    "gateway": Answer(502, html=True),
    "proxy": Answer(400, html=True),
    "unsigned": Answer(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "apple": Answer(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service", "THIRD_PARTY_AUTH_ERROR"),
    "disabled": Answer(403, "PERMISSION_DENIED", "Firebase Cloud Messaging API has not been used in project before"),
    "noproject": Answer(404, "NOT_FOUND", "Project not found"),
}


class Google:
    """`messages` were taken, as (project, message); `tries` counts all requests for each address."""

    def __init__(self) -> None:
        self.url = ""
        self.messages: list[tuple[str, Json]] = []
        self.tries: dict[str, int] = {}
        self.sign_ins = 0
        self.sign_in_answers: list[tuple[int, Json]] = []
        """What the next sign-ins are answered instead."""
        self.sign_in_takes = 0.0
        self._projects: dict[str, str] = {}
        self._tokens: dict[str, str] = {}

    # --- what tests say ---------------------------------------------------------------------------
    def account(self, project: str) -> Json:
        """A service account of this project, as the Firebase console gives it."""
        email = f"wfpush@{project}.iam.gserviceaccount.com"
        self._projects[email] = project
        pem = key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": "1",
            "private_key": pem,
            "client_email": email,
            "token_uri": f"{self.url}/token",
        }

    def end_access(self) -> None:
        """All access tokens end at once."""
        self._tokens.clear()

    # --- sign-in ----------------------------------------------------------------------------------
    async def sign_in(self, request: web.Request) -> web.Response:
        self.sign_ins += 1
        await asyncio.sleep(self.sign_in_takes)
        if self.sign_in_answers:
            status, body = self.sign_in_answers.pop(0)
            return web.json_response(body, status=status)
        form = await request.post()
        try:
            project = self._project_of(str(form.get("grant_type")), str(form.get("assertion")))
        except (jwt.PyJWTError, KeyError, ValueError) as fault:
            return web.json_response({"error": "invalid_grant", "error_description": str(fault)}, status=400)
        token = f"ya29.{uuid.uuid4().hex}"
        self._tokens[token] = project
        return web.json_response({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _project_of(self, grant: str, assertion: str) -> str:
        if grant != GRANT:
            raise ValueError(f"not a grant: {grant}")
        claims = jwt.decode(
            assertion,
            key().public_key(),
            algorithms=["RS256"],
            audience=AUDIENCE,
            options={"require": ["iss", "iat", "exp", "aud"]},
        )
        if claims["scope"] != SCOPE or claims["exp"] - claims["iat"] > 3600 or claims["iat"] > time.time() + 5:
            raise ValueError("wrong scope, or too long a life")
        return self._projects[claims["iss"]]

    # --- messages ---------------------------------------------------------------------------------
    async def send(self, request: web.Request) -> web.Response:
        project = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if project is None:
            return CASES["unsigned"].response()
        if project != request.match_info["project"]:
            return Answer(403, "PERMISSION_DENIED", "Permission denied on resource project").response()
        message = (await request.json())["message"]
        address = str(message.get("token") or message.get("fid"))
        self.tries[address] = self.tries.get(address, 0) + 1
        if wrong := what_is_wrong_with(message):
            return Answer(400, "INVALID_ARGUMENT", wrong, "INVALID_ARGUMENT", wrong).response()
        if case := CASES.get(address.partition("-")[0]):
            return case.response()
        self.messages.append((project, message))
        return web.json_response({"name": f"projects/{project}/messages/{uuid.uuid4().hex}"})


def what_is_wrong_with(message: Json) -> str:
    """Of Google's and Apple's rules, those that a message of ours could break. Empty: nothing."""
    data, android, apns = message["data"], message["android"], message["apns"]
    iphone = json.dumps(data | apns["payload"], ensure_ascii=False).encode()
    rules = {
        "exactly one address": ("token" in message) != ("fid" in message),
        "data is strings": all(isinstance(value, str) for value in data.values()),
        "reserved names": not any(re.match(r"from$|message_type$|aps$|gcm|google", name) for name in data),
        "data too big": sum(len(name.encode()) + len(value.encode()) for name, value in data.items()) <= MAX_BYTES,
        "too big for APNs": len(iphone) + GOOGLES_OWN <= MAX_BYTES,
        "android.ttl": re.fullmatch(r"\d+s", android["ttl"]) and int(android["ttl"][:-1]) <= 28 * 24 * 3600,
        "android.priority": android["priority"] in ("high", "normal"),
        "apns.headers": all(isinstance(value, str) for value in apns["headers"].values()),
        "apns-collapse-id": len(apns["headers"]["apns-collapse-id"].encode()) <= 64,
        "webpush Topic": re.fullmatch(r"[A-Za-z0-9_-]{1,32}", message["webpush"]["headers"]["Topic"]),
    }
    return next((name for name, kept in rules.items() if not kept), "")


@cache
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def google_on_loopback() -> Iterator[Google]:
    """Messages of this process go there. firebase-admin has no setting for it: one private attribute is changed."""
    google, application = Google(), web.Application()
    application.add_routes([web.post("/token", google.sign_in)])
    application.add_routes([web.post("/v1/projects/{project}/messages:send", google.send)])
    service, before = messaging._MessagingService, messaging._MessagingService.FCM_URL
    with hosted(application) as google.url:
        service.FCM_URL = google.url + "/v1/projects/{0}/messages:send"
        try:
            yield google
        finally:
            service.FCM_URL = before
