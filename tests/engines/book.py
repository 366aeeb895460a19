"""What an engine on loopback keeps: its tasks, their variables and comments, and who has ended what."""

import itertools
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]

CREATED = "2026-11-26T08:00:00.000+0000"
ENDED = "2026-11-26T09:30:00.000+0000"


@dataclass(frozen=True)
class Completion:
    """One completion that the engine has taken. `variables`: their values as Python has them."""

    by: str
    variables: Json
    outcome: str = ""


@dataclass
class Task:
    id: str
    process: str
    assignee: str | None = None
    name: str = "Approve the order"
    variables: Json = field(default_factory=dict)
    """Those that its process has, as Python has them."""
    owner: str | None = None
    delegation: Literal["", "pending", "resolved"] = ""
    priority: int = 50
    state: Literal["open", "completed", "cancelled"] = "open"
    busy: str = ""
    """A state on the way to another (Camunda 8), in which the engine takes no command."""
    form: Any = None
    """As its engine writes it."""
    created: str = CREATED
    due: str | None = None
    comments: list[str] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    resolved: int = 0

    @property
    def is_open(self) -> bool:
        return self.state == "open"


class Book:
    """The engine's truth. Tasks are never completed twice here; who tried is in the server's log of requests."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.variables: dict[str, dict[str, Json]] = {}
        """By process and name: the variable as it was sent."""
        self._numbers = itertools.count(2251799813685249)

    def open(self, id: str = "", *, process: str = "", assignee: str | None = None, **members: Any) -> Task:
        id = id or str(next(self._numbers))
        task = self.tasks[id] = Task(id, process or f"{next(self._numbers)}", assignee, **members)
        return task

    def complete(self, task: Task, by: str, variables: Json, outcome: str = "", sent: Json | None = None) -> None:
        assert task.is_open
        task.state, task.busy = "completed", ""
        task.completions.append(Completion(by, variables, outcome))
        self.variables.setdefault(task.process, {}).update(sent if sent is not None else {})

    def delegate(self, task: Task, user: str) -> None:
        task.owner, task.assignee, task.delegation = task.owner or task.assignee, user, "pending"

    def resolve(self, task: Task) -> None:
        task.assignee, task.delegation = task.owner, "resolved"
        task.resolved += 1

    # --- other people, in the engine's own pages ------------------------------------------------
    def somebody_completes(self, task: Task, who: str) -> None:
        """They take the task first, as the engines' own pages make them do."""
        task.assignee = who
        self.complete(task, who, {}, "by hand")

    def somebody_cancels(self, task: Task) -> None:
        task.state = "cancelled"
