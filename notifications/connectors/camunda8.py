"""Kind `camunda8`: the Orchestration Cluster's REST interface, version 2 (user tasks of Zeebe).

Commands are consistent, queries are not: a query for a new task may not find it yet. There are no comments: what people
write goes into the variable `wfpush_comment`.
"""

from django.utils.translation import gettext_lazy as _

from notifications.connectors import reasons
from notifications.connectors.api import Api, Reply, part, rows, unexpected
from notifications.connectors.base import Result, Standing
from notifications.connectors.instructions import ANSWER, Instruction
from notifications.connectors.listing import Search
from notifications.connectors.rest import PRIORITY, UNKNOWN, RestConnector
from notifications.types import Json, text_in

OVER = ("COMPLETED", "CANCELED", "FAILED")
"""The states of finished tasks. In all others a task is open, or is being changed."""
PRIORITY_OF_LATE = 80
"""The priority of tasks that run late, from 0 to 100, where 50 is the default."""


class Camunda8(RestConnector):
    kind = "camunda8"
    label = "Camunda 8"
    address_example = "http://localhost:8080/v2"
    example = "camunda8_task.json"
    samples = {
        "camunda8_listener.sh": _("Registers a global listener, once"),
        "camunda8_worker.python": _("Works for that listener"),
        "camunda8_rest_connector.xml": _("REST connector for the model: reports milestones"),
    }
    task_example = "2251799813685249"
    preset = {
        # Two changes of the same kind have different job keys; a job that is tried again keeps its key.
        "id": (
            "join(':', [userTaskKey, not_null(eventType, 'assigning'), not_null(assignee, ''),"
            " to_string(not_null(jobKey, ''))])"
        ),
        "type": (
            "(eventType == 'completing' && 'task.completed') || (eventType == 'canceling' && 'task.cancelled')"
            " || (eventType == 'updating' && 'task.updated') || 'task.assigned'"
        ),
        "subject": "userTaskKey",
        "data.task.id": "userTaskKey",
        "data.task.name": "not_null(name, elementId)",
        "data.task.assignee": "assignee",
        "data.task.candidates": "candidateUsers",
        "data.task.teams": "candidateGroups",
        "data.task.initiator": "[variables.initiator][?type(@) == 'string'] | [0]",
        "data.task.due_at": "dueDate",
        "data.task.priority": PRIORITY,
        "data.task.form": "form",
        "data.case.id": "processInstanceKey",
        "data.case.title": "processName",
        "data.variables": "variables",
    }
    listing = Search(id="userTaskKey", created="creationDate")
    lags = True

    async def complete(self, api: Api, instruction: Instruction) -> Result:
        body: Json = {"variables": instruction.all_variables, "action": instruction.action or "complete"}
        reply = await api.call("POST", f"{_task(instruction.task)}/completion", body)
        if reply.taken:
            return Result("done", reply.status)
        if is_problem(reply) and reply.status == 404:
            return await self.result_if_gone(api, instruction, reply.status)
        if is_problem(reply) and reply.status == 409:
            return await self._in_another_state(api, instruction)
        raise unexpected(reply)

    async def _in_another_state(self, api: Api, instruction: Instruction) -> Result:
        """Return the result for a task that is completed, cancelled, or being changed. Another user's change may take
        long because of its listeners."""
        standing = await self.look_up(api, instruction.task)
        if standing.is_open or not standing.is_known:
            return Result("later", 409, reasons.CHANGING())
        return await self.result_if_over(api, instruction, standing, 409)

    async def late(self, api: Api, instruction: Instruction) -> Result:
        """Set an action, which listeners get, and a priority, which people who work in the engine see."""
        body = {"changeset": {"priority": PRIORITY_OF_LATE}, "action": "escalate"}
        reply = await api.call("PATCH", _task(instruction.task), body)
        changed = await self._result(api, reply, took=reply.ok)
        return changed or Result("later", reply.status, reasons.CHANGING())

    async def open_row(self, api: Api, task: str) -> Json | None:
        row = await self._row(api, task)
        return row if row is not None and row.get("state") not in OVER else None

    async def _row(self, api: Api, task: str) -> Json | None:
        """Return the task's row; None for a task that the engine does not know. Raises Failed."""
        reply = await api.call("GET", _task(task))
        if reply.status == 404 and is_problem(reply):
            return None
        if not reply.ok or not reply.object:
            raise unexpected(reply)
        return reply.object

    async def look_up(self, api: Api, task: str) -> Standing:
        row = await self._row(api, task)
        if row is None:
            return UNKNOWN
        assignee, state = text_in(row, "assignee"), row.get("state")
        if state not in OVER:
            return Standing(True, assignee)
        return Standing(False, assignee, await self._answers(api, task), cancelled=state == "CANCELED")

    async def _answers(self, api: Api, task: str) -> frozenset[str]:
        reply = await api.call("POST", f"{_task(task)}/variables/search", {"filter": {"name": ANSWER}}, acts=False)
        answers = rows(reply.object.get("items")) if reply.ok else []
        return frozenset(text_in(row, "value").strip('"') for row in answers)  # values are JSON in a string

    async def assign(self, api: Api, task: str, user: str) -> Result:
        """Assign in one command. Unassigning first would not be safer, and would leave the task without assignee if the
        second command failed."""
        done = await self._assignment(api, task, {"assignee": user, "allowOverride": True, "action": "assign"})
        return done or Result("later", 409, reasons.CHANGING())

    async def claim(self, api: Api, task: str, user: str) -> Result | None:
        return await self._assignment(api, task, {"assignee": user, "allowOverride": False, "action": "claim"})

    async def _assignment(self, api: Api, task: str, body: Json) -> Result | None:
        reply = await api.call("POST", f"{_task(task)}/assignment", body)
        return await self._result(api, reply, took=reply.taken)

    async def _result(self, api: Api, reply: Reply, *, took: bool) -> Result | None:
        """Return the result of a change; None where the task's state forbids it. Raises Failed."""
        if took:
            return Result("done", reply.status)
        if is_problem(reply) and reply.status == 404:
            return await self.result_if_missing(api, reply.status)
        if is_problem(reply) and reply.status == 409:
            return None
        raise unexpected(reply)

    async def check(self, api: Api) -> None:
        reply = await api.call("POST", "/user-tasks/search", {"page": {"limit": 1}}, acts=False)
        if not reply.ok or "items" not in reply.object:
            raise unexpected(reply)


def _task(task: str) -> str:
    return f"/user-tasks/{part(task)}"


def is_problem(reply: Reply) -> bool:
    """Return whether the error is the engine's own (RFC 9457), and not a page of another server."""
    return "title" in reply.object and "status" in reply.object
