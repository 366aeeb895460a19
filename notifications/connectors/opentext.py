"""Kind `opentext`: OpenText Workflow Service (workflow/v1 of its developer cloud), which derives from Flowable.

Its documentation has no comments on tasks: they go into the variable `wfpush_comment`. It has no way to read a finished
task, so it is unknown who ended it. It lacks the path by which one task is read, and the answer to an action. The path
for assigning a task was seen in an excerpt only. Both paths can be changed. Every 2xx that is no page counts as
success; delegated tasks are resolved as in Flowable.
"""

import json
from typing import Any

from django.utils.translation import gettext_lazy as _

from notifications.connectors.api import Api, Reply, part, unexpected
from notifications.connectors.base import Standing
from notifications.connectors.flowable import Flowable, FlowableTasks, row_of, standing_of
from notifications.connectors.instructions import EnginePerson, Instruction
from notifications.connectors.listing import Query
from notifications.connectors.rest import UNKNOWN
from notifications.types import Json


class OpenText(FlowableTasks):
    kind = "opentext"
    label = "OpenText Workflow Service"
    address_example = "https://{region}.api.opentext.com/workflow/v1"
    example = "flowable_task.json"
    samples = {"opentext_http_task.http": _("HTTP task for the model: reports milestones")}
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
    tasks = "/tasks"
    paths = {"read_task": "/tasks/{task}", "update_task": "/tasks/{task}"}

    def update_path(self, api: Api, task: str) -> str:
        return _path(api, "update_task", task)

    def took(self, reply: Reply) -> bool:
        return reply.ok

    def variables(self, instruction: Instruction) -> list[Json]:
        return [{"name": name, "value": simple(value)} for name, value in instruction.all_variables.items()]

    async def look_up(self, api: Api, task: str) -> Standing:
        row = row_of(await api.call("GET", _path(api, "read_task", task)))
        return UNKNOWN if row is None else standing_of(row)

    async def open_row(self, api: Api, task: str) -> Json | None:
        """Return the task, with its variables if the engine takes the parameter of lists here."""
        return row_of(await api.call("GET", _path(api, "read_task", task), query={"includeProcessVariables": "true"}))

    def user_of(self, person: EnginePerson, holder: str) -> str:
        """Return the `preferred_username` that identifies the person, which is an e-mail address."""
        return person.email or person.ref

    async def check(self, api: Api) -> None:
        reply = await api.call("GET", "/tasks", query={"count": "1", "offset": "0"})
        if not reply.ok or "page" not in reply.object:
            raise unexpected(reply)


def _path(api: Api, name: str, task: str) -> str:
    return api.paths[name].replace("{task}", part(task))


def simple(value: Any) -> Any:
    """Return the value; as text unless it is simple, of 32 bits at most, since variables have no types here."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        return str(value)
    return value
