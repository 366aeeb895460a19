"""The contract as lines that can be checked, what a run found for each, and how long it waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from notifications.connectors.access import Access
from notifications.connectors.api import Failed
from notifications.connectors.base import Result

Verdict = Literal["works", "differs", "not offered here", "not tried"]
Subject = TypeVar("Subject")
Value = TypeVar("Value")
Check = Callable[[Subject], Awaitable[None]]


class Differs(Exception):
    """Raised when the engine does something else; the text says what."""


class NotOffered(Exception):
    """Raised when engines of this kind, or this one as it is set up, do not have it; the text says why."""


class NotTried(Exception):
    """Raised when a line cannot be checked; the text says what is missing."""


class Facts(dict[str, Any]):
    """What a line leaves for those after it."""

    def need(self, name: str, reason: str) -> Any:
        """Return a fact. Raises NotTried if no line has left it."""
        if name not in self:
            raise NotTried(reason)
        return self[name]


@dataclass(frozen=True)
class Line(Generic[Subject]):
    """One line of the contract. `title`: what the engine does; `means`: the effect on people if it does not. `check`
    raises Differs, NotOffered, NotTried, or Failed of a connector."""

    key: str
    title: str
    check: Check[Subject]
    means: str


class Lines(list[Line[Subject]]):
    """Lines in the order in which they are checked. Functions are added by the decorator `line`."""

    def line(self, title: str, means: str, key: str = "") -> Callable[[Check[Subject]], Check[Subject]]:
        def add(check: Check[Subject]) -> Check[Subject]:
            self.append(Line(key or check.__name__.replace("_", "-"), title, check, means))
            return check

        return add


@dataclass(frozen=True)
class Finding:
    key: str
    title: str
    verdict: Verdict
    detail: str = ""
    means: str = ""


async def examine(line: Line[Subject], subject: Subject) -> Finding:
    """Check one line. Raises nothing, whatever the engine answers."""
    verdict, detail = await _verdict(line.check(subject))
    return Finding(line.key, line.title, verdict, detail, line.means if verdict == "differs" else "")


async def _verdict(checking: Awaitable[None]) -> tuple[Verdict, str]:
    try:
        await checking
    except Differs as difference:
        return "differs", str(difference)
    except Failed as failed:
        return "differs", failed.result.detail
    except NotOffered as reason:
        return "not offered here", str(reason)
    except NotTried as reason:
        return "not tried", str(reason)
    except Exception as error:  # an engine may answer anything, and the lines after this one still count
        return "differs", f"The kit cannot read the reply ({type(error).__name__}: {error})."
    return "works", ""


def described(result: Result) -> str:
    """Return the result of a call in words."""
    status = f" ({result.status})" if result.status is not None else ""
    return f"wfpush understands “{result.outcome}”{status}. {result.detail}".strip()


def expect(result: Result, *outcomes: str) -> None:
    """Raises Differs for a result with another outcome."""
    if result.outcome not in outcomes:
        raise Differs(f"{described(result)} Expected: {' or '.join(outcomes)}.")


PAUSE = 0.05
LONGEST_PAUSE = 1.0


@dataclass(frozen=True)
class Options:
    """`patience`: seconds to wait for what the engine shows late. `by_hand`: seconds for a person to start processes.
    `limited`: an account that may not complete tasks. `assignees`: the engine's names of two people."""

    patience: float
    assignees: tuple[str, str]
    by_hand: float = 1800.0
    paths: dict[str, str] = field(default_factory=dict)
    limited: Access | None = None


async def until(ask: Callable[[], Awaitable[Value]], seconds: float) -> Value | None:
    """Return the first true answer, or None after `seconds`."""
    end, pause = time.monotonic() + seconds, PAUSE
    while not (value := await ask()):
        if time.monotonic() > end:
            return None
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    return value
