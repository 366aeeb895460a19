"""Stores an engine's last call for the administrator who sets it up: the engine, and why the call was refused."""

import json
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from notifications.api.frame.authentication import EngineCaller
from notifications.api.frame.base import caller_of, http_request
from notifications.intake import last_call
from notifications.intake.last_call import ENDED_KEY, OTHER_KEY, UNKNOWN_KEY, LastCall
from notifications.models import Engine
from wfpush.crypto import API_KEY_PREFIX, digest_of


def note(request: Request, slug: str, response: HttpResponse) -> None:
    """Store a call if its engine is being set up. `slug` is the engine's in the address; empty if it names none.

    Accepted calls are stored only from the address for the engine's own JSON, which no table holds.
    """
    if response.status_code < 207 and not slug:
        return
    http = http_request(request)
    engine, fault = _engine_of(request, http, slug, response.status_code)
    if engine is None or not last_call.is_watched(engine):
        return
    sentences = [] if fault else list(_sentences(response))
    body = "" if fault else _text(http)
    last_call.keep(engine, LastCall(timezone.now(), response.status_code, fault, sentences, body))


def _engine_of(request: Request, http: HttpRequest, slug: str, status: int) -> tuple[Engine | None, str]:
    """Return the engine that is set up, and what is wrong with the key. An unknown key is attributed by the address."""
    caller = caller_of(request) if getattr(request, "_auth", None) is not None else None
    if isinstance(caller, EngineCaller):
        if not slug or caller.engine.slug == slug:
            return caller.engine, ""
        return Engine.objects.filter(slug=slug).first(), OTHER_KEY
    if status != 401:
        return None, ""
    if (engine := _engine_of_ended_key(http)) is not None:
        return engine, ENDED_KEY
    return (Engine.objects.filter(slug=slug).first() if slug else None), UNKNOWN_KEY


def _engine_of_ended_key(http: HttpRequest) -> Engine | None:
    """Return the engine of a key that was revoked or has ended, or whose engine is switched off."""
    credential = http.headers.get("X-API-Key") or http.headers.get("Authorization", "").partition(" ")[2].strip()
    if not credential.startswith(API_KEY_PREFIX):
        return None
    return Engine.objects.filter(api_keys__digest=digest_of(credential)).first()


def _sentences(response: HttpResponse) -> Iterator[str]:
    """Yield the reasons why a call, or a part of it, was refused."""
    if response.status_code < 207:
        return
    body = json.loads(response.content)
    for problem in [body, *(item["problem"] for item in body.get("items", []) if "problem" in item)]:
        if "detail" in problem:
            yield problem["detail"]
        yield from (f"{fault['pointer']}: {fault['detail']}" for fault in problem.get("errors", []) if fault["pointer"])


def _text(http: HttpRequest) -> str:
    """Return the body if it was read and is text, else an empty text."""
    try:
        return http.body.decode()
    except Exception:  # not read, cut off, too large, or no text: there is nothing to show
        return ""
