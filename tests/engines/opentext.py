"""OpenText Workflow Service on loopback: workflow/v1, which derives from Flowable.

What no document says is as in Flowable: actions get 200 and no body. Nothing tells of ended tasks.
"""

from typing import Any

from tests.engines.book import Json, Task
from tests.engines.flowable import FlowableServer, check_value, shown
from tests.engines.guards import Guard
from tests.engines.server import Answer, Asked, Route, Wrong, members

FILTERS = ("sort", "order", "name", "candidateOrAssigned", "includeProcessVariables", "offset", "count", "assignee")


class OpenTextServer(FlowableServer):
    prefix = "/workflow/v1"

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)
        self.reads_at = "/tasks"
        """Under which one task is read, and changed: no document says so, or not for certain."""

    def act(self, asked: Asked) -> Answer:
        asked.body(action=str, assignee=str, outcome=str, variables=list)
        return super().act(asked)

    def read_variable(self, variable: Any) -> tuple[str, Any]:
        if not isinstance(variable, dict) or variable.keys() != {"name", "value"}:
            raise Wrong(400, "Bad request", "A variable is its name and value, and nothing else")
        check_value(variable["name"], None, variable["value"])
        return variable["name"], variable["value"]

    def _at(self, path: str) -> None:
        if self.reads_at != path:
            raise (
                Wrong(405, "Method not allowed") if path == "/tasks" else Wrong(404, "Not found", "No static resource")
            )

    def update(self, asked: Asked) -> Answer:
        self._at("/tasks")
        return self._change(asked)

    def update_elsewhere(self, asked: Asked) -> Answer:
        self._at("/runtime/tasks")
        return self._change(asked)

    def _change(self, asked: Asked) -> Answer:
        asked.body(assignee=(str, type(None)), owner=str, name=str, description=str, dueDate=str, priority=int)
        return super().update(asked)

    def read(self, asked: Asked) -> Answer:
        self._at("/tasks")
        return super().read(asked)

    def read_elsewhere(self, asked: Asked) -> Answer:
        self._at("/runtime/tasks")
        return super().read(asked)

    def task_json(self, task: Task) -> Json:
        shown_members = ("id", "assignee", "owner", "delegationState", "name", "createTime", "dueDate")
        row = super().task_json(task)
        return {**{name: row[name] for name in shown_members}, "variables": shown(task)}

    def listed(self, asked: Asked) -> Answer:
        members(asked.query, **dict.fromkeys(FILTERS, str))
        rows = [self.task_json(task) for task in self.book.tasks.values() if task.is_open]
        offset, count = int(asked.query.get("offset", "0")), int(asked.query.get("count", "20"))
        page: Json = {"page": {"totalElements": len(rows)}}
        shown = rows[offset : offset + count]
        return Answer(200, {**page, "_embedded": {"tasks": shown}} if shown else page)

    # --- words --------------------------------------------------------------------------------------
    def error(self, wrong: Wrong) -> Answer:
        if wrong.status == 405:  # of the server before the engine, in words of its own
            return Answer(405, {"status": 405, "error": wrong.message})
        return super().error(wrong)

    def unauthorised(self) -> Answer:
        return Answer(401, {"message": "Unauthorized", "exception": "The token is not valid"})

    routes = (
        Route("GET", "/tasks", "query", listed),
        Route("GET", "/tasks/{task}", "query", read),
        Route("GET", "/runtime/tasks/{task}", "query", read_elsewhere),
        Route("POST", "/tasks/{task}", "command", act),
        Route("PUT", "/tasks/{task}", "command", update),
        Route("PUT", "/runtime/tasks/{task}", "command", update_elsewhere),
    )
