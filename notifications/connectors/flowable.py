"""Kind `flowable`: Flowable's REST interface (flowable-rest, https://www.flowable.com/open-source/docs/bpmn/ch14-REST).

The engine uses `outcome` only with a form; processes read the variable `wfpush_outcome`, or what a mapping sets.
"""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.connectors import reasons
from notifications.connectors.api import Api, Reply, instant, part, rows, unexpected
from notifications.connectors.base import Result, Standing
from notifications.connectors.instructions import ANSWER, Instruction
from notifications.connectors.listing import Query
from notifications.connectors.rest import PRIORITY, UNKNOWN, RestConnector
from notifications.types import Json, text_in

STARTER = "not_null(startUserId, [by_name(variables).initiator][?type(@) == 'string'] | [0])"
"""Expression for the person who started the process: the engine's member, or the variable that start events name in the
engine's examples (`flowable:initiator="initiator"`). `owner` is somebody else: the person who delegated the task."""

TASK_MEMBERS = {
    "data.task.id": "id",
    "data.task.name": "name",
    "data.task.description": "description",
    "data.task.assignee": "assignee",
    "data.task.candidates": "candidateUsers",
    "data.task.teams": "candidateGroups",
    "data.task.initiator": STARTER,
    "data.task.priority": PRIORITY,
    "data.task.form": "form",
    "data.variables": "by_name(variables)",
}
"""Members that Flowable and Camunda 7 write alike."""


class FlowableTasks(RestConnector):
    """Completing, assigning and claiming of tasks in Flowable and in engines that derive from it."""

    tasks: ClassVar[str] = "/runtime/tasks"
    """The path of the tasks, to which actions on them are sent."""

    def task_path(self, task: str) -> str:
        return f"{self.tasks}/{part(task)}"

    def update_path(self, api: Api, task: str) -> str:
        return self.task_path(task)

    def took(self, reply: Reply) -> bool:
        """Return whether the reply to an action says that the engine has accepted it."""
        return reply.taken

    def variables(self, instruction: Instruction) -> list[Json]:
        values = instruction.all_variables.items()
        return [{"name": name, **typed(value, instruction.type_of(name))} for name, value in values]

    async def complete(self, api: Api, instruction: Instruction) -> Result:
        path, variables = self.task_path(instruction.task), self.variables(instruction)
        body = {"action": "complete", "outcome": instruction.outcome, "variables": variables}
        reply = await api.call("POST", path, body)
        if reply.status == 500 and reply.object and (await self.look_up(api, instruction.task)).delegated:
            # "A delegated task cannot be completed, but should be resolved instead"; newer versions do not say so
            resolving = await api.call("POST", path, {"action": "resolve"})
            if not resolving.ok and not is_gone(resolving):
                raise unexpected(resolving)
            reply = await api.call("POST", path, body)
        if self.took(reply):
            return Result("done", reply.status)
        if is_gone(reply):
            return await self.result_if_gone(api, instruction, reply.status)
        if reply.status == 409:
            return Result("later", reply.status, reasons.CHANGING())
        raise unexpected(reply)

    async def assign(self, api: Api, task: str, user: str) -> Result:
        reply = await api.call("PUT", self.update_path(api, task), {"assignee": user})
        changed = await self._result(api, reply, took=reply.ok)
        return changed or Result("later", reply.status, reasons.CHANGING())

    async def claim(self, api: Api, task: str, user: str) -> Result | None:
        reply = await api.call("POST", self.task_path(task), {"action": "claim", "assignee": user})
        return await self._result(api, reply, took=self.took(reply))

    async def _result(self, api: Api, reply: Reply, *, took: bool) -> Result | None:
        """Return the result of a change; None where another change of the task forbids it. Raises Failed."""
        if took:
            return Result("done", reply.status)
        if is_gone(reply):
            return await self.result_if_missing(api, reply.status)
        if reply.status == 409:
            return None
        raise unexpected(reply)


class Flowable(FlowableTasks):
    kind = "flowable"
    label = "Flowable"
    address_example = "https://host/flowable-rest/service"
    example = "flowable_task.json"
    samples = {"flowable_http_task.xml": _("HTTP task for the model: reports milestones")}
    preset = {
        # A task reassigned without a claim keeps its times: only the assignee differs between the two events.
        "id": (
            "join(':', [id, not_null(eventType, 'assigned'), not_null(assignee, ''),"
            " not_null(claimTime, createTime, '')])"
        ),
        "type": (
            "(eventType == 'completed' && 'task.completed') || (eventType == 'cancelled' && 'task.cancelled')"
            " || (eventType == 'updated' && 'task.updated') || 'task.assigned'"
        ),
        "subject": "id",
        "time": "not_null(timestamp, claimTime, createTime)",
        **TASK_MEMBERS,
        "data.task.kind": "category",
        "data.task.due_at": "dueDate",
        "data.case.id": "processInstanceId",
        "data.case.title": "processInstanceName",
    }
    listing = Query(
        "/runtime/tasks",
        {"sort": "createTime", "order": "asc", "includeProcessVariables": "true"},
        size="size",
        since="createdAfter",
        rows=("data",),
        links="/runtime/tasks/{task}/identitylinks",
        user="user",
        group="group",
        form="/runtime/tasks/{task}/form",
        form_keys=("formKey",),
        variables="/runtime/tasks/{task}/variables?scope=global",
        processes="/query/historic-process-instances",
    )

    async def complete(self, api: Api, instruction: Instruction) -> Result:
        if instruction.comment:
            await self._comment_once(api, instruction)
        return await super().complete(api, instruction)

    async def remark(self, api: Api, instruction: Instruction) -> Result:
        if await self._comment_once(api, instruction):
            return Result("done", 201)
        return await self.result_if_gone(api, instruction, 404)

    async def _comment_once(self, api: Api, instruction: Instruction) -> bool:
        """Add a comment, which users of the engine see. Return False if the task is gone and takes none."""
        path = f"{self.task_path(instruction.task)}/comments"
        if instruction.unsure and instruction.remark in messages_in(await api.call("GET", path)):
            return True
        reply = await api.call("POST", path, {"message": instruction.remark, "saveProcessInstanceId": True})
        if not reply.ok and not is_gone(reply):
            raise unexpected(reply)
        return reply.ok

    async def look_up(self, api: Api, task: str) -> Standing:
        row = await self.open_row(api, task)
        return await self._ended(api, task) if row is None else standing_of(row)

    async def open_row(self, api: Api, task: str) -> Json | None:
        return row_of(await api.call("GET", self.task_path(task)))

    async def _ended(self, api: Api, task: str) -> Standing:
        reply = await api.call("GET", f"/history/historic-task-instances/{part(task)}")
        if not reply.ok or not reply.object:
            return UNKNOWN
        return ended_standing(reply.object, await self._answers(api, reply.object))

    async def _answers(self, api: Api, task: Json) -> frozenset[str]:
        """Return the ids of our answers in the process; none without the history of variables."""
        process = text_in(task, "processInstanceId")
        if not process:
            return frozenset()
        query = {"processInstanceId": process, "variableName": ANSWER, "size": "100"}
        reply = await api.call("GET", "/history/historic-variable-instances", query=query)
        answers = rows(reply.object.get("data")) if reply.ok else []
        variables = [row.get("variable") for row in answers]
        return frozenset(text_in(each, "value") for each in variables if isinstance(each, dict))

    async def check(self, api: Api) -> None:
        reply = await api.call("GET", "/runtime/tasks", query={"size": "1"})
        if not reply.ok or "data" not in reply.object:
            raise unexpected(reply)


# --- shared by engines that derive from Flowable or Activiti ----------------------------------------------------------
def is_gone(reply: Reply) -> bool:
    """Return whether the 404 is the engine's own, and not that of another server or a wrong path."""
    return reply.status == 404 and "exception" in reply.object


def row_of(reply: Reply) -> Json | None:
    """Return the row of an open task; None for one that the engine does not have. Raises Failed."""
    if is_gone(reply):
        return None
    if not reply.ok or not reply.object:
        raise unexpected(reply)
    return reply.object


def standing_of(row: Json) -> Standing:
    """Return the state of an open task."""
    delegated = row.get("delegationState") in ("pending", "PENDING")
    return Standing(True, text_in(row, "assignee"), delegated=delegated)


def ended_standing(row: Json, answers: frozenset[str]) -> Standing:
    """Return the state of a task in the engine's history."""
    cancelled = row.get("deleteReason") not in (None, "", "completed")
    return Standing(False, text_in(row, "assignee"), answers, cancelled=cancelled)


def messages_in(comments: Reply) -> list[Any]:
    """Return the texts of a task's comments; none if the engine does not show them."""
    return [comment.get("message") for comment in rows(comments.body)] if comments.ok else []


def typed(value: Any, type: str) -> Json:
    """Return the value with its declared type, or that of the JSON value. Untyped values must be simple."""
    if type == "date":
        moment = instant(value)
        if moment is not None and len(value) > len("2026-01-31"):
            value = moment.isoformat(timespec="milliseconds")
        return {"type": "date", "value": value}
    if type:
        return {"type": type, "value": value}
    if isinstance(value, bool):
        return {"type": "boolean", "value": value}
    if isinstance(value, int):
        return whole(value)
    if isinstance(value, float):
        return {"type": "double", "value": value}
    if isinstance(value, dict | list):
        return {"type": "json", "value": value}
    return {"type": "string", "value": value}


def whole(value: int) -> Json:
    """Return an integer of as many bits as the value needs; above 64 bits as text."""
    if -(2**31) <= value < 2**31:
        return {"type": "integer", "value": value}
    return {"type": "long", "value": value} if -(2**63) <= value < 2**63 else {"type": "string", "value": str(value)}
