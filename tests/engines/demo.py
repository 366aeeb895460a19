"""The demo engine as a side of the stories: a BPMN process runs in SpiffWorkflow, told by signed webhooks."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from SpiffWorkflow import TaskState

from demo.__main__ import build
from demo.callbacks import Answer
from demo.config import Settings
from demo.instance import Instance
from demo.people import person
from demo.records import InstanceRecord, utc_now
from demo.server import ENGINE
from demo.store import Store
from notifications.models import Engine
from tests.demo.service import eventually
from tests.engines.server import Fault, broken
from tests.engines.sides import Answered, BaseSide, EngineTask, InBook, RestSide
from tests.pushlab.background import Background
from tests.support.world import World


class InProcess(EngineTask):
    """A human task of a BPMN process, read from the instance that the engine has written down."""

    def __init__(self, id: str, read: Callable[[], InstanceRecord]) -> None:
        self.id, self._read = id, read

    @property
    def step(self) -> Any:
        """SpiffWorkflow's own task."""
        workflow = Instance.resume(self._read(), utc_now)._workflow
        return next(step for step in workflow.get_tasks() if str(step.id) == self.id)

    @property
    def is_open(self) -> bool:
        return bool(self.step.state == TaskState.READY)

    @property
    def went_on(self) -> bool:
        """To its end, or to whoever is next."""
        record, done = self._read(), self.step.state == TaskState.COMPLETED
        return done and (record.state == "finished" or bool(record.open_tasks))

    @property
    def holder(self) -> str:
        return self._read().tasks[self.id].data["task"].get("assignee") or ""

    @property
    def answers(self) -> list[Answered]:
        record = self._read()
        model_step = record.tasks[self.id].step
        times = sum(entry.kind == "answered" and entry.step == model_step for entry in record.history)
        if not times:
            return []
        said = self.step.data["answer"]
        return [Answered(said["by"]["ref"], said["outcome"], said["comment"])] * times

    @property
    def ids(self) -> set[str]:
        return {key for key, verdict in self._read().answers.items() if verdict.taken}

    @property
    def remarks(self) -> list[str]:
        return [entry.comment for entry in self._read().history if entry.kind == "asked"]


class DemoSide(BaseSide):
    readable = False
    told_by, remarks = True, True
    commands = 0

    def __init__(self, world: World, wfpush: str, background: Background, folder: Path) -> None:
        self.world, self.wfpush, self._background = world, wfpush, background
        self._refused: list[Any] = []
        self._faults: list[Fault] = []
        self._leaving = asyncio.Event()
        self._listener: Callable[[str], None] | None = None
        self._store = Store(folder)
        self._store.open()
        for done in ("people-known", "seeded"):
            self._store.set_mark(done)
        at = "http://engine.example:8001"  # the name under which it may be called, too
        app = build(Settings(8001, at, wfpush, world.key, world.secret, folder), self._store)
        app.middlewares.append(self._line())
        self.engine = app[ENGINE]
        port = background.run(self._start(app))
        Engine.objects.update(callback_url=f"http://127.0.0.1:{port}/callback")
        self._send, self.engine.on_events = self.engine.on_events, lambda instance: None  # not before the story says so

    async def _start(self, app: web.Application) -> int:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port: int = self._runner.addresses[0][1]
        return port

    def stop(self) -> None:
        self._background.loop.call_soon_threadsafe(self._leaving.set)
        self._background.run(self._runner.cleanup())
        self._store.close()

    # --- the line -----------------------------------------------------------------------------------
    def _line(self) -> Middleware:
        """What becomes of a call beside what the engine makes of it."""

        @web.middleware
        async def line(request: web.Request, handler: Handler) -> web.StreamResponse:
            body = await request.read()
            task = json.loads(body).get("subject", "")
            if not task:  # a test of the connection
                return await handler(request)
            was_open = self._is_open(task)
            self.commands += 1
            fault = self._faults.pop(0) if self._faults else None
            if fault is not None and not fault.acts:
                return await broken(request, fault, self._leaving)
            response = await handler(request)
            if response.status in (400, 401, 422):
                self._refused.append((response.status, body))
            if self._listener is not None and was_open and not self._is_open(task):
                await asyncio.to_thread(self._listener, task)
            return response if fault is None else await broken(request, fault, self._leaving)

        return line

    def _is_open(self, task: str) -> bool:
        return self.engine.record(self.engine.instance_of(task)).tasks[task].state == "open"

    # --- what happens in the engine -----------------------------------------------------------------
    def assign(self, *people: str) -> InProcess:
        record = self._background.run(self.engine.start("invoice_approval", {"approvers": list(people)}))
        self._tell()
        return self._task(record)

    def somebody_completes(self, theirs: EngineTask, who: str) -> None:
        answer = Answer(theirs.id, "approve", person(who))
        taken = self._background.run(self.engine.change(theirs.id, lambda instance: instance.complete_here(answer)))
        assert taken.taken, taken

    def somebody_gives(self, theirs: EngineTask, to: str) -> None:
        to_them = self.engine.change(theirs.id, lambda instance: instance.reassign(theirs.id, person(to)))
        assert self._background.run(to_them).taken

    def word_comes(self) -> None:
        self._tell()

    def _tell(self) -> None:
        """It sends what it has to tell, and that is processed."""
        self._background.run(self._sends_all())
        self.world.run()

    async def _sends_all(self) -> None:
        for instance in self.engine.unsent():
            self._send(instance)
        await eventually(lambda: not self.engine.unsent(), "wfpush takes every event")

    def break_next(self, *faults: Fault) -> None:
        self._faults.extend(faults)

    def mend(self) -> None:
        self._faults.clear()

    def prepare(self, count: int) -> dict[str, InProcess]:
        async def start() -> list[InstanceRecord]:
            return [await self.engine.start("invoice_approval", {}) for _ in range(count)]

        return {task.id: task for task in map(self._task, self._background.run(start()))}

    def _task(self, record: InstanceRecord) -> InProcess:
        (task,) = record.open_tasks
        return InProcess(task.id, lambda: self.engine.record(record.id))

    def listen(self, listener: Callable[[str], None] | None) -> None:
        self._listener = listener

    def go_away(self) -> None:
        self._background.run(self._runner.cleanup())

    @property
    def refused(self) -> list[Any]:
        return self._refused


Side = RestSide | DemoSide
Theirs = InBook | InProcess
