"""Kind `opentext`: OpenText Workflow Service (workflow/v1 of its developer cloud), which derives from Flowable.

Its documents name no way to comment on a task, so comments go into the variable `wfpush_comment`; nor the path by which
one task is read, which can therefore be set otherwise.
"""

from notifications.connectors.base import Result
from notifications.connectors.flowable import is_gone
from notifications.connectors.rest import Api, RestConnector, Said, Standing, part, unexpected
from notifications.types import Json


class OpenText(RestConnector):
    kind = "opentext"
    label = "OpenText Workflow Service"
    paths = {"read_task": "/tasks/{task}"}

    async def complete(self, api: Api, said: Said) -> Result:
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
            resolving = await api.call("POST", _task(said.task), {"action": "resolve"})
            if not resolving.ok and not is_gone(resolving):
                raise unexpected(resolving)
            return await self._complete(api, said, resolved=True)
        raise unexpected(reply)

    async def remark(self, api: Api, said: Said) -> Result:
        """There is no place for it: it stays with us, and no call is made."""
        return Result("done", None, "The engine has no place for it.")

    async def read(self, api: Api, task: str) -> Standing:
        reply = await api.call("GET", api.paths["read_task"].format(task=part(task)))
        if reply.ok and isinstance(reply.body, dict):
            said = reply.body
            return Standing(True, said.get("assignee") or "", delegated=said.get("delegationState") == "pending")
        if is_gone(reply):
            return Standing(False)
        raise unexpected(reply)

    async def assign(self, api: Api, task: str, user: str) -> Result:
        reply = await api.call("PUT", _task(task), {"assignee": user})
        if reply.ok:
            return Result("done", reply.status)
        if is_gone(reply):
            return Result("handled", reply.status)
        raise unexpected(reply)

    async def check(self, api: Api) -> None:
        reply = await api.call("GET", "/tasks", query={"count": "1", "offset": "0"})
        if not reply.ok or not isinstance(reply.body, dict) or "page" not in reply.body:
            raise unexpected(reply)


def _task(task: str) -> str:
    return f"/tasks/{part(task)}"


def variables(said: Said) -> list[Json]:
    return [{"name": name, "value": value} for name, value in said.all_variables.items()]
