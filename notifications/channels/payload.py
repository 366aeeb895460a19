"""The JSON of a push message, which the service worker and apps read (docs/apps.md)."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from notifications import reasons
from notifications.errors import TransportError
from notifications.types import Action, Json, PushMessage
from notifications.wording.plaintext import cut

URGENCY = {"urgent": "high", "high": "high", "normal": "normal", "low": "low"}
"""RFC 8030's urgency (5.3) by priority. `high` wakes a device up."""

SHORTEST_BUTTON, SHORTEST_TITLE = 16, 40
"""Characters of buttons and title that stay as long as anything else can be cut."""

BUTTONS_SEEN = 4
"""Answers that stay as long as anything else can be cut: no system shows more. The item that the link opens has all."""

SEEN_AT_A_GLANCE = 200
"""Characters of the text for browsers that show it by themselves: no lock screen has room for more, and it is sent
twice."""

Fits = Callable[[Json], bool]


def members(push: PushMessage) -> Json:
    """Return all members, at full length, but never the long body, since everybody can read lock screens."""
    message = push.message
    logo = message.brand.get("logo_url") or ""
    payload: Json = {
        "v": 1,
        "kind": push.kind,
        "id": message.notification_id,
        "tag": push.tag,
        "title": sound(message.title),
        "body": sound(message.on_lock_screens),
        "lang": message.language,
        "priority": message.priority,
        "state": push.state,
        "at": int(push.at.timestamp() * 1000),
        "link": push.link,
        "device": push.device,
        "unread": push.unread,
        "brand": sound(message.brand.get("name") or ""),
    }
    if push.token:
        payload["token"] = push.token
        payload["revision"] = push.revision
    if push.silent:
        payload["silent"] = True
    if push.state == "open" and message.actions:
        payload["actions"] = [_button(action) for action in message.actions]
    if isinstance(logo, str) and logo.startswith("https://"):
        payload["icon"] = sound(logo)
    return payload


def _button(action: Action) -> Json:
    """Return a button. Answers with values or a signature are given in the item: apps without values open it as for a
    comment."""
    fills = action.values != "none"
    shown = {"action": sound(action.name), "title": sound(action.title)}
    if action.signature:
        shown["signature"] = "required"
    return {**shown, "comment": "required", "values": "required"} if fills else {**shown, "comment": action.comment}


def sound(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


# --- Declarative Web Push ---------------------------------------------------------------------------------------------
def declared(payload: Json) -> Json:
    """Return the members, and the same in the form that a browser shows by itself, even if our worker was removed.

    https://github.com/w3c/push-api/pull/385 and /402: `web_push` is 8030; `notification` has `title`, `navigate`,
    `dir`, `lang`, `body`, `tag`, `silent`, `require_interaction`, `data`, and `actions` of `action`, `title` and
    `navigate`; `app_badge` and `mutable` stand beside it. Safari 18.4 reads these two inside `notification` (WebKit,
    NotificationJSONParser.cpp), so they are in both places.

    `mutable`: a worker, if there is one, is called first. That event has no data of its own, so the worker's data is in
    `notification.data`. No icon: with one wrong address Safari shows nothing. Browsers that do not know the format give
    everything to the worker, which reads the other members, as workers of earlier versions do. Buttons open the item,
    which offers the answer: no GET changes anything.
    """
    shown: Json = {
        "title": payload["title"],
        "body": cut(payload["body"], SEEN_AT_A_GLANCE),
        "navigate": payload["link"],
        "lang": payload["lang"].replace("_", "-"),
        "dir": "auto",
        "tag": payload["tag"],
        "silent": payload.get("silent", False) or payload["kind"] in ("replacement", "removed"),
        "app_badge": payload["unread"],
        "mutable": True,
        "data": {name: payload[name] for name in FOR_THE_WORKER if name in payload},
    }
    if payload["state"] == "open":
        shown["require_interaction"] = payload["priority"] == "urgent"
        shown["actions"] = [_way_to(action, payload["link"]) for action in payload.get("actions", [])]
    return payload | {"web_push": 8030, "mutable": True, "app_badge": payload["unread"], "notification": shown}


FOR_THE_WORKER = (
    *("v", "kind", "id", "priority", "state", "at", "link", "device", "token", "revision", "actions", "silent"),
)


def _way_to(action: Json, link: str) -> Json:
    way = f"{link}{'&' if '?' in link else '?'}answer={_in_address(action['action'])}#comment"
    return {"action": action["action"], "title": action["title"], "navigate": way}


@lru_cache(maxsize=1024)
def _in_address(name: str) -> str:
    return quote(name, safe="")


def encoded(document: Any) -> bytes:
    return msgspec.json.encode(document)


# --- cutting ----------------------------------------------------------------------------------------------------------
def fit(payload: Json, limit: int, size: Callable[[Json], int] = lambda payload: len(encoded(payload))) -> Json:
    """Return the members, cut to at most `limit` bytes: the least important text is cut first; token and link stay.

    Raise TransportError when the rest is too long.
    """

    def fits(cut_down: Json) -> bool:
        return size(cut_down) <= limit

    for step in _steps():
        if fits(payload):
            return payload
        payload = step(payload, fits)
    if not fits(payload):
        raise TransportError(reasons.TOO_LONG(limit=limit), permanent=True)
    return payload


def _steps() -> Iterator[Callable[[Json, Fits], Json]]:
    """Yield the cuts, the least important text first. Key facts stand at the beginning of the body."""
    yield lambda payload, fits: _fewer_buttons(payload, fits, BUTTONS_SEEN)
    yield lambda payload, fits: _shorter(payload, fits, "body", SEEN_AT_A_GLANCE)
    yield _shorter_buttons
    yield lambda payload, fits: _shorter(payload, fits, "title", SHORTEST_TITLE)
    yield lambda payload, fits: {name: value for name, value in payload.items() if name not in ("icon", "brand")}
    yield lambda payload, fits: _shorter(payload, fits, "body", 0)
    yield lambda payload, fits: _fewer_buttons(payload, fits, 0)
    yield lambda payload, fits: _shorter(payload, fits, "title", 1)


def _shorter(payload: Json, fits: Fits, name: str, least: int) -> Json:
    text = payload[name]
    return _largest(lambda length: payload | {name: _cut(text, length)}, min(least, len(text)), len(text), fits)


def _shorter_buttons(payload: Json, fits: Fits) -> Json:
    buttons = payload.get("actions", [])
    longest = max((len(button["title"]) for button in buttons), default=0)

    def made(length: int) -> Json:
        return payload | {"actions": [button | {"title": _cut(button["title"], length)} for button in buttons]}

    return _largest(made, min(SHORTEST_BUTTON, longest), longest, fits) if buttons else payload


def _fewer_buttons(payload: Json, fits: Fits, least: int) -> Json:
    buttons = payload.get("actions", [])
    if len(buttons) <= least:
        return payload
    return _largest(lambda count: payload | {"actions": buttons[:count]}, least, len(buttons), fits)


def _largest(made: Callable[[int], Json], least: int, most: int, fits: Fits) -> Json:
    """Return the result for the largest value that fits; if none does, the result for `least`."""
    while least < most:
        middle = (least + most + 1) // 2
        if fits(made(middle)):
            least = middle
        else:
            most = middle - 1
    return made(least)


def _cut(text: str, length: int) -> str:
    return cut(text, length) if length else ""
