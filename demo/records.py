"""What the engine stores of a process instance: one JSON file holds one `InstanceRecord`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

Clock = Callable[[], datetime]
Effect = Literal["final", "acknowledge", "request_info"]
CommentRule = Literal["none", "optional", "required"]

_EFFECTS: dict[str, Effect] = {"acknowledge": "acknowledge", "request_info": "request_info"}
_COMMENTS: dict[str, CommentRule] = {"request_info": "required", "reject": "required", "acknowledge": "none"}
_TITLES = {
    "request_info": "Ask for information",
    "answer": "Send the answer",
    "report": "Send the report",
    "resubmit": "Submit again",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """`moment` in UTC as ISO 8601 with microseconds and `Z`, so that stamps sort as text."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Person(msgspec.Struct, frozen=True):
    """Who did something, as the engine and wfpush both name people."""

    ref: str
    name: str


class Action(msgspec.Struct, frozen=True):
    """One thing a person may do with a task."""

    action: str
    title: str
    effect: Effect
    comment: CommentRule

    @classmethod
    def read(cls, raw: Any) -> "Action":
        """Read an action of a process model: a name with its usual meaning, or an object with all fields."""
        fields: dict[str, Any] = {"action": raw} if isinstance(raw, str) else raw
        name = fields["action"]
        return msgspec.convert(
            {
                "action": name,
                "title": fields.get("title") or _TITLES.get(name, name.replace("_", " ").capitalize()),
                "effect": fields.get("effect") or _EFFECTS.get(name, "final"),
                "comment": fields.get("comment") or _COMMENTS.get(name, "optional"),
            },
            cls,
        )


class TaskResult(msgspec.Struct, frozen=True):
    action: str
    by: Person
    at: str
    comment: str = ""


class TaskRecord(msgspec.Struct):
    """A human task from the moment it is ready; `data` is what `task.assigned` tells wfpush about it."""

    id: str
    step: str
    step_name: str
    data: dict[str, Any]
    actions: list[Action]
    outcomes: dict[str, str]
    opened_at: str
    state: Literal["open", "completed", "cancelled"] = "open"
    closed_at: str | None = None
    result: TaskResult | None = None

    @property
    def name(self) -> str:
        return str(self.data["task"]["name"])

    @property
    def addressed(self) -> list[str]:
        """The refs of the people it waits for: the assignee, else candidates, else none (a team)."""
        task = self.data["task"]
        return [task["assignee"]] if task.get("assignee") else list(task.get("candidates", []))

    @property
    def teams(self) -> list[str]:
        """The teams it waits for, when no person is named."""
        return list(self.data["task"].get("teams", []))


class KeptFile(msgspec.Struct, frozen=True):
    """A file that somebody has sent along, as wfpush describes it; its bytes are in the store under its id."""

    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\\Z")]
    name: str
    type: str
    size: int


class EventRecord(msgspec.Struct):
    """An event for wfpush. Its id never changes, so that sending it twice counts once."""

    id: str
    type: str
    subject: str
    time: str
    data: dict[str, Any]
    state: Literal["waiting", "sent", "refused"] = "waiting"
    detail: str = ""
    sent_at: str | None = None


class HistoryEntry(msgspec.Struct):
    """One line of an instance's story, in plain words."""

    at: str
    kind: Literal["started", "told", "opened", "seen", "asked", "answered", "moved", "dropped", "refused", "finished"]
    text: str
    step: str = ""
    event_id: str | None = None
    comment: str = ""
    files: list[KeptFile] = []


class Verdict(msgspec.Struct, frozen=True):
    """What the engine says to an answer: an HTTP status and the words with it."""

    status: int
    detail: str

    @property
    def taken(self) -> bool:
        return self.status < 300


class Message(msgspec.Struct):
    """A BPMN message that no catching event waits for yet."""

    name: str
    payload: dict[str, Any]


class InstanceRecord(msgspec.Struct):
    """Everything about one instance. `answers` keeps the verdict on every webhook-id ever received.

    `done` are the steps of the model that were passed, for its picture.
    `workflow` is SpiffWorkflow's own serialisation, read only when the process is to move.
    """

    id: str
    process: str
    process_name: str
    title: str
    data: dict[str, Any]
    created_at: str
    updated_at: str
    workflow: msgspec.Raw
    state: Literal["running", "finished"] = "running"
    sample: str = ""
    seeded: bool = False
    event_count: int = 0
    done: list[str] = []
    tasks: dict[str, TaskRecord] = {}
    events: list[EventRecord] = []
    history: list[HistoryEntry] = []
    messages: list[Message] = []
    answers: dict[str, Verdict] = {}

    @property
    def open_tasks(self) -> list[TaskRecord]:
        """The tasks that wait for somebody, oldest first."""
        return [task for task in self.tasks.values() if task.state == "open"]

    @property
    def end(self) -> HistoryEntry | None:
        """How it ended, once it is finished."""
        return next((entry for entry in reversed(self.history) if entry.kind == "finished"), None)

    def file(self, file_id: str) -> KeptFile:
        """A file of its story. Raises KeyError."""
        for entry in self.history:
            for file in entry.files:
                if file.id == file_id:
                    return file
        raise KeyError(file_id)

    @property
    def next_event(self) -> EventRecord | None:
        """The oldest event that wfpush has not yet taken."""
        return next((event for event in self.events if event.state == "waiting"), None)
