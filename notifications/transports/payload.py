"""What a push message says, as its JSON has it: read by the service worker and by apps (docs/apps.md)."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from notifications.errors import TransportError
from notifications.plaintext import cut
from notifications.types import Action, Json, PushMessage

URGENCY = {"urgent": "high", "high": "high", "normal": "normal", "low": "low"}
"""Priority to RFC 8030, 5.3. `high` wakes a device up."""

SHORTEST_BUTTON, SHORTEST_TITLE = 16, 40
"""Characters that buttons and title keep while anything else is left to cut."""

Fits = Callable[[Json], bool]


def members(push: PushMessage) -> Json:
    """All of it, at whatever length. Never the long body: what locks show is for everybody to read."""
    message = push.message
    logo = message.brand.get("logo_url") or ""
    said: Json = {
        "v": 1,
        "kind": push.kind,
        "id": message.notification_id,
        "tag": push.tag,
        "title": _sound(message.title),
        "body": _sound(message.short_body),
        "lang": message.language,
        "priority": message.priority,
        "state": push.state,
        "at": int(push.at.timestamp() * 1000),
        "link": push.link,
        "device": push.device,
        "unread": push.unread,
        "brand": _sound(message.brand.get("name") or ""),
    }
    if push.token:
        said["token"] = push.token
    if push.state == "open" and message.actions:
        said["actions"] = [_button(action) for action in message.actions]
    if isinstance(logo, str) and logo.startswith("https://"):
        said["icon"] = _sound(logo)
    return said


def _button(action: Action) -> Json:
    return {"action": _sound(action.name), "title": _sound(action.title), "comment": action.comment}


def _sound(text: str) -> str:
    """Without lone surrogates, which no UTF-8 can say."""
    return text.encode("utf-8", "replace").decode("utf-8")


def encoded(said: Any) -> bytes:
    return msgspec.json.encode(said)


# --- cutting ----------------------------------------------------------------------------------------------------------
def fit(said: Json, limit: int, size: Callable[[Json], int] = lambda said: len(encoded(said))) -> Json:
    """The members, as many bytes long as `limit` allows: what people miss least goes first, token and link stay.

    Raises TransportError when the rest is too long by itself.
    """

    def fits(cut_down: Json) -> bool:
        return size(cut_down) <= limit

    for step in _steps():
        if fits(said):
            return said
        said = step(said, fits)
    if not fits(said):
        raise TransportError(f"The message does not fit into {limit} bytes, even without its words.", permanent=True)
    return said


def _steps() -> Iterator[Callable[[Json, Fits], Json]]:
    yield lambda said, fits: _shorter(said, fits, "body", 0)
    yield _shorter_buttons
    yield lambda said, fits: _shorter(said, fits, "title", SHORTEST_TITLE)
    yield lambda said, fits: {name: value for name, value in said.items() if name not in ("icon", "brand")}
    yield _fewer_buttons
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


def _fewer_buttons(said: Json, fits: Fits) -> Json:
    """The item that the link opens offers the others."""
    buttons = said.get("actions", [])
    return _largest(lambda count: said | {"actions": buttons[:count]}, 0, len(buttons), fits) if buttons else said


def _largest(made: Callable[[int], Json], least: int, most: int, fits: Fits) -> Json:
    """The largest that fits; if none does, that of `least`."""
    while least < most:
        middle = (least + most + 1) // 2
        if fits(made(middle)):
            least = middle
        else:
            most = middle - 1
    return made(least)


def _cut(text: str, length: int) -> str:
    return cut(text, length) if length else ""
