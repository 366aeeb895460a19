"""Camunda 7 on loopback: its REST interface under /engine-rest."""

import json
import re
from typing import Any

from tests.engines.book import CREATED, ENDED, Json, Task
from tests.engines.guards import Guard
from tests.engines.server import Answer, Asked, EngineServer, Route, Wrong, members

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")
INTEGERS = {"Short": 2**15, "Integer": 2**31, "Long": 2**63}


class Camunda7Server(EngineServer):
    prefix = "/engine-rest"

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)
        self.keeps_history = True

    # --- commands -----------------------------------------------------------------------------------
    def complete(self, asked: Asked) -> Answer:
        said = asked.body(variables=dict, withVariablesInReturn=bool)
        values = {name: read_value(name, each) for name, each in said.get("variables", {}).items()}
        task = self._known(asked, f"Cannot complete task {asked.task}: Cannot find task with id {asked.task}")
        if task.delegation == "pending":
            raise Wrong(500, f"A delegated task cannot be completed, but should be resolved instead: {task.id}")
        self.book.complete(task, asked.who, values, sent=said.get("variables", {}))
        return Answer(200, said.get("variables", {})) if said.get("withVariablesInReturn") else Answer(204)

    def submit_form(self, asked: Asked) -> Answer:
        task = self._known(asked, f"Cannot submit task form {asked.task}: Cannot find task with id {asked.task}")
        if task.delegation != "pending":
            return self.complete(asked)
        self.book.resolve(task)
        return Answer(204)

    def claim(self, asked: Asked) -> Answer:
        user, task = asked.body(userId=str)["userId"], self._known(asked, f"Cannot find task with id {asked.task}")
        if task.assignee not in (None, user):
            raise Wrong(500, f"Task '{task.id}' is already claimed by someone else.", "TaskAlreadyClaimedException")
        task.assignee = user
        return Answer(204)

    def assign(self, asked: Asked) -> Answer:
        task = self._known(asked, f"Cannot find task with id {asked.task}")
        task.assignee = asked.body(userId=(str, type(None)))["userId"]
        return Answer(204)

    def delegate(self, asked: Asked) -> Answer:
        task = self._known(asked, f"Cannot find task with id {asked.task}")
        self.book.delegate(task, asked.body(userId=str)["userId"])
        return Answer(204)

    def resolve(self, asked: Asked) -> Answer:
        asked.body(variables=dict)
        self.book.resolve(self._known(asked, f"Cannot find task with id {asked.task}"))
        return Answer(204)

    def _known(self, asked: Asked, words: str) -> Task:
        task = self.task(asked.task)
        if task is None:
            raise Wrong(500, f"{words}: task is null", "NullValueException")
        return task

    # --- comments, which tasks that are over keep, too ----------------------------------------------
    def comment(self, asked: Asked) -> Answer:
        said = asked.body(message=str, processInstanceId=(str, type(None)))
        if not self.keeps_history:
            raise Wrong(403, "History is not enabled", "InvalidRequestException")
        task = self.book.tasks.get(asked.task)
        if task is None or not said.get("message"):
            raise Wrong(400, f"No task found for task id {asked.task}", "InvalidRequestException")
        task.comments.append(said["message"])
        return Answer(200, {"id": "c1", "taskId": task.id, "userId": asked.who, "message": said["message"]})

    def comments(self, asked: Asked) -> Answer:
        if not self.keeps_history:
            return Answer(200, [])
        task = self.book.tasks.get(asked.task)
        if task is None:
            raise Wrong(404, f"No task found for task id {asked.task}", "InvalidRequestException")
        return Answer(200, [{"id": f"c{n}", "message": text} for n, text in enumerate(task.comments)])

    # --- queries ------------------------------------------------------------------------------------
    def read(self, asked: Asked) -> Answer:
        task = self.task(asked.task)
        if task is None:
            raise Wrong(404, f"No matching task with id {asked.task}", "InvalidRequestException")
        return Answer(200, task_json(task))

    def variables(self, asked: Asked) -> Answer:
        members(asked.query, deserializeValues=str)
        task = self._known(asked, f"Cannot find task with id {asked.task}")
        return Answer(200, {name: {**typed(value), "valueInfo": {}} for name, value in task.variables.items()})

    def count(self, asked: Asked) -> Answer:
        return Answer(200, {"count": sum(task.is_open for task in self.book.tasks.values())})

    def historic_tasks(self, asked: Asked) -> Answer:
        members(asked.query, taskId=str)
        task = self.book.tasks.get(asked.query.get("taskId", ""))
        if task is None or not self.keeps_history:
            return Answer(200, [])
        reason = {"open": None, "completed": "completed", "cancelled": "deleted"}[task.state]
        said = {"id": task.id, "processInstanceId": task.process, "assignee": task.assignee, "owner": task.owner}
        times = {"startTime": CREATED, "endTime": None if task.is_open else ENDED}
        return Answer(200, [{**said, **times, "deleteReason": reason, "taskState": None}])

    def historic_variables(self, asked: Asked) -> Answer:
        members(asked.query, processInstanceId=str, variableName=str, taskIdIn=str, deserializeValues=str)
        process, name = asked.query.get("processInstanceId"), asked.query.get("variableName")
        found = [
            {"name": each, "processInstanceId": of, "taskId": None, "state": "CREATED", **variable}
            for of, variables in self.book.variables.items()
            for each, variable in variables.items()
            if self.keeps_history and process in (None, of) and name in (None, each)
        ]
        return Answer(200, found)

    # --- words --------------------------------------------------------------------------------------
    def error(self, wrong: Wrong) -> Answer:
        return Answer(
            wrong.status, {"type": wrong.type or "InvalidRequestException", "message": wrong.message, "code": None}
        )

    def unauthorised(self) -> Answer:
        return Answer(401)

    def no_such_path(self, path: str) -> Answer:
        return Answer(404, {"type": "NotFoundException", "message": "HTTP 404 Not Found"})

    def form(self, asked: Asked) -> Answer:
        task = self.task(asked.task)
        if task is None or task.form is None:
            raise Wrong(404, "No deployed form for a given task exists")
        return Answer(200, task.form)

    routes = (
        Route("GET", "/task/count", "query", count),
        Route("GET", "/task/{task}", "query", read),
        Route("POST", "/task/{task}/complete", "command", complete),
        Route("POST", "/task/{task}/submit-form", "command", submit_form),
        Route("POST", "/task/{task}/claim", "command", claim),
        Route("POST", "/task/{task}/assignee", "command", assign),
        Route("POST", "/task/{task}/delegate", "command", delegate),
        Route("POST", "/task/{task}/resolve", "command", resolve),
        Route("GET", "/task/{task}/deployed-form", "query", form),
        Route("GET", "/task/{task}/variables", "query", variables),
        Route("GET", "/task/{task}/comment", "query", comments),
        Route("POST", "/task/{task}/comment/create", "comment", comment),
        Route("GET", "/history/task", "query", historic_tasks),
        Route("GET", "/history/variable-instance", "query", historic_variables),
    )


def task_json(task: Task) -> Json:
    return {
        "id": task.id,
        "name": task.name,
        "assignee": task.assignee,
        "owner": task.owner,
        "created": task.created,
        "due": task.due,
        "delegationState": task.delegation.upper() or None,
        "priority": task.priority,
        "processInstanceId": task.process,
        "suspended": False,
        "camundaFormRef": None if task.form is None else {"key": "approve-order", "binding": "latest", "version": None},
    }


def typed(value: Any) -> Json:
    """A variable as the engine shows it; a moment of a day is one of its dates."""
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return {"type": "Date", "value": value}
    names = {bool: "Boolean", int: "Integer", float: "Double", str: "String"}
    return {"type": names[type(value)], "value": value}


def read_value(name: str, said: Any) -> Any:
    """The value of a typed variable as processes see it. Raises Wrong."""
    if not isinstance(said, dict) or not {"value", "type", "valueInfo"} >= said.keys():
        raise Wrong(400, f"Variable '{name}' has members that are unknown")
    type, value = said.get("type"), said.get("value")
    limit = INTEGERS.get(type or "")
    if type == "Json" and isinstance(value, str):
        return json.loads(value)
    if limit is not None:
        fits = value is None or (isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit)
    elif type == "Date":
        fits = value is None or (isinstance(value, str) and MOMENT.fullmatch(value) is not None)
    else:
        wanted = {"String": str, "Boolean": bool, "Double": float | int, "Null": ()}
        fits = type in wanted and (value is None or isinstance(value, wanted[type]))
    if not fits:
        raise Wrong(400, f"Cannot convert value '{value}' of type '{type}' to java type")
    return value
