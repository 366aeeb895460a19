"""What is known of an engine kind, and what callbacks need of it. A new kind is a file beside this one and a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from notifications.connectors.access import Line, PersonsTokens
from notifications.models import Callback, Engine
from notifications.types import Json

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


@dataclass(frozen=True)
class Sent:
    """One request as it would be made; secrets are hidden."""

    method: str
    url: str
    headers: dict[str, str]
    body: Json | None


HIDDEN = "…"
"""Stands for a secret."""


class Connector:
    """One kind of engine. `kind` is what its records keep, `label` its name."""

    kind: ClassVar[str]
    label: ClassVar[str]
    preset: ClassVar[Mapping[str, str]] = {}
    """Mapping of its own JSON to begin with, an expression for each member of an event; what an engine's model sends
    decides whether it fits. Empty: its engines send CloudEvents."""
    task_example: ClassVar[str] = "T-42"
    """What a task's id looks like."""
    sign_ins: ClassVar[tuple[str, ...]] = ()
    """Of AuthKind: how we may sign in to its interface. Empty: calls need no sign-in."""
    cannot_check: ClassVar[str] = "This kind cannot be tried without an answer: the first one shows it."
    """Why the connection to an engine is not tested, of kinds that are no RestConnector."""

    def prepare(self, engine: Engine, callback: Callback, now: datetime, tokens: PersonsTokens | None = None) -> Any:
        """Read what the call needs from the database. Raises Misconfigured with a sentence for the operator.

        `tokens`: of the person in whose name it is made, where it is not in ours.
        """
        raise NotImplementedError

    async def send(self, line: Line, call: Any) -> Result:
        """Make the call that `prepare` has prepared. Raises nothing: every failure is a Result."""
        raise NotImplementedError

    def preview(self, engine: Engine, callback: Callback, now: datetime) -> list[Sent]:
        """The requests that would be made, of kinds that are no RestConnector: what those ask is recorded.

        Raises Misconfigured.
        """
        raise NotImplementedError


class Misconfigured(Exception):
    """The engine's record cannot work as it is; the sentence says what to mend."""
