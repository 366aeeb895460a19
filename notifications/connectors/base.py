"""What callbacks need of an engine, whatever its kind. A new kind is one file beside this one and one registry line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from notifications.models import Callback, Engine
from wfpush.http import Outbound

Outcome = Literal["done", "handled", "refused", "later", "misconfigured", "gone"]


@dataclass(frozen=True)
class Result:
    """What the engine made of an answer, in one vocabulary.

    done: it has it. handled: it had been handled already. refused: it will never take it (`detail` says why, for the
    person). later: try again (`retry_after` in seconds). misconfigured: try again, and an operator must look. gone: the
    endpoint is no more.
    """

    outcome: Outcome
    status: int | None = None
    detail: str = ""
    retry_after: float | None = None


class Connector(Protocol):
    """One kind of engine."""

    kind: str
    label: str

    def prepare(self, engine: Engine, callback: Callback, now: datetime) -> "Call":
        """Read what the call needs from the database. Raises Misconfigured with a sentence for the operator."""
        ...

    async def send(self, http: Outbound, call: "Call") -> Result:
        """Make the call. Raises nothing: every failure is a Result."""
        ...


@dataclass(frozen=True)
class Call:
    """One request to an engine, complete."""

    url: str
    body: bytes
    headers: dict[str, str]


class Misconfigured(Exception):
    """The engine's record cannot work as it is; the sentence says what to mend."""
