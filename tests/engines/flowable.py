"""Flowable on loopback: its REST interface under /flowable-rest/service."""

from datetime import datetime
from typing import Any

from tests.engines.book import CREATED, ENDED, Json, Task
from tests.engines.guards import Guard
from tests.engines.server import Answer, Asked, EngineServer, Route, Wrong, members

INTEGERS = {"short": 2**15, "integer": 2**31, "long": 2**63}


class FlowableServer(EngineServer):
    prefix = "/flowable-rest/service"

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)
        self.keeps_history = True
        self.says_why = True
        """Whether a 500 has its message; newer versions keep it to themselves."""

    # --- tasks --------------------------------------------------------------------------------------
    def act(self, asked: Asked) -> Answer:
        said = asked.body(action=str, assignee=str, outcome=str, formDefinitionId=str, variables=list)
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
            case "unclaim":
                task.assignee = None
            case "delegate" if said.get("assignee"):
                self.book.delegate(task, said["assignee"])
            case "resolve":
                self.book.resolve(task)
            case other:
                raise Wrong(400, "Bad request", f"Invalid action: '{other}'.")
        return Answer(200)

    def _complete(self, task: Task, who: str, said: Json) -> None:
        values, sent = {}, {}
        for variable in said.get("variables", []):
            name, value = self.read_variable(variable)
            values[name], sent[name] = value, variable
        if task.delegation == "pending":
            raise Wrong(500, "A delegated task cannot be completed, but should be resolved instead.")
        self.book.complete(task, who, values, said.get("outcome", ""), sent)

    def update(self, asked: Asked) -> Answer:
        text = (str, type(None))
        said = asked.body(owner=text, assignee=text, name=text, description=text, dueDate=text, priority=int)
        task = self._known(asked)
        if "assignee" in said:
            task.assignee = said["assignee"]
        return Answer(200, self.task_json(task))

    def read(self, asked: Asked) -> Answer:
        return Answer(200, self.task_json(self._known(asked)))

    def variables(self, asked: Asked) -> Answer:
        members(asked.query, scope=str)
        return Answer(200, [{**each, "scope": "global"} for each in shown(self._known(asked))])

    def listed(self, asked: Asked) -> Answer:
        rows = [self.task_json(task) for task in self.book.tasks.values() if task.is_open]
        size = int(asked.query.get("size", "10"))
        return Answer(
            200, {"data": rows[:size], "total": len(rows), "start": 0, "sort": "id", "size": len(rows[:size])}
        )

    def _known(self, asked: Asked) -> Task:
        task = self.task(asked.task)
        if task is None:
            raise Wrong(404, "Not found", f"Could not find a task with id '{asked.task}'.")
        return task

    def task_json(self, task: Task) -> Json:
        return {
            "id": task.id,
            "url": f"http://flowable/runtime/tasks/{task.id}",
            "owner": task.owner,
            "assignee": task.assignee,
            "delegationState": task.delegation or None,
            "name": task.name,
            "createTime": task.created,
            "dueDate": task.due,
            "priority": task.priority,
            "suspended": False,
            "formKey": "approve-order" if task.form is not None else None,
            "processInstanceId": task.process,
            "variables": [],
        }

    def read_variable(self, variable: Any) -> tuple[str, Any]:
        """Name and value of a REST variable. Raises Wrong."""
        if not isinstance(variable, dict) or not {"name", "type", "value", "scope"} >= variable.keys():
            raise Wrong(400, "Bad request", "A variable has members that are unknown")
        name, value = variable.get("name"), variable.get("value")
        if not isinstance(name, str) or variable.get("scope", "global") not in ("global", "local"):
            raise Wrong(400, "Bad request", "Variable name is required")
        check_value(name, variable.get("type"), value)
        return name, value

    # --- comments -----------------------------------------------------------------------------------
    def comment(self, asked: Asked) -> Answer:
        said = asked.body(message=str, saveProcessInstanceId=bool)
        if not said.get("message"):
            raise Wrong(400, "Bad request", "Comment text is required.")
        task = self._known(asked)
        task.comments.append(said["message"])
        return Answer(201, {"id": "1", "author": asked.who, "message": said["message"], "taskId": task.id})

    def comments(self, asked: Asked) -> Answer:
        task = self._known(asked)
        return Answer(200, [{"id": str(n), "message": text} for n, text in enumerate(task.comments)])

    # --- history ------------------------------------------------------------------------------------
    def historic(self, asked: Asked) -> Answer:
        task = self.book.tasks.get(asked.task)
        if task is None or not self.keeps_history:
            raise Wrong(404, "Not found", f"Could not find a task instance with id '{asked.task}'.")
        said = {"id": task.id, "assignee": task.assignee, "owner": task.owner, "processInstanceId": task.process}
        ended = None if task.is_open else ENDED
        reason = "MANUAL" if task.state == "cancelled" else None
        return Answer(200, {**said, "startTime": CREATED, "endTime": ended, "deleteReason": reason, "variables": []})

    def historic_variables(self, asked: Asked) -> Answer:
        members(asked.query, processInstanceId=str, taskId=str, variableName=str, size=str, start=str)
        process, name = asked.query.get("processInstanceId"), asked.query.get("variableName")
        found = [
            {"id": each, "processInstanceId": of, "taskId": None, "variable": {**variable, "scope": "global"}}
            for of, variables in self.book.variables.items()
            for each, variable in variables.items()
            if self.keeps_history and process in (None, of) and name in (None, each)
        ]
        size = int(asked.query.get("size", "10"))
        return Answer(200, {"data": found[:size], "total": len(found), "start": 0, "size": len(found[:size])})

    # --- words --------------------------------------------------------------------------------------
    def error(self, wrong: Wrong) -> Answer:
        if wrong.status == 500:
            told = wrong.message if self.says_why else None
            return Answer(500, {"message": "Internal server error", "exception": told})
        return Answer(wrong.status, {"message": wrong.message, "exception": wrong.type or wrong.message})

    def form(self, asked: Asked) -> Answer:
        task = self._known(asked)
        if task.form is None:
            raise Wrong(400, "Task has no form defined")
        return Answer(200, task.form)

    def unauthorised(self) -> Answer:
        return Answer(401)

    def no_such_path(self, path: str) -> Answer:
        said = {"timestamp": CREATED, "status": 404, "error": "Not Found", "path": path}
        return Answer(404, said)

    routes = (
        Route("GET", "/runtime/tasks", "query", listed),
        Route("GET", "/runtime/tasks/{task}", "query", read),
        Route("POST", "/runtime/tasks/{task}", "command", act),
        Route("PUT", "/runtime/tasks/{task}", "command", update),
        Route("GET", "/runtime/tasks/{task}/form", "query", form),
        Route("GET", "/runtime/tasks/{task}/variables", "query", variables),
        Route("GET", "/runtime/tasks/{task}/comments", "query", comments),
        Route("POST", "/runtime/tasks/{task}/comments", "comment", comment),
        Route("GET", "/history/historic-task-instances/{task}", "query", historic),
        Route("GET", "/history/historic-variable-instances", "query", historic_variables),
    )


def shown(task: Task) -> list[Json]:
    """Its process's variables, as the engine shows them."""
    names = {bool: "boolean", int: "integer", float: "double", str: "string"}
    return [{"name": name, "type": names[type(value)], "value": value} for name, value in task.variables.items()]


def check_value(name: str, type: Any, value: Any) -> None:
    if value is None:
        fits = type in (None, "string", "boolean", "double", "date", "json", *INTEGERS)
    elif type is None:
        fits = isinstance(value, str | bool | float) or _is_integer(value, 2**31)
    elif type in INTEGERS:
        fits = _is_integer(value, INTEGERS[type])
    elif type == "date":
        fits = isinstance(value, str) and _is_moment(value)
    elif type == "double":
        fits = isinstance(value, float | int) and not isinstance(value, bool)
    else:
        fits = type == "json" or isinstance(value, {"string": str, "boolean": bool}.get(type, ()))
    if not fits:
        raise Wrong(400, "Bad request", f"Variable '{name}' has unsupported type or value: '{type}'.")


def _is_integer(value: Any, limit: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit


def _is_moment(text: str) -> bool:
    """ISO 8601: a day, or an instant with its zone."""
    try:
        return len(text) == 10 or datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
