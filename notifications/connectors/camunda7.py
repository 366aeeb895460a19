"""Kind `camunda7`: Camunda 7's REST interface (https://docs.camunda.org/rest/camunda-bpm-platform/7.24/)."""

import json
from typing import Any

from notifications.connectors.base import Result
from notifications.connectors.rest import ANSWER, Api, Failed, Reply, RestConnector, Said, Standing, part, unexpected
from notifications.types import Json


class Camunda7(RestConnector):
    kind = "camunda7"
    label = "Camunda 7"

    async def complete(self, api: Api, said: Said) -> Result:
        await self._comment_once(api, said)
        return await self._complete(api, said)

    async def _complete(self, api: Api, said: Said, *, resolved: bool = False) -> Result:
        body = {"variables": variables(said), "withVariablesInReturn": False}
        reply = await api.call("POST", f"{_task(said.task)}/complete", body)
        if reply.ok:
            return Result("done", reply.status)
        if reply.status != 500 or not _says(reply):
            raise unexpected(reply)
        standing = await self.read(api, said.task)  # 500 is also what a task gets that is no more
        if not standing.is_open:
            return await self.gone(api, said, reply.status)
        if not standing.delegated or resolved:
            raise unexpected(reply)
        resolving = await api.call("POST", f"{_task(said.task)}/resolve", {"variables": {}})
        if not resolving.ok:
            raise unexpected(resolving)
        return await self._complete(api, said, resolved=True)

    async def remark(self, api: Api, said: Said) -> Result:
        await self._comment_once(api, said)
        return Result("done", 200)

    async def _comment_once(self, api: Api, said: Said) -> None:
        """Where the engine's own users read it; engines without history (403) have no place for it."""
        if said.does == "final" and not said.comment:
            return
        if said.unsure and said.remark in await self._comments(api, said.task):
            return
        try:
            reply = await api.call("POST", f"{_task(said.task)}/comment/create", {"message": said.remark})
        except Failed as failed:
            if failed.result.status == 403:
                return
            raise
        if not reply.ok and not _says(reply):
            raise unexpected(reply)

    async def _comments(self, api: Api, task: str) -> list[Any]:
        reply = await api.call("GET", f"{_task(task)}/comment")
        return [each.get("message") for each in reply.body or []] if reply.ok else []

    async def read(self, api: Api, task: str) -> Standing:
        reply = await api.call("GET", _task(task))
        if reply.ok and isinstance(reply.body, dict):
            said = reply.body
            return Standing(True, said.get("assignee") or "", delegated=said.get("delegationState") == "PENDING")
        if reply.status != 404 or not _says(reply):
            raise unexpected(reply)
        return await self._ended(api, task)

    async def _ended(self, api: Api, task: str) -> Standing:
        rows = await self._history(api, "/history/task", {"taskId": task})
        if not rows:
            return Standing(False)
        found = await self._history(
            api,
            "/history/variable-instance",
            {"processInstanceId": rows[0].get("processInstanceId") or "", "variableName": ANSWER},
        )
        answer = str(found[-1].get("value") or "") if found else ""
        return Standing(False, by=rows[0].get("assignee") or "", answer=answer)

    async def _history(self, api: Api, path: str, query: dict[str, str]) -> list[Json]:
        """Nothing where the engine keeps no history."""
        try:
            reply = await api.call("GET", path, query=query)
        except Failed:
            return []
        rows = reply.body if reply.ok and isinstance(reply.body, list) else []
        return [row for row in rows if isinstance(row, dict)]

    async def assign(self, api: Api, task: str, user: str) -> Result:
        reply = await api.call("POST", f"{_task(task)}/assignee", {"userId": user})
        if reply.ok:
            return Result("done", reply.status)
        if reply.status == 500 and _says(reply) and not (await self.read(api, task)).is_open:
            return Result("handled", reply.status)
        raise unexpected(reply)

    async def check(self, api: Api) -> None:
        reply = await api.call("GET", "/task/count")
        if not reply.ok or not isinstance(reply.body, dict) or "count" not in reply.body:
            raise unexpected(reply)


def _task(task: str) -> str:
    return f"/task/{part(task)}"


def _says(reply: Reply) -> bool:
    """The engine's own error, and not that of a server before it."""
    return isinstance(reply.body, dict) and "type" in reply.body and "message" in reply.body


def variables(said: Said) -> Json:
    return {name: typed(value, said.types.get(name, "")) for name, value in said.all_variables.items()}


TYPES = {"string": "String", "boolean": "Boolean", "integer": "Integer", "long": "Long", "double": "Double"}


def typed(value: Any, type: str) -> Json:
    if type == "date":
        return {"type": "Date", "value": value}
    if type == "json" or isinstance(value, dict | list):
        return {"type": "Json", "value": json.dumps(value)}
    if value is None:
        return {"type": "Null", "value": None}
    return {"type": TYPES.get(type) or _of(value), "value": value}


def _of(value: Any) -> str:
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer" if -(2**31) <= value < 2**31 else "Long"
    return "Double" if isinstance(value, float) else "String"
