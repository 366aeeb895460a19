"""An engine of any kind, running, and wfpush connected with it: what the stories of test_flows.py speak with."""

import json
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.db import connection
from django.db.models import Case, Value, When
from django.utils import timezone

from escalations.clocks import due_steps
from notifications.connectors.base import Misconfigured
from notifications.engines import connection_test
from notifications.models import Callback, CallbackState, Engine, EngineAccess, Notification
from notifications.models import Task as OurTask
from notifications.routing import pipeline
from tests.engines.book import Task
from tests.engines.guards import SECRET, SERVICE, Basic, Tokens
from tests.engines.server import LOST_AFTER, Fault
from tests.engines.world import Clock, Kind
from tests.pushlab.background import Background
from tests.support.world import World


@dataclass(frozen=True)
class Answered:
    """How a task was completed, as its process reads it."""

    by: str
    outcome: str = ""
    comment: str = ""


class EngineTask:
    """A task as its engine has it."""

    id: str


class BaseSide(ABC):
    """Stories are the same for all kinds; what differs is said in `RestSide` and `tests/engines/demo.py`.

    `told_by`: whether it says who had an ended task, and by which answer of ours it was completed. `remarks`: whether
    it keeps what was written beside a task. `readable`: whether its tasks can be read and the connection tried; an
    engine of which neither is true tells of what happens there by itself.
    """

    readable: ClassVar[bool] = True
    told_by: bool
    remarks: bool
    world: World
    wfpush: str
    """Our address, for those who call us."""

    # --- what happens in the engine -----------------------------------------------------------------
    def lose_next_reply(self) -> None:
        """It does what it is told next, and its reply is lost on the way."""
        self.break_next(LOST_AFTER)

    @abstractmethod
    def break_next(self, *faults: Fault) -> None:
        """What becomes of the next commands."""

    @abstractmethod
    def listen(self, listener: Callable[[str], None] | None) -> None:
        """From now on the listener is called, in a thread of its own, with the id of each task that we complete, after
        the engine has acted and before it replies."""

    def tells_of_completions(self) -> None:
        """By a listener in its process: over HTTP, and we process it at once."""

        def tell(task: str) -> None:
            event = {"specversion": "1.0", "id": f"{task}/completed", "source": "listener", "type": "task.completed"}
            body = json.dumps({**event, "data": {"task": {"id": task}}}).encode()
            headers = {"X-API-Key": self.world.key, "Content-Type": "application/json"}
            asked = urllib.request.Request(f"{self.wfpush}/api/v1/events", body, headers)
            try:
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    assert answer.status == 202
                pipeline.drain()
            finally:
                connection.close()

        self.listen(tell)

    # --- what happens here --------------------------------------------------------------------------
    def again(self) -> None:
        """The next try is due, and made."""
        now = timezone.now()
        Callback.objects.filter(state=CallbackState.WAITING).update(due_at=now, lease_until=None, lease_token=None)
        self.world.run()

    def engine_says(self, person: str) -> str:
        """What the person's own copy says of the engine."""
        copies = [copy for copy in self.world.inbox(person) if copy["outcome"]]
        said: str = copies[0]["outcome"]["engine"]
        return said

    def checked(self) -> str:
        """What the connection test says."""
        try:
            return connection_test.check(Engine.objects.get()).outcome
        except Misconfigured as cannot:
            return str(cannot)


def late() -> datetime:
    """Just after the task is due."""
    due = OurTask.objects.latest("created_at").due_at
    assert due is not None
    return due + timedelta(seconds=30)


# --- the four REST interfaces --------------------------------------------------------------------------------------
class InBook(EngineTask):
    def __init__(self, task: Task) -> None:
        self.id, self._task = task.id, task

    @property
    def is_open(self) -> bool:
        return self._task.is_open

    @property
    def went_on(self) -> bool:
        """The process has left it behind."""
        return self._task.state == "completed"

    @property
    def holder(self) -> str:
        """Who has it, as the engine names them; empty for nobody."""
        return self._task.assignee or ""

    @property
    def answers(self) -> list[Answered]:
        """Each time that it was completed."""
        found = []
        for done in self._task.completions:
            said = done.variables
            if done.by == SERVICE:
                comment = said.get("wfpush_comment", "")
                found.append(Answered(said["wfpush_by"], said["wfpush_outcome"], comment))
            else:
                found.append(Answered(done.by, done.outcome))
        return found

    @property
    def ids(self) -> set[str]:
        """The answers of ours that it was told, by their ids."""
        return {done.variables["wfpush_answer"] for done in self._task.completions if done.by == SERVICE}

    @property
    def remarks(self) -> list[str]:
        """What people wrote beside it while it stayed open."""
        return self._task.comments


class RestSide(BaseSide):
    def __init__(self, kind: Kind, world: World, wfpush: str, background: Background) -> None:
        self.kind, self.world, self.wfpush, self._background = kind, world, wfpush, background
        self.told_by, self.remarks = kind.told_by, kind.comments
        self.tokens = Tokens(Clock(), *kind.token) if kind.token is not None else None
        if self.tokens is not None:
            background.run(self.tokens.start())
        self.engine = kind.server(self.tokens or Basic())
        background.run(self.engine.start())
        self._connect()

    def _connect(self) -> None:
        row = Engine.objects.get()
        row.kind, row.callback_url = self.kind.name, self.engine.base
        row.save()
        signing: dict[str, str] = {"auth": "basic"}
        if self.tokens is not None and self.kind.token is not None:
            body, _, wants = self.kind.token
            signing = {"auth": "oauth2", "token_url": self.tokens.url, "token_body": body}
            signing["audience"] = wants.get("audience", "")
        EngineAccess.objects.create(engine=row, name=SERVICE, secret=SECRET, **signing)

    def stop(self) -> None:
        self._background.run(self.engine.stop())
        if self.tokens is not None:
            self._background.run(self.tokens.stop())

    def assign(self, *people: str, **variables: Any) -> InBook:
        """A task is created for one or several, due in an hour, and we hear of it."""
        task = self.engine.book.open(name="Approve invoice 4711", variables=variables)
        waits_for = {"assignee": people[0]} if len(people) == 1 else {"candidates": list(people)}
        said = {"id": task.id, "name": task.name, **waits_for}
        task.assignee = people[0] if len(people) == 1 else None
        due = datetime.now(UTC) + timedelta(hours=1)
        about = {"task": {**said, "due_at": due.isoformat()}, "case": {"id": task.process}, "variables": variables}
        self.world.send("task.assigned", about)
        self.time_passes()
        return InBook(task)

    def time_passes(self) -> None:
        """What we know is no longer so young that the engine's queries might not show it yet."""
        ago = timezone.now() - timedelta(minutes=5)
        OurTask.objects.update(created_at=ago)
        Notification.objects.update(created_at=ago, revised_at=Case(When(revised_at__isnull=False, then=Value(ago))))

    def somebody_changes(self, theirs: EngineTask, *, name: str = "", **variables: Any) -> None:
        """On the engine's own pages, which tell nobody of it."""
        task = self._task(theirs)
        task.name, task.variables = name or task.name, {**task.variables, **variables}

    def _task(self, theirs: EngineTask) -> Task:
        return self.engine.book.tasks[theirs.id]

    def somebody_completes(self, theirs: EngineTask, who: str) -> None:
        self.engine.book.somebody_completes(self._task(theirs), who)

    def somebody_gives(self, theirs: EngineTask, to: str) -> None:
        self._task(theirs).assignee = to

    def word_comes(self) -> None:
        """What has happened there gets here: it tells us, or is read before the step that is due."""
        due_steps.tick(late())

    def break_next(self, *faults: Fault) -> None:
        self.engine.break_next(*faults)

    def mend(self) -> None:
        self.engine.faults.clear()

    def end_connections(self) -> None:
        self._background.run(self.engine.end_connections())

    @property
    def commands(self) -> int:
        """How many have come in, whatever became of them."""
        return self.engine.calls("command")

    def prepare(self, count: int) -> dict[str, InBook]:
        """So many tasks in the engine, of which it tells nobody, by their ids."""
        tasks = [InBook(self.engine.book.open(name="Approve invoice 4711")) for _ in range(count)]
        return {task.id: task for task in tasks}

    def listen(self, listener: Callable[[str], None] | None) -> None:
        self.engine.listener = listener

    def go_away(self) -> None:
        """From now on it answers nobody."""
        self.engine.break_next(*[Fault(status=503, roles=("query", "command", "comment"))] * 20)

    @property
    def refused(self) -> list[Any]:
        """Calls of ours for which we were to blame."""
        return self.engine.refused
