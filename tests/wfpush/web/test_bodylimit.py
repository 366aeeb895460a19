"""The ASGI wrapper: what fits passes untouched, what does not is a 413 before it is in memory."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.urls import reverse

from wfpush.web import bodylimit
from wfpush.web.bodylimit import BATCH_LIMIT, BODY_LIMIT, Admits, BodyLimit, Header, Message, limit_for


class Request:
    """One request through the wrapper, with its body in parts, and what came back."""

    def __init__(self, *parts: bytes, path: str = "/api/v1/events", **headers: str) -> None:
        self.parts = list(parts)
        self.taken = self.taken_before_the_answer = 0
        self.sent: list[Message] = []
        self.read = b""
        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "http", "path": path, "headers": fields}

    async def through(self, admits: Admits | None = None) -> "Request":
        await BodyLimit(self.application, admits)(self.scope, self.receive, self.send)
        return self

    async def receive(self) -> Message:
        part = self.parts[self.taken]
        self.taken += 1
        return {"type": "http.request", "body": part, "more_body": self.taken < len(self.parts)}

    async def send(self, message: Message) -> None:
        if not self.sent:
            self.taken_before_the_answer = self.taken
        self.sent.append(message)

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            self.read += message["body"]
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


async def test_a_body_at_its_limit_passes() -> None:
    request = await Request(b"x" * BODY_LIMIT, content_length=str(BODY_LIMIT)).through()

    assert request.status == 200
    assert len(request.read) == BODY_LIMIT


async def test_a_body_that_announces_too_much_is_refused_unread() -> None:
    request = await Request(b"x", content_length=str(BODY_LIMIT + 1)).through()

    assert request.status == 413
    assert request.taken_before_the_answer == 0
    problem = json.loads(request.sent[1]["body"])
    assert problem["code"] == "too_large"
    assert problem["type"] == "/problems/too_large"
    assert (b"content-type", b"application/problem+json") in request.sent[0]["headers"]


async def test_a_scim_client_gets_scims_error() -> None:
    scim = b"application/scim+json; charset=utf-8"
    request = await Request(b"x", content_length=str(BODY_LIMIT + 1), content_type=scim.decode()).through()

    assert (b"content-type", b"application/scim+json") in request.sent[0]["headers"]
    error = json.loads(request.sent[1]["body"])
    assert (error["status"], error["schemas"]) == ("413", ["urn:ietf:params:scim:api:messages:2.0:Error"])


async def test_an_endless_body_is_cut_at_the_limit() -> None:
    half = b"x" * (BODY_LIMIT // 2 + 1)
    request = await Request(half, half, half, half, transfer_encoding="chunked").through()

    assert request.status == 413
    assert (request.taken_before_the_answer, request.read) == (2, half)
    assert request.taken == 4, "what follows is dropped, so that the client can read the answer"
    assert [message.get("more_body", False) for message in request.sent[1:]] == [True, False]


async def test_what_follows_a_refusal_is_dropped_up_to_a_bound_and_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodylimit, "LINGER_BYTES", 3)
    request = await Request(*[b"xx"] * 5, content_length=str(BODY_LIMIT + 1)).through()
    assert (request.status, request.taken, len(request.sent)) == (413, 2, 3)

    monkeypatch.setattr(bodylimit, "LINGER_SECONDS", 0.01)
    silent = Request(content_length=str(BODY_LIMIT + 1))
    monkeypatch.setattr(silent, "receive", asyncio.Event().wait)
    assert ((await silent.through()).status, len(silent.sent)) == (413, 3)


async def test_a_batch_of_events_may_be_larger() -> None:
    size = BODY_LIMIT * 2
    batch = "application/cloudevents-batch+json; charset=utf-8"
    request = await Request(b"x" * size, content_type=batch, content_length=str(size)).through()

    assert request.status == 200
    assert (await Request(b"", content_type=batch, content_length=str(BATCH_LIMIT + 1)).through()).status == 413


async def nobody(path: str, headers: Iterable[Header]) -> bool:
    return False


@pytest.mark.parametrize("length", [{"content_length": str(BODY_LIMIT + 1)}, {"transfer_encoding": "chunked"}])
async def test_of_strangers_no_large_files_are_read(length: dict[str, str]) -> None:
    about = {"path": "/api/v1/attachments", "content_type": "application/octet-stream", **length}
    request = await Request(b"x" * BODY_LIMIT, b"x", **about).through(nobody)

    assert request.status == 401
    assert request.taken_before_the_answer == 0
    assert json.loads(request.sent[1]["body"])["code"] == "unauthenticated"
    assert (b"www-authenticate", b"Bearer") in request.sent[0]["headers"]


async def test_nobody_asks_who_sends_what_is_small_or_holds_no_files() -> None:
    small = {"path": "/a/token", "content_type": "multipart/form-data; boundary=x", "content_length": "1"}
    batch = {"content_type": "application/cloudevents-batch+json", "content_length": str(BODY_LIMIT + 1)}

    assert (await Request(b"x", **small).through(nobody)).status == 200
    assert (await Request(b"x" * (BODY_LIMIT + 1), **batch).through(nobody)).status == 200


async def test_a_form_of_a_browser_gets_a_page_in_every_language() -> None:
    form = {"content_type": "multipart/form-data; boundary=x", "content_length": str(BATCH_LIMIT + 1)}
    page = await Request(b"", path="/a/token", accept="text/html,*/*;q=0.8", **form).through()
    program = await Request(b"", accept="*/*", **form).through()

    assert (page.status, program.status) == (413, 413)
    words = page.sent[1]["body"].decode()
    assert all(f'<p lang="{code}"' in words for code, _name in settings.LANGUAGES)
    assert all(said in words for said in ("Go back", "Gehen Sie zurück", "Revenez en arrière", "Vuelva atrás"))
    assert json.loads(program.sent[1]["body"])["code"] == "too_large"


ITEM = {"notification_id": UUID("01a22284-9751-70a4-90dc-c5a7bf17cee4")}
WITH_FILES = [
    "/api/v1/attachments",
    reverse("inbox:answer", kwargs=ITEM),
    reverse("conversation:comment", kwargs=ITEM),
    "/cases/4711/messages",
    reverse("inbox:email", kwargs={"token": f"wfa_{'x' * 43}"}),
]
OTHERS = ["/", "/sign-in", "/admin/login/", "/api/v1/events", "/api/v1/attachments/x", "/x/api/v1/attachments"]


@pytest.mark.parametrize("path", WITH_FILES)
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "Application/Octet-Stream"])
def test_files_may_have_as_much_as_a_batch(content_type: str, path: str) -> None:
    assert limit_for(content_type.encode(), path) == BATCH_LIMIT


@pytest.mark.parametrize("path", OTHERS)
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/octet-stream"])
def test_where_no_files_are_sent_strangers_send_none(content_type: str, path: str) -> None:
    assert limit_for(content_type.encode(), path) == BODY_LIMIT


@pytest.mark.parametrize("path", ["/api/v1/events", *WITH_FILES])
@pytest.mark.parametrize("content_type", ["application/json", "", "application/cloudevents-batch+jsonx"])
def test_only_the_batch_type_has_the_larger_limit(content_type: str, path: str) -> None:
    assert limit_for(content_type.encode(), path) == BODY_LIMIT
