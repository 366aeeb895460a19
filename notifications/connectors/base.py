"""What callbacks need of an engine, whatever its kind. A new kind is one file beside this one and one registry line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from notifications.connectors.access import Line, PersonsTokens
from notifications.models import Callback, Engine

Outcome = Literal["done", "handled", "refused", "later", "misconfigured", "gone"]


@dataclass(frozen=True)
class Standing:
    """A task as the engine shows it. `answers`: those of ours that completed a task of its process; `known`: the engine
    has it, or remembers it. What it does not know may be over, or not yet to be seen."""

    is_open: bool
    assignee: str = ""
    answers: frozenset[str] = frozenset()
    delegated: bool = False
    cancelled: bool = False
    known: bool = True

    @property
    def by(self) -> str:
        """Whoever had it when it was completed: no engine says more."""
        return "" if self.is_open or self.cancelled else self.assignee


@dataclass(frozen=True)
class Result:
    """What the engine made of an answer, in one vocabulary.

    done: it has it. handled: it had been handled already. refused: it will never take it (`detail` says why, for the
    person). later: try again (`retry_after` in seconds). misconfigured: try again, and an operator must look. gone: the
    endpoint is no more.

    `unsure`: no answer came, and the engine may have acted all the same. `down`: it did not answer, or is broken, so
    that others need not be tried just now. `silent`: it was not asked, so that this says nothing of it. `standing`: how
    the task stands there now, where that may be news.
    """

    outcome: Outcome
    status: int | None = None
    detail: str = ""
    retry_after: float | None = None
    unsure: bool = False
    down: bool = False
    silent: bool = False
    standing: Standing | None = None


class Connector(Protocol):
    """One kind of engine."""

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> str: ...

    def prepare(self, engine: Engine, callback: Callback, now: datetime, tokens: PersonsTokens | None = None) -> Any:
        """Read what the call needs from the database. Raises Misconfigured with a sentence for the operator.

        `tokens`: of the person in whose name it is made, where it is not in ours.
        """
        ...

    async def send(self, line: Line, call: Any) -> Result:
        """Make the call that `prepare` has prepared. Raises nothing: every failure is a Result."""
        ...


class Misconfigured(Exception):
    """The engine's record cannot work as it is; the sentence says what to mend."""
