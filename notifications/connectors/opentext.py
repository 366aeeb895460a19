"""Kind `opentext`: OpenText Workflow Service (workflow/v1 of its developer cloud), which derives from Flowable.

Its documentation has no comments on tasks, so comments go into the variable `wfpush_comment`; no way to read a finished
task, so it is unknown who ended it; neither the path by which one task is read, nor the answer to an action. The path
for assigning a task was seen in an excerpt only. Both paths can be changed; every 2xx that is no page counts as
success; delegated tasks are resolved as in Flowable.
"""

import json
from typing import Any

from notifications.connectors import reasons
from notifications.connectors.api import Api, part, unexpected
from notifications.connectors.base import Result
from notifications.connectors.flowable import Flowable, assign, claim, complete, row_of, standing_of
from notifications.connectors.listing import Query
from notifications.connectors.rest import UNKNOWN, EnginePerson, Instruction, RestConnector, Standing
from notifications.types import Json


class OpenText(RestConnector):
    kind = "opentext"
    label = "OpenText Workflow Service"
    address_example = "https://{region}.api.opentext.com/workflow/v1"
    example = "flowable_task.json"
    samples = ("opentext_http_task.http",)
    token_example = "https://{region}.api.opentext.com/tenants/{tenant}/oauth2/token"
    preset = {
        **Flowable.preset,
        "data.task.candidates": "assignments[?user && type != 'assignee'].user",
        "data.task.teams": "assignments[?group].group",
    }
    listing = Query(
        "/tasks",
        {"sort": "createTime", "order": "asc", "includeProcessVariables": "true", "includeTaskAssignments": "true"},
        size="count",
        since="createdAfter",
        rows=("_embedded", "tasks"),
    )
    paths = {"read_task": "/tasks/{task}", "update_task": "/tasks/{task}"}

    async def complete(self, api: Api, instruction: Instruction) -> Result:
        return await complete(
            self, api, _task(instruction.task), instruction, variables(instruction), took=lambda reply: reply.ok
        )

    async def remark(self, api: Api, instruction: Instruction) -> Result:
        """There is no place for remarks in the engine: they stay here, and no call is made."""
        return Result("done", None, reasons.NO_PLACE())

    async def look_up(self, api: Api, task: str) -> Standing:
        row = row_of(await api.call("GET", _path(api, "read_task", task)))
        return UNKNOWN if row is None else standing_of(row)

    async def open_row(self, api: Api, task: str) -> Json | None:
        """With its variables, if it takes the parameter that lists take."""
        return row_of(await api.call("GET", _path(api, "read_task", task), query={"includeProcessVariables": "true"}))

    async def assign(self, api: Api, task: str, user: str) -> Result:
        return await assign(self, api, _path(api, "update_task", task), user)

    async def claim(self, api: Api, task: str, user: str) -> Result | None:
        return await claim(self, api, _task(task), user, took=lambda reply: reply.ok)

    def user_of(self, person: EnginePerson, holder: str) -> str:
        """Users are identified by their `preferred_username`, which is an e-mail address."""
        return person.email or person.ref

    async def check(self, api: Api) -> None:
        reply = await api.call("GET", "/tasks", query={"count": "1", "offset": "0"})
        if not reply.ok or "page" not in reply.object:
            raise unexpected(reply)


def _task(task: str) -> str:
    return f"/tasks/{part(task)}"


def _path(api: Api, name: str, task: str) -> str:
    return api.paths[name].replace("{task}", part(task))


def variables(instruction: Instruction) -> list[Json]:
    return [{"name": name, "value": simple(value)} for name, value in instruction.all_variables.items()]


def simple(value: Any) -> Any:
    """Variables have no types here, and the engine takes simple values of 32 bits: everything else is sent as text."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        return str(value)
    return value
