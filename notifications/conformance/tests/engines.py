"""The engines of tests/engines/, with the rest of what the kit uses: deploying, starting, listing and deleting."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from notifications.conformance.tests.models import Processes
from tests.engines.book import Json, Task
from tests.engines.camunda7 import Camunda7Server, read_value
from tests.engines.camunda7 import task_json as camunda7_json
from tests.engines.camunda8 import Camunda8Server
from tests.engines.camunda8 import task_json as camunda8_json
from tests.engines.flowable import FlowableServer
from tests.engines.guards import SECRET, SERVICE, Guard
from tests.engines.opentext import OpenTextServer
from tests.engines.server import Answer, Asked, EngineServer, Route, Wrong

LIMITED, LIMITED_SECRET = "wfpush-reader", "r3ad-only-secret"


@dataclass(frozen=True)
class Request:
    """`line`: such as `POST /task/1/complete`. `act`: does what an engine without deviations does."""

    server: "Runs"
    line: str
    body: Any
    act: Callable[[], Answer]


Twist = Callable[[Request], Answer]
"""A deviation."""


class Accounts:
    """Lets two accounts in, of which one may not complete tasks."""

    def who(self, headers: Mapping[str, str]) -> str | None:
        for name, secret in ((SERVICE, SECRET), (LIMITED, LIMITED_SECRET)):
            pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
            if headers.get("Authorization") == f"Basic {pair}":
                return name
        return None


class Runs(EngineServer):
    """An engine that runs processes. `twist` changes what it does."""

    book: Processes

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)
        self.book = Processes()
        self.twist: Twist | None = None

    def _answer(self, request: web.BaseRequest, route: Route | None, task: str, query: str, body: bytes) -> Answer:
        is_form = request.headers.get("Content-Type", "").startswith("multipart/form-data; boundary=")
        act = partial(self._deploy, request, body) if is_form else partial(self._act, request, route, task, query, body)
        if self.twist is None:
            return act()
        document = None if is_form or not body else json.loads(body)
        return self.twist(Request(self, f"{request.method} {request.raw_path}", document, act))

    def _act(self, request: web.BaseRequest, route: Route | None, task: str, query: str, body: bytes) -> Answer:
        if route is not None and route.role == "command" and self.guard.who(request.headers) == LIMITED:
            return self.error(Wrong(403, "The account may not do this", "AuthorizationException"))
        return super()._answer(request, route, task, query, body)

    def _deploy(self, request: web.BaseRequest, body: bytes) -> Answer:
        if self.guard.who(request.headers) != SERVICE:
            return self.unauthorised()
        (xml,) = re.findall(r"\r\n\r\n(<\?xml.*?)\r\n--", body.decode(), re.S)
        return self.deployed(self.book.deploy(xml).id)

    def deployed(self, id: str) -> Answer:
        return Answer(200, {"id": id})

    def listed_tasks(self, *, after: str | None = None, process: str | None = None, most: int = 10) -> list[Task]:
        tasks = [task for task in self.book.tasks.values() if task.is_open and process in (None, task.process)]
        if after is not None:
            tasks = [task for task in tasks if _instant(task.created) > _instant(after)]
        return sorted(tasks, key=lambda task: _instant(task.created))[:most]

    def polled(self, asked: Asked, size: str, most: str) -> list[Task]:
        """Return the tasks that a query asks for. `size`: the parameter with how many; by default `most`."""
        query = asked.query
        return self.listed_tasks(
            after=query.get("createdAfter"), process=query.get("processInstanceId"), most=int(query.get(size, most))
        )

    def definition_rows(self, asked: Asked) -> list[Json]:
        models = self.book.of_key(asked.query["key"])
        return [{"id": f"{model.key}:1", "key": model.key, "deploymentId": model.id} for model in models]

    def starters(self, asked: Asked) -> list[Json]:
        ids = asked.body(processInstanceIds=list)["processInstanceIds"]
        return [{"id": id, "startUserId": self.book.running[id].starter} for id in ids]

    def links(self, task: Task) -> Iterable[tuple[str | None, str | None]]:
        users, groups = self.book.candidates(task)
        return [*((user, None) for user in users), *((None, group) for group in groups)]

    def delete_process(self, asked: Asked) -> Answer:
        if asked.task not in self.book.running:
            raise Wrong(404, f"No process instance with id {asked.task}")
        self.book.end(asked.task)
        return Answer(204)

    def delete_deployment(self, asked: Asked) -> Answer:
        if asked.task not in self.book.models:
            raise Wrong(404, f"No deployment with id {asked.task}")
        assert asked.query == {"cascade": "true"}
        self.book.remove(self.book.models[asked.task])
        return Answer(204)


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# --- Camunda 7 --------------------------------------------------------------------------------------------------------
class Camunda7(Runs, Camunda7Server):
    def definitions(self, asked: Asked) -> Answer:
        return Answer(200, self.definition_rows(asked))

    def start_process(self, asked: Asked) -> Answer:
        sent = asked.body(variables=dict)["variables"]
        values = {name: read_value(name, each) for name, each in sent.items()}
        return Answer(200, {"id": self.book.start(asked.task, values, sent, asked.who)})

    def listed(self, asked: Asked) -> Answer:
        return Answer(200, [camunda7_json(task) for task in self.polled(asked, "maxResults", "1000")])

    def identity_links(self, asked: Asked) -> Answer:
        task = self._known(asked, "Cannot find task")
        return Answer(200, [{"userId": u, "groupId": g, "type": "candidate"} for u, g in self.links(task)])

    def historic_processes(self, asked: Asked) -> Answer:
        return Answer(200, self.starters(asked))

    def typed_variables(self, asked: Asked) -> Answer:
        return Answer(200, self.book.variables[self._known(asked, "Cannot find task").process])

    routes = (
        Route("GET", "/task", "query", listed),
        Route("GET", "/task/{task}/variables", "query", typed_variables),
        Route("GET", "/task/{task}/identity-links", "query", identity_links),
        Route("GET", "/process-definition", "query", definitions),
        Route("POST", "/process-definition/key/{task}/start", "query", start_process),
        Route("POST", "/history/process-instance", "query", historic_processes),
        Route("DELETE", "/process-instance/{task}", "query", Runs.delete_process),
        Route("DELETE", "/deployment/{task}", "query", Runs.delete_deployment),
        *Camunda7Server.routes,
    )


# --- Flowable ---------------------------------------------------------------------------------------------------------
class Flowable(Runs, FlowableServer):
    def deployed(self, id: str) -> Answer:
        return Answer(201, {"id": id})

    def definitions(self, asked: Asked) -> Answer:
        rows = self.definition_rows(asked)
        return Answer(200, {"data": rows, "total": len(rows)})

    def start_process(self, asked: Asked) -> Answer:
        said = asked.body(processDefinitionKey=str, variables=list)
        values = dict(self.read_variable(each) for each in said["variables"])
        sent = {each["name"]: each for each in said["variables"]}
        return Answer(201, {"id": self.book.start(said["processDefinitionKey"], values, sent, asked.who)})

    def listed(self, asked: Asked) -> Answer:
        rows = [self.task_json(task) for task in self.polled(asked, "size", "10")]
        return Answer(200, {"data": rows, "total": len(rows)})

    def task_json(self, task: Task) -> Json:
        return {**super().task_json(task), "variables": list(self.book.variables.get(task.process, {}).values())}

    def variables(self, asked: Asked) -> Answer:
        sent = self.book.variables[self._known(asked).process]
        return Answer(200, [{**each, "scope": "global"} for each in sent.values()])

    def identity_links(self, asked: Asked) -> Answer:
        return Answer(200, [{"user": u, "group": g, "type": "candidate"} for u, g in self.links(self._known(asked))])

    def historic_processes(self, asked: Asked) -> Answer:
        return Answer(200, {"data": self.starters(asked)})

    routes = (
        Route("GET", "/runtime/tasks", "query", listed),
        Route("GET", "/runtime/tasks/{task}/variables", "query", variables),
        Route("GET", "/runtime/tasks/{task}/identitylinks", "query", identity_links),
        Route("GET", "/repository/process-definitions", "query", definitions),
        Route("POST", "/runtime/process-instances", "query", start_process),
        Route("POST", "/query/historic-process-instances", "query", historic_processes),
        Route("DELETE", "/runtime/process-instances/{task}", "query", Runs.delete_process),
        Route("DELETE", "/repository/deployments/{task}", "query", Runs.delete_deployment),
        *FlowableServer.routes,
    )


# --- Camunda 8 --------------------------------------------------------------------------------------------------------
class Camunda8(Runs, Camunda8Server):
    def deployed(self, id: str) -> Answer:
        return Answer(200, {"deployments": [{"processDefinition": {"processDefinitionKey": id}}]})

    def definitions(self, asked: Asked) -> Answer:
        models = self.book.of_key(asked.body(filter=dict)["filter"]["processDefinitionId"])
        return Answer(200, {"items": [{"processDefinitionKey": model.id} for model in models]})

    def start_process(self, asked: Asked) -> Answer:
        said = asked.body(processDefinitionId=str, variables=dict)
        sent = {name: {"value": json.dumps(value)} for name, value in said["variables"].items()}
        return Answer(
            200, {"processInstanceKey": self.book.start(said["processDefinitionId"], said["variables"], sent)}
        )

    def search(self, asked: Asked) -> Answer:
        said = asked.body(filter=dict, page=dict, sort=list)
        filters, most = said.get("filter", {}), said.get("page", {}).get("limit", 100)
        after = filters.get("creationDate", {}).get("$gt")
        tasks = self.listed_tasks(after=after, process=filters.get("processInstanceKey"), most=most)
        return Answer(200, {"items": [self.row(task) for task in tasks], "page": {"totalItems": len(tasks)}})

    def row(self, task: Task) -> Json:
        users, groups = self.book.candidates(task)
        return {**camunda8_json(task), "candidateUsers": users, "candidateGroups": groups}

    def delete_resource(self, asked: Asked) -> Answer:
        if asked.task not in self.book.models:
            raise Wrong(404, "no such resource", "NOT_FOUND")
        model = self.book.models[asked.task]
        instances = [running for running in self.book.running.values() if running.model is model]
        if any(task.is_open for running in instances for task in running.open.values()):
            raise Wrong(409, "there are running instances", "INVALID_STATE")
        del self.book.models[asked.task]
        return Answer(200, {"resourceKey": model.id})

    routes = (
        Route("POST", "/user-tasks/search", "query", search),
        Route("POST", "/process-definitions/search", "query", definitions),
        Route("POST", "/process-instances", "query", start_process),
        Route("POST", "/process-instances/{task}/cancellation", "query", Runs.delete_process),
        Route("POST", "/resources/{task}/deletion", "query", delete_resource),
        *Camunda8Server.routes,
    )


# --- OpenText Workflow Service ----------------------------------------------------------------------------------------
class OpenText(Runs, OpenTextServer):
    def listed(self, asked: Asked) -> Answer:
        query = asked.query
        tasks = self.listed_tasks(after=query.get("createdAfter"), most=1000)
        tasks = [task for task in tasks if query.get("name") in (None, task.name)][: int(query.get("count", "20"))]
        page: Json = {"page": {"totalElements": len(tasks)}}
        return Answer(
            200, {**page, "_embedded": {"tasks": [self.task_json(task) for task in tasks]}} if tasks else page
        )

    def task_json(self, task: Task) -> Json:
        """Its documents do not show all members: that of the process is assumed."""
        variables = list(self.book.variables.get(task.process, {}).values())
        assignments = [{"type": "candidate", "user": user, "group": group} for user, group in self.links(task)]
        row = {**OpenTextServer.task_json(self, task), "processInstanceId": task.process, "variables": variables}
        return {**row, "assignments": assignments}

    routes = (Route("GET", "/tasks", "query", listed), *OpenTextServer.routes)


SERVERS: dict[str, Callable[[Guard], Runs]] = {
    "camunda7": Camunda7,
    "camunda8": Camunda8,
    "flowable": Flowable,
    "opentext": OpenText,
}
