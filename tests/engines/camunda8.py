"""Camunda 8 on loopback: the Orchestration Cluster's REST interface under /v2.

Commands see the truth; queries see what has been exported, which may lag behind as the test says.
"""

import copy
import json
import re
from typing import Any

from tests.engines.book import ENDED, Json, Task
from tests.engines.guards import Guard
from tests.engines.server import Answer, Asked, EngineServer, Route, Wrong, members

KEY = re.compile(r"-?[0-9]{1,25}")
STATES = {"open": "CREATED", "completed": "COMPLETED", "cancelled": "CANCELED"}
NOTHING = type(None)


class Camunda8Server(EngineServer):
    prefix = "/v2"

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)
        self.behind = 0
        """How many queries more are answered from what was exported last."""
        self._exported: tuple[dict[str, Task], dict[str, dict[str, Json]]] = ({}, {})

    # --- what lags ----------------------------------------------------------------------------------
    def lag(self, queries: int) -> None:
        """From now on, the next `queries` queries see things as they are at this instant."""
        self._exported = copy.deepcopy((self.book.tasks, self.book.variables))
        self.behind = queries

    def _seen(self) -> tuple[dict[str, Task], dict[str, dict[str, Json]]]:
        if self.behind:
            self.behind -= 1
            return self._exported
        return self.book.tasks, self.book.variables

    # --- commands -----------------------------------------------------------------------------------
    def complete(self, asked: Asked) -> Answer:
        said = asked.body(variables=(dict, NOTHING), action=(str, NOTHING)) if asked.said is not None else {}
        task = self._known(asked, "complete")
        values = said.get("variables") or {}
        sent = {name: {"value": json.dumps(value)} for name, value in values.items()}
        self.book.complete(task, asked.who, values, said.get("action") or "complete", sent)
        return Answer(204)

    def assign(self, asked: Asked) -> Answer:
        said = asked.body(assignee=str, allowOverride=(bool, NOTHING), action=(str, NOTHING))
        if not said.get("assignee"):
            raise Wrong(400, "No assignee provided", "INVALID_ARGUMENT")
        task = self._known(asked, "assign")
        if task.assignee and said.get("allowOverride") is False:
            raise self._rejected(
                "assign", task.id, "INVALID_STATE", f"but it has already been assigned to {task.assignee}"
            )
        task.assignee = said["assignee"]
        return Answer(204)

    def unassign(self, asked: Asked) -> Answer:
        self._known(asked, "unassign").assignee = None
        return Answer(204)

    def update(self, asked: Asked) -> Answer:
        said = asked.body(changeset=(dict, NOTHING), action=(str, NOTHING))
        task = self._known(asked, "update")
        priority = (said.get("changeset") or {}).get("priority", task.priority)
        if type(priority) is not int or not 0 <= priority <= 100:
            raise Wrong(400, "Expected priority to be between 0 and 100", "INVALID_ARGUMENT")
        task.priority = priority
        return Answer(204)

    def _known(self, asked: Asked, verb: str) -> Task:
        _check_key(asked)
        task = self.task(asked.task)
        if task is None:
            raise self._rejected(verb, asked.task, "NOT_FOUND", "but no such user task was found")
        if task.busy:
            raise self._rejected(verb, task.id, "INVALID_STATE", f"but it is in state '{task.busy}'")
        return task

    def _rejected(self, verb: str, key: str, code: str, why: str) -> Wrong:
        words = f"Command '{verb.upper()}' rejected with code '{code}': Expected to {verb} user task with key '{key}', "
        return Wrong(404 if code == "NOT_FOUND" else 409, words + why, code)

    # --- queries ------------------------------------------------------------------------------------
    def read(self, asked: Asked) -> Answer:
        _check_key(asked)
        task = self._seen()[0].get(asked.task)
        if task is None:
            raise Wrong(404, f"User Task with key '{asked.task}' not found", "NOT_FOUND")
        return Answer(200, task_json(task))

    def search(self, asked: Asked) -> Answer:
        asked.body(filter=dict, page=dict, sort=list) if asked.said is not None else {}
        return Answer(200, _page([task_json(task) for task in self._seen()[0].values()]))

    def variables(self, asked: Asked) -> Answer:
        _check_key(asked)
        said = asked.body(filter=dict, page=dict, sort=list) if asked.said is not None else {}
        wanted = members(said.get("filter", {}), name=(str, dict)).get("name")
        tasks, variables = self._seen()
        task = tasks.get(asked.task)
        if task is None:
            raise Wrong(404, f"User Task with key '{asked.task}' not found", "NOT_FOUND")
        rows = [
            {"name": name, "value": each["value"], "isTruncated": False, "processInstanceKey": task.process}
            for name, each in (self._of(task) | variables.get(task.process, {})).items()
            if wanted in (None, name)
        ]
        return Answer(200, _page(rows))

    @staticmethod
    def _of(task: Task) -> dict[str, Json]:
        return {name: {"value": json.dumps(value)} for name, value in task.variables.items()}

    def form(self, asked: Asked) -> Answer:
        _check_key(asked)
        task = self._seen()[0].get(asked.task)
        if task is None:
            raise Wrong(404, f"User Task with key '{asked.task}' not found", "NOT_FOUND")
        if task.form is None:
            return Answer(204)
        return Answer(200, {"formKey": "22517998", "formId": "approve-order", "version": 1, "schema": task.form})

    # --- words (RFC 9457) ---------------------------------------------------------------------------
    def error(self, wrong: Wrong) -> Answer:
        title = wrong.type or {400: "Bad Request", 415: "Unsupported Media Type"}.get(wrong.status, "INTERNAL")
        return _problem(wrong.status, title, wrong.message)

    def unauthorised(self) -> Answer:
        return _problem(401, "Unauthorized", "An Authentication object was not found in the SecurityContext")

    def no_such_path(self, path: str) -> Answer:
        return _problem(404, "Not Found", f"No static resource {path.lstrip('/')}.")

    routes = (
        Route("POST", "/user-tasks/search", "query", search),
        Route("POST", "/user-tasks/{task}/completion", "command", complete),
        Route("POST", "/user-tasks/{task}/assignment", "command", assign),
        Route("DELETE", "/user-tasks/{task}/assignee", "command", unassign),
        Route("PATCH", "/user-tasks/{task}", "command", update),
        Route("GET", "/user-tasks/{task}", "query", read),
        Route("GET", "/user-tasks/{task}/form", "query", form),
        Route("POST", "/user-tasks/{task}/variables/search", "query", variables),
    )


def task_json(task: Task) -> Json:
    return {
        "userTaskKey": task.id,
        "name": task.name,
        "state": task.busy or STATES[task.state],
        "assignee": task.assignee,
        "elementId": "approve",
        "candidateGroups": [],
        "candidateUsers": [],
        "creationDate": task.created,
        "dueDate": task.due,
        "completionDate": None if task.is_open else ENDED,
        "priority": task.priority,
        "formKey": None if task.form is None else "22517998",
        "processInstanceKey": task.process,
    }


def _check_key(asked: Asked) -> None:
    if not KEY.fullmatch(asked.task):
        raise Wrong(400, f"Failed to convert 'userTaskKey' with value: '{asked.task}'")


def _page(rows: list[Any]) -> Json:
    return {"items": rows, "page": {"totalItems": len(rows), "hasMoreTotalItems": False}}


def _problem(status: int, title: str, detail: str) -> Answer:
    said = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": "/v2"}
    return Answer(status, said, "application/problem+json")
