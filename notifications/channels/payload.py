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
"""Priority to RFC 8030, 5.3. `high` wakes a device up."""

SHORTEST_BUTTON, SHORTEST_TITLE = 16, 40
"""Characters of buttons and title that stay as long as anything else can be cut."""

BUTTONS_SEEN = 4
"""Answers that stay as long as anything else can be cut: no system shows more. The item that the link opens has all."""

SEEN_AT_A_GLANCE = 200
"""Characters of the text for browsers that show it by themselves: no lock screen has room for more, and it is sent
twice."""

Fits = Callable[[Json], bool]


def members(push: PushMessage) -> Json:
    """All members, at full length. Never the long body, since everybody can read lock screens."""
    message = push.message
    logo = message.brand.get("logo_url") or ""
    said: Json = {
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
        said["token"] = push.token
        said["revision"] = push.revision
    if push.silent:
        said["silent"] = True
    if push.state == "open" and message.actions:
        said["actions"] = [_button(action) for action in message.actions]
    if isinstance(logo, str) and logo.startswith("https://"):
        said["icon"] = sound(logo)
    return said


def _button(action: Action) -> Json:
    """An answer that needs values is given in the item: what does not know of values opens it as for a comment."""
    fills = action.values == "required"
    shown = {"action": sound(action.name), "title": sound(action.title)}
    return {**shown, "comment": "required", "values": "required"} if fills else {**shown, "comment": action.comment}


def sound(text: str) -> str:
    """Without lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


# --- Declarative Web Push ---------------------------------------------------------------------------------------------
def declared(said: Json) -> Json:
    """The members again in the form that a browser shows by itself, even if our worker was removed.

    https://github.com/w3c/push-api/pull/385 and /402: `web_push` is 8030; `notification` has `title`, `navigate`,
    `dir`, `lang`, `body`, `tag`, `silent`, `require_interaction`, `data`, and `actions` of `action`, `title` and
    `navigate`; `app_badge` and `mutable` stand beside it. Safari 18.4 reads these two inside `notification` (WebKit,
    NotificationJSONParser.cpp), so they are in both places.

    `mutable`: if there is a worker it is called first; that event has no data of its own, so what the worker needs is
    in `notification.data`. No icon: with one wrong address Safari shows nothing. Browsers that do not know the format
    give everything to the worker, which reads the other members, as workers of earlier versions do. Buttons open the
    item, which offers the answer: no GET changes anything.
    """
    shown: Json = {
        "title": said["title"],
        "body": cut(said["body"], SEEN_AT_A_GLANCE),
        "navigate": said["link"],
        "lang": said["lang"].replace("_", "-"),
        "dir": "auto",
        "tag": said["tag"],
        "silent": said.get("silent", False) or said["kind"] in ("replacement", "removed"),
        "app_badge": said["unread"],
        "mutable": True,
        "data": {name: said[name] for name in FOR_THE_WORKER if name in said},
    }
    if said["state"] == "open":
        shown["require_interaction"] = said["priority"] == "urgent"
        shown["actions"] = [_way_to(action, said["link"]) for action in said.get("actions", [])]
    return said | {"web_push": 8030, "mutable": True, "app_badge": said["unread"], "notification": shown}


FOR_THE_WORKER = (
    *("v", "kind", "id", "priority", "state", "at", "link", "device", "token", "revision", "actions", "silent"),
)


def _way_to(action: Json, link: str) -> Json:
    way = f"{link}{'&' if '?' in link else '?'}answer={_in_address(action['action'])}#comment"
    return {"action": action["action"], "title": action["title"], "navigate": way}


@lru_cache(maxsize=1024)
def _in_address(name: str) -> str:
    return quote(name, safe="")


def encoded(said: Any) -> bytes:
    return msgspec.json.encode(said)


# --- cutting ----------------------------------------------------------------------------------------------------------
def fit(said: Json, limit: int, size: Callable[[Json], int] = lambda said: len(encoded(said))) -> Json:
    """The members, cut to at most `limit` bytes: the least important text is cut first; token and link stay.

    Raises TransportError when the rest is too long.
    """

    def fits(cut_down: Json) -> bool:
        return size(cut_down) <= limit

    for step in _steps():
        if fits(said):
            return said
        said = step(said, fits)
    if not fits(said):
        raise TransportError(reasons.TOO_LONG(limit=limit), permanent=True)
    return said


def _steps() -> Iterator[Callable[[Json, Fits], Json]]:
    """The key facts stand at the beginning of the text."""
    yield lambda said, fits: _fewer_buttons(said, fits, BUTTONS_SEEN)
    yield lambda said, fits: _shorter(said, fits, "body", SEEN_AT_A_GLANCE)
    yield _shorter_buttons
    yield lambda said, fits: _shorter(said, fits, "title", SHORTEST_TITLE)
    yield lambda said, fits: {name: value for name, value in said.items() if name not in ("icon", "brand")}
    yield lambda said, fits: _shorter(said, fits, "body", 0)
    yield lambda said, fits: _fewer_buttons(said, fits, 0)
    yield lambda said, fits: _shorter(said, fits, "title", 1)


def _shorter(said: Json, fits: Fits, name: str, least: int) -> Json:
    text = said[name]
    return _largest(lambda length: said | {name: _cut(text, length)}, min(least, len(text)), len(text), fits)


def _shorter_buttons(said: Json, fits: Fits) -> Json:
    buttons = said.get("actions", [])
    longest = max((len(button["title"]) for button in buttons), default=0)

    def made(length: int) -> Json:
        return said | {"actions": [button | {"title": _cut(button["title"], length)} for button in buttons]}

    return _largest(made, min(SHORTEST_BUTTON, longest), longest, fits) if buttons else said


def _fewer_buttons(said: Json, fits: Fits, least: int) -> Json:
    buttons = said.get("actions", [])
    if len(buttons) <= least:
        return said
    return _largest(lambda count: said | {"actions": buttons[:count]}, least, len(buttons), fits)


def _largest(made: Callable[[int], Json], least: int, most: int, fits: Fits) -> Json:
    """The largest value that fits; if none does, the result for `least`."""
    while least < most:
        middle = (least + most + 1) // 2
        if fits(made(middle)):
            least = middle
        else:
            most = middle - 1
    return made(least)


def _cut(text: str, length: int) -> str:
    return cut(text, length) if length else ""
