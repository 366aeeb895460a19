"""The interface of an engine's kind, and the results of its calls. A new kind is a file in this folder and a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from django.utils.functional import Promise

from notifications.connectors.access import EngineClient, PersonsTokens
from notifications.models import Callback, Engine
from notifications.reasons import NOTHING, Reason, reason_of
from notifications.types import Json

Outcome = Literal["done", "handled", "refused", "later", "misconfigured", "gone"]


@dataclass(frozen=True)
class Standing:
    """The state of a task in the engine. `answers`: ids of our answers that completed tasks of its process; `is_known`:
    the engine has the task, or remembers it. A task that it does not know may be over, or not be visible yet."""

    is_open: bool
    assignee: str = ""
    answers: frozenset[str] = frozenset()
    delegated: bool = False
    cancelled: bool = False
    is_known: bool = True

    @property
    def by(self) -> str:
        """The assignee when the task was completed: engines do not say more."""
        return "" if self.is_open or self.cancelled else self.assignee


@dataclass(frozen=True)
class Result:
    """The result of sending an answer, in the same vocabulary for all engines.

    done: it has the answer. handled: the task had been handled before. refused: it will never take the answer (`reason`
    says why, for the person). later: try again (`retry_after` in seconds). misconfigured: try again, and an operator
    must look. gone: the endpoint no longer exists.

    `unsure`: no answer came, and the engine may have acted. `down`: it did not answer, or is broken, so other calls
    need not be tried just now. `silent`: it was not asked, so this says nothing about it. `standing`: the state of the
    task in the engine, where it may be news.
    """

    outcome: Outcome
    status: int | None = None
    reason: Reason = NOTHING
    retry_after: float | None = None
    unsure: bool = False
    down: bool = False
    silent: bool = False
    standing: Standing | None = None

    @property
    def detail(self) -> str:
        """The reason in English, for logs and programs."""
        return str(self.reason)


@dataclass(frozen=True)
class SentRequest:
    """One request as it would be made; secrets are hidden."""

    method: str
    url: str
    headers: dict[str, str]
    body: Json | None


HIDDEN = "…"
"""Stands for a secret."""


class Connector:
    """One kind of engine. `kind` is the value in its records, `label` its name."""

    kind: ClassVar[str]
    label: ClassVar[str]
    preset: ClassVar[Mapping[str, str]] = {}
    """A mapping of its own JSON to begin with: an expression for each member of an event. It may need changes for an
    engine's model. Empty: its engines send CloudEvents."""
    task_example: ClassVar[str] = "T-42"
    """An example of a task's id."""
    sign_ins: ClassVar[tuple[str, ...]] = ()
    """Values of AuthKind: how we may sign in to its interface. Empty: calls need no sign-in."""
    example: ClassVar[str] = "webhook_task.json"
    """A file in notifications/connectors/samples/: the JSON of an open task as its engines send it."""
    samples: ClassVar[Mapping[str, str | Promise]] = {}
    """Files in the same folder that are copied into its engines, so that they call, with their titles on the desk."""

    def prepare(self, engine: Engine, callback: Callback, now: datetime, tokens: PersonsTokens | None = None) -> Any:
        """Read the data of the call from the database. Raises Misconfigured with a sentence for the operator.

        `tokens`: those of the person in whose name the call is made; None: it is made in ours.
        """
        raise NotImplementedError

    async def send(self, line: EngineClient, call: Any) -> Result:
        """Make the call. Raises nothing: every failure is a Result."""
        raise NotImplementedError

    def preview(self, engine: Engine, callback: Callback, now: datetime) -> list[SentRequest]:
        """Return the requests that would be made. A RestConnector does not implement this: its requests are recorded.

        Raises Misconfigured.
        """
        raise NotImplementedError


class Misconfigured(Exception):
    """Raised when the engine's record cannot work; the reason says what to correct."""

    def __init__(self, reason: Reason | str) -> None:
        self.reason = reason_of(reason)
        super().__init__(str(self.reason))
