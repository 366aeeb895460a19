"""Kind `camunda7`: Camunda 7's REST interface (https://docs.camunda.org/rest/camunda-bpm-platform/7.24/).

The form of its error JSON is assumed: a body with the members `type` and `message` counts as the engine's own.
"""

import json
from typing import Any

from django.utils.translation import gettext_lazy as _

from notifications.connectors import reasons
from notifications.connectors.api import Api, Reply, instant, not_let_in, part, rows, unexpected
from notifications.connectors.base import Result, Standing
from notifications.connectors.flowable import TASK_MEMBERS, ended_standing, messages_in, standing_of, whole
from notifications.connectors.instructions import ANSWER, Instruction
from notifications.connectors.listing import Query
from notifications.connectors.rest import UNKNOWN, RestConnector
from notifications.reasons import NOTHING
from notifications.types import Json, text_in


class Camunda7(RestConnector):
    kind = "camunda7"
    label = "Camunda 7"
    address_example = "https://host/engine-rest"
    example = "camunda7_task.json"
    samples = {"camunda7_listener.java": _("Task listener, a class of the process application")}
    preset = {
        "id": "join(':', [id, not_null(eventName, 'create'), not_null(lastUpdated, createTime, created, '')])",
        "type": (
            "(eventName == 'complete' && 'task.completed') || (eventName == 'delete' && 'task.cancelled')"
            " || (eventName == 'update' && 'task.updated') || 'task.assigned'"
        ),
        "subject": "id",
        "time": "not_null(timestamp, lastUpdated, createTime, created)",
        **TASK_MEMBERS,
        "data.task.due_at": "not_null(due, dueDate)",
        "data.case.id": "not_null(caseInstanceId, processInstanceId)",
    }
    listing = Query(
        "/task",
        {"sortBy": "created", "sortOrder": "asc"},
        size="maxResults",
        since="createdAfter",
        links="/task/{task}/identity-links",
        user="userId",
        group="groupId",
        form="/task/{task}/deployed-form",
        form_keys=("camundaFormRef",),
        variables="/task/{task}/variables?deserializeValues=false",
        processes="/history/process-instance",
        created="created",
    )

    async def complete(self, api: Api, instruction: Instruction) -> Result:
        if instruction.comment:
            await self._comment_once(api, instruction)
        return await self._complete(api, instruction)

    async def _complete(self, api: Api, instruction: Instruction, *, resolved: bool = False) -> Result:
        body = {"variables": variables(instruction), "withVariablesInReturn": False}
        reply = await api.call("POST", f"{_task(instruction.task)}/complete", body)
        if reply.taken:
            return Result("done", reply.status)
        if reply.status != 500 or not _is_engine_error(reply):
            raise unexpected(reply)
        standing = await self.look_up(api, instruction.task)  # 500 is also the answer for a task that no longer exists
        if not standing.is_open:
            return await self.result_if_over(api, instruction, standing, reply.status)
        if not standing.delegated or resolved:
            raise unexpected(reply)
        resolving = await api.call("POST", f"{_task(instruction.task)}/resolve", {"variables": {}})
        if not resolving.ok:
            raise unexpected(resolving)
        return await self._complete(api, instruction, resolved=True)

    async def remark(self, api: Api, instruction: Instruction) -> Result:
        status = await self._comment_once(api, instruction)
        if status == 400:
            return await self.result_if_gone(api, instruction, status)
        return Result("done", status, reasons.NO_HISTORY() if status == 403 else NOTHING)

    async def _comment_once(self, api: Api, instruction: Instruction) -> int:
        """Add a comment, which users of the engine see. 400: the task is gone; 403: it takes none, since history is
        off."""
        path = f"{_task(instruction.task)}/comment"
        if instruction.unsure:
            comments = await api.call("GET", path, may_be_refused=True)
            if instruction.remark in messages_in(comments):
                return 200
        reply = await api.call("POST", f"{path}/create", {"message": instruction.remark}, may_be_refused=True)
        if reply.status == 403 and reply.member("type") == "AuthorizationException":
            raise not_let_in(reply)
        if not reply.ok and not (reply.status in (400, 403) and _is_engine_error(reply)):
            raise unexpected(reply)
        return reply.status

    async def look_up(self, api: Api, task: str) -> Standing:
        row = await self.open_row(api, task)
        return await self._ended(api, task) if row is None else standing_of(row)

    async def open_row(self, api: Api, task: str) -> Json | None:
        reply = await api.call("GET", _task(task))
        if reply.status == 404 and _is_engine_error(reply):
            return None
        if not reply.ok or not reply.object:
            raise unexpected(reply)
        return reply.object

    async def _ended(self, api: Api, task: str) -> Standing:
        """Return the state of a finished task; UNKNOWN if the engine keeps no history, or does not let us read it."""
        tasks = await self._history(api, "/history/task", {"taskId": task})
        return ended_standing(tasks[0], await self._answers(api, tasks[0])) if tasks else UNKNOWN

    async def _answers(self, api: Api, task: Json) -> frozenset[str]:
        process = text_in(task, "processInstanceId")
        if not process:
            return frozenset()
        query = {"processInstanceId": process, "variableName": ANSWER}
        answers = await self._history(api, "/history/variable-instance", query)
        return frozenset(text_in(each, "value") for each in answers)

    async def _history(self, api: Api, path: str, query: dict[str, str]) -> list[Json]:
        reply = await api.call("GET", path, query=query, may_be_refused=True)
        return rows(reply.body) if reply.ok else []

    async def assign(self, api: Api, task: str, user: str) -> Result:
        reply = await api.call("POST", f"{_task(task)}/assignee", {"userId": user})
        changed = await self._result(api, task, reply)
        if changed is None:
            raise unexpected(reply)
        return changed

    async def claim(self, api: Api, task: str, user: str) -> Result | None:
        return await self._result(api, task, await api.call("POST", f"{_task(task)}/claim", {"userId": user}))

    async def _result(self, api: Api, task: str, reply: Reply) -> Result | None:
        """Return the result of a change; None for an open task that was not changed. The engine answers 500 for a task
        that somebody has, and for one that no longer exists. Raises Failed."""
        if reply.taken:
            return Result("done", reply.status)
        if reply.status != 500 or not _is_engine_error(reply):
            raise unexpected(reply)
        return None if (await self.look_up(api, task)).is_open else await self.result_if_missing(api, reply.status)

    async def check(self, api: Api) -> None:
        reply = await api.call("GET", "/task/count")
        if not reply.ok or "count" not in reply.object:
            raise unexpected(reply)


def _task(task: str) -> str:
    return f"/task/{part(task)}"


def _is_engine_error(reply: Reply) -> bool:
    """Return whether the error is the engine's own, and not that of a server in front of it."""
    return "type" in reply.object and "message" in reply.object


def variables(instruction: Instruction) -> Json:
    return {name: typed(value, instruction.type_of(name)) for name, value in instruction.all_variables.items()}


TYPES = {
    "string": "String",
    "boolean": "Boolean",
    "short": "Short",
    "integer": "Integer",
    "long": "Long",
    "double": "Double",
}


def typed(value: Any, type: str) -> Json:
    """Return the value with its declared type, or else with the type of the JSON value."""
    if type == "date":
        return {"type": "Date", "value": _date(value)}
    if type == "json" or isinstance(value, dict | list):
        return {"type": "Json", "value": json.dumps(value, ensure_ascii=False)}
    if type in TYPES:
        return {"type": TYPES[type], "value": value}
    if isinstance(value, bool):
        return {"type": "Boolean", "value": value}
    if isinstance(value, int):
        number = whole(value)
        return {**number, "type": TYPES[number["type"]]}
    if value is None:
        return {"type": "Null", "value": None}
    return {"type": "Double" if isinstance(value, float) else "String", "value": value}


def _date(value: Any) -> Any:
    """Return a date as 2026-01-31T00:00:00.000+0000, the only form that the engine reads; other values unchanged."""
    moment = instant(value)
    if moment is None:
        return value
    written = moment.isoformat(timespec="milliseconds")
    return written[:-3] + written[-2:]
