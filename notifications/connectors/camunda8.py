"""Kind `camunda8`: the Orchestration Cluster's REST interface, version 2 (user tasks of Zeebe).

Commands are consistent, queries are not: a task that is asked for may be unknown for a moment. There are no comments:
what people write goes into the variable `wfpush_comment`.
"""

from notifications.connectors.base import Result
from notifications.connectors.rest import ANSWER, Api, Failed, Reply, RestConnector, Said, Standing, part, unexpected
from notifications.types import Json

OPEN = ("CREATING", "CREATED", "ASSIGNING", "UPDATING")
ON_ITS_WAY = ("COMPLETING", "CANCELING")
PRIORITY_OF_LATE = 80
"""Of 0 to 100, where 50 is usual."""


class Camunda8(RestConnector):
    kind = "camunda8"
    label = "Camunda 8"

    async def complete(self, api: Api, said: Said) -> Result:
        body: Json = {"variables": said.all_variables, "action": said.action or "complete"}
        reply = await api.call("POST", f"{_task(said.task)}/completion", body)
        if reply.ok:
            return Result("done", reply.status)
        if not is_problem(reply):
            raise unexpected(reply)
        if reply.status == 404:
            return await self.gone(api, said, reply.status)
        if reply.status == 409:
            return await self._in_another_state(api, said)
        raise unexpected(reply)

    async def _in_another_state(self, api: Api, said: Said) -> Result:
        """Completed, cancelled, or just being changed by somebody else, whose listeners may take their time."""
        standing = await self.read(api, said.task)
        if standing.is_open:
            return Result("later", 409, "The engine was just changing the task.")
        return await self.gone(api, said, 409)

    async def remark(self, api: Api, said: Said) -> Result:
        """There is no place for it: it stays with us, and no call is made."""
        return Result("done", None, "The engine has no place for it.")

    async def late(self, api: Api, said: Said) -> Result:
        """Listeners hear of the action; whoever works in the engine sees the priority."""
        body = {"changeset": {"priority": PRIORITY_OF_LATE}, "action": "escalate"}
        reply = await api.call("PATCH", _task(said.task), body)
        if reply.ok:
            return Result("done", reply.status)
        if is_problem(reply) and reply.status == 404:
            return Result("handled", reply.status)
        if is_problem(reply) and reply.status == 409:
            return Result("later", reply.status, "The engine was just changing the task.")
        raise unexpected(reply)

    async def read(self, api: Api, task: str) -> Standing:
        reply = await api.call("GET", _task(task))
        if reply.ok and isinstance(reply.body, dict):
            said = reply.body
            if said.get("state") in (*OPEN, *ON_ITS_WAY):
                return Standing(True, said.get("assignee") or "")
            return Standing(False, by=said.get("assignee") or "", answer=await self._answer(api, task))
        if reply.status == 404 and is_problem(reply):
            return Standing(False)
        raise unexpected(reply)

    async def _answer(self, api: Api, task: str) -> str:
        """The variable by which our answers are known."""
        said = {"filter": {"name": ANSWER}}
        try:
            reply = await api.call("POST", f"{_task(task)}/variables/search", said)
        except Failed:
            return ""
        rows = reply.body.get("items") if reply.ok and isinstance(reply.body, dict) else None
        values = [row.get("value") for row in rows or [] if isinstance(row, dict) and row.get("name") == ANSWER]
        return str(values[-1]).strip('"') if values else ""  # values are JSON in a string

    async def assign(self, api: Api, task: str, user: str) -> Result:
        body = {"assignee": user, "allowOverride": True, "action": "assign"}
        reply = await api.call("POST", f"{_task(task)}/assignment", body)
        if reply.ok:
            return Result("done", reply.status)
        if is_problem(reply) and reply.status == 404:
            return Result("handled", reply.status)
        if is_problem(reply) and reply.status == 409:
            return Result("later", reply.status, "The engine was just changing the task.")
        raise unexpected(reply)

    async def check(self, api: Api) -> None:
        reply = await api.call("POST", "/user-tasks/search", {"page": {"limit": 1}})
        if not reply.ok or not isinstance(reply.body, dict) or "items" not in reply.body:
            raise unexpected(reply)


def _task(task: str) -> str:
    return f"/user-tasks/{part(task)}"


def is_problem(reply: Reply) -> bool:
    """RFC 9457, as the engine writes its errors; other servers' pages are none."""
    return isinstance(reply.body, dict) and "title" in reply.body and "status" in reply.body
