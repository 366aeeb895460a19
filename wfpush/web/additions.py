"""What apps add to the web process beside their URLs. Objects are named, so that no other process loads them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Socket:
    """A WebSocket: its path without the slash at the beginning, and the dotted name of its consumer."""

    path: str
    consumer: str


@dataclass(frozen=True)
class FileSenders:
    """Requests that may have a large body, with files. `may_send`: the dotted name of a function that takes the path
    and the headers (ASGI's), and returns whether their sender may. It may use the database."""

    may_send: str
