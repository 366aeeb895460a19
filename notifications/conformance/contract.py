"""The contract as lines that can be checked, and what a run found for each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from notifications.connectors.api import Failed
from notifications.connectors.base import Result

Verdict = Literal["works", "differs", "not offered here", "not tried"]
Subject = TypeVar("Subject")
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
