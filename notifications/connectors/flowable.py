"""Kind `flowable`: Flowable's REST interface (flowable-rest, https://www.flowable.com/open-source/docs/bpmn/ch14-REST).

`outcome` counts in the engine only with a form; processes read the variable `wfpush_outcome`, or what a mapping sets.
"""

from typing import Any

from notifications.connectors.base import Result
from notifications.connectors.rest import ANSWER, Api, Failed, Reply, RestConnector, Said, Standing, part, unexpected
from notifications.types import Json

VARIABLES = "/history/historic-variable-instances"


class Flowable(RestConnector):
    kind = "flowable"
    label = "Flowable"

    async def complete(self, api: Api, said: Said) -> Result:
        await self._comment_once(api, said)
        return await self._complete(api, said)

    async def _complete(self, api: Api, said: Said, *, resolved: bool = False) -> Result:
        body = {"action": "complete", "outcome": said.outcome, "variables": variables(said)}
        reply = await api.call("POST", _task(said.task), body)
        if reply.ok:
            return Result("done", reply.status)
        if is_gone(reply):
            return await self.gone(api, said, reply.status)
        if reply.status == 409:
            return Result("later", reply.status, "The engine was just changing the task.")
        if reply.status == 500 and not resolved and (await self.read(api, said.task)).delegated:
            # "A delegated task cannot be completed, but should be resolved instead"
            await self._resolve(api, said)
            return await self._complete(api, said, resolved=True)
        raise unexpected(reply)

    async def _resolve(self, api: Api, said: Said) -> None:
        reply = await api.call("POST", _task(said.task), {"action": "resolve"})
        if not reply.ok and not is_gone(reply):
            raise unexpected(reply)

    async def remark(self, api: Api, said: Said) -> Result:
        await self._comment_once(api, said)
        return Result("done", 201)

    async def _comment_once(self, api: Api, said: Said) -> None:
        """Where the engine's own users read it. A task that is gone has no place for it."""
        if said.does == "final" and not said.comment:
            return
        if said.unsure and said.remark in await self._comments(api, said.task):
            return
        reply = await api.call(
            "POST", f"{_task(said.task)}/comments", {"message": said.remark, "saveProcessInstanceId": True}
        )
        if not reply.ok and not is_gone(reply):
            raise unexpected(reply)

    async def _comments(self, api: Api, task: str) -> list[Any]:
        reply = await api.call("GET", f"{_task(task)}/comments")
        return [each.get("message") for each in reply.body or []] if reply.ok else []

    async def read(self, api: Api, task: str) -> Standing:
        reply = await api.call("GET", _task(task))
        if reply.ok and isinstance(reply.body, dict):
            said = reply.body
            return Standing(True, said.get("assignee") or "", delegated=said.get("delegationState") == "pending")
        if not is_gone(reply):
            raise unexpected(reply)
        return await self._ended(api, task)

    async def _ended(self, api: Api, task: str) -> Standing:
        reply = await api.call("GET", f"/history/historic-task-instances/{part(task)}")
        if not reply.ok or not isinstance(reply.body, dict):
            return Standing(False)
        said = reply.body
        return Standing(False, by=said.get("assignee") or "", answer=await self._answer(api, said))

    async def _answer(self, api: Api, task: Json) -> str:
        """The variable by which our answers are known. Without the history of variables nobody can tell."""
        query = {"processInstanceId": str(task.get("processInstanceId") or ""), "variableName": ANSWER}
        try:
            reply = await api.call("GET", VARIABLES, query=query)
        except Failed:
            return ""
        rows = reply.body.get("data") if reply.ok and isinstance(reply.body, dict) else None
        values = [(row.get("variable") or {}).get("value") for row in rows or [] if isinstance(row, dict)]
        return str(values[-1]) if values else ""

    async def assign(self, api: Api, task: str, user: str) -> Result:
        reply = await api.call("PUT", _task(task), {"assignee": user})
        if reply.ok:
            return Result("done", reply.status)
        if is_gone(reply):
            return Result("handled", reply.status)
        raise unexpected(reply)

    async def check(self, api: Api) -> None:
        reply = await api.call("GET", "/runtime/tasks", query={"size": "1"})
        if not reply.ok or not isinstance(reply.body, dict) or "data" not in reply.body:
            raise unexpected(reply)


def _task(task: str) -> str:
    return f"/runtime/tasks/{part(task)}"


def is_gone(reply: Reply) -> bool:
    """The engine's own 404, and not that of a server or path that is no Flowable."""
    return reply.status == 404 and isinstance(reply.body, dict) and "exception" in reply.body


def variables(said: Said) -> list[Json]:
    return [{"name": name, **typed(value, said.types.get(name, ""))} for name, value in said.all_variables.items()]


def typed(value: Any, type: str) -> Json:
    """A type that is not named is that of the JSON value; without one the engine takes nothing but simple values."""
    if type:
        return {"type": type, "value": value}
    if isinstance(value, bool):
        return {"type": "boolean", "value": value}
    if isinstance(value, int):
        return {"type": "integer" if -(2**31) <= value < 2**31 else "long", "value": value}
    if isinstance(value, float):
        return {"type": "double", "value": value}
    if isinstance(value, dict | list):
        return {"type": "json", "value": value}
    return {"type": "string", "value": value}
