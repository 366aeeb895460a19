"""OpenText Workflow Service on loopback: workflow/v1, which derives from Flowable.

What no document says is as in Flowable: actions get 200 and no body. Nothing tells of ended tasks.
"""

from typing import Any

from tests.engines.book import CREATED, Json, Task
from tests.engines.flowable import check_value, shown
from tests.engines.guards import Guard
from tests.engines.server import Answer, Asked, EngineServer, Route, Wrong, members

FILTERS = ("sort", "order", "name", "candidateOrAssigned", "includeProcessVariables", "offset", "count", "assignee")


class OpenTextServer(EngineServer):
    prefix = "/workflow/v1"

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)
        self.reads_at = "/tasks"
        """Under which one task is read, and changed: no document says so, or not for certain."""

    def act(self, asked: Asked) -> Answer:
        said = asked.body(action=str, assignee=str, outcome=str, variables=list)
        task = self._known(asked)
        match said.get("action"):
            case "complete":
                self._complete(task, asked.who, said)
            case "claim":
                if task.assignee not in (None, said.get("assignee")):
                    raise Wrong(
                        409, "Task was already claimed", f"Task '{task.id}' is already claimed by someone else."
                    )
                task.assignee = said.get("assignee")
            case "delegate" if said.get("assignee"):
                self.book.delegate(task, said["assignee"])
            case "resolve":
                self.book.resolve(task)
            case other:
                raise Wrong(400, "Bad request", f"Invalid action: '{other}'.")
        return Answer(200)

    def _complete(self, task: Task, who: str, said: Json) -> None:
        values: Json = {}
        for variable in said.get("variables", []):
            if not isinstance(variable, dict) or variable.keys() != {"name", "value"}:
                raise Wrong(400, "Bad request", "A variable is its name and value, and nothing else")
            check_value(variable["name"], None, variable["value"])
            values[variable["name"]] = variable["value"]
        if task.delegation == "pending":
            raise Wrong(500, "A delegated task cannot be completed, but should be resolved instead.")
        self.book.complete(task, who, values, said.get("outcome", ""))

    def update(self, asked: Asked) -> Answer:
        if self.reads_at != "/tasks":
            raise Wrong(405, "Method not allowed")
        return self._change(asked)

    def update_elsewhere(self, asked: Asked) -> Answer:
        if self.reads_at != "/runtime/tasks":
            raise Wrong(404, "Not found", "No static resource")
        return self._change(asked)

    def _change(self, asked: Asked) -> Answer:
        said = asked.body(assignee=(str, type(None)), owner=str, name=str, description=str, dueDate=str, priority=int)
        task = self._known(asked)
        if "assignee" in said:
            task.assignee = said["assignee"]
        return Answer(200, task_json(task))

    def read(self, asked: Asked) -> Answer:
        if self.reads_at != "/tasks":
            raise Wrong(405, "Method not allowed")
        return Answer(200, task_json(self._known(asked)))

    def read_elsewhere(self, asked: Asked) -> Answer:
        if self.reads_at != "/runtime/tasks":
            raise Wrong(404, "Not found", "No static resource")
        return Answer(200, task_json(self._known(asked)))

    def listed(self, asked: Asked) -> Answer:
        members(asked.query, **dict.fromkeys(FILTERS, str))
        rows = [task_json(task) for task in self.book.tasks.values() if task.is_open]
        offset, count = int(asked.query.get("offset", "0")), int(asked.query.get("count", "20"))
        page: Json = {"page": {"totalElements": len(rows)}}
        shown = rows[offset : offset + count]
        return Answer(200, {**page, "_embedded": {"tasks": shown}} if shown else page)

    def _known(self, asked: Asked) -> Task:
        task = self.task(asked.task)
        if task is None:
            raise Wrong(404, "Not found", f"Could not find a task with id '{asked.task}'.")
        return task

    # --- words --------------------------------------------------------------------------------------
    def error(self, wrong: Wrong) -> Answer:
        if wrong.status == 405:  # of the server before the engine, in words of its own
            return Answer(405, {"status": 405, "error": wrong.message})
        return Answer(wrong.status, {"message": wrong.message, "exception": wrong.type or wrong.message})

    def unauthorised(self) -> Answer:
        return Answer(401, {"message": "Unauthorized", "exception": "The token is not valid"})

    def no_such_path(self, path: str) -> Answer:
        return Answer(404, {"timestamp": CREATED, "status": 404, "error": "Not Found", "path": path})

    routes = (
        Route("GET", "/tasks", "query", listed),
        Route("GET", "/tasks/{task}", "query", read),
        Route("GET", "/runtime/tasks/{task}", "query", read_elsewhere),
        Route("POST", "/tasks/{task}", "command", act),
        Route("PUT", "/tasks/{task}", "command", update),
        Route("PUT", "/runtime/tasks/{task}", "command", update_elsewhere),
    )


def task_json(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "assignee": task.assignee,
        "owner": task.owner,
        "delegationState": task.delegation or None,
        "name": task.name,
        "createTime": CREATED,
        "dueDate": None,
        "variables": shown(task),
    }
