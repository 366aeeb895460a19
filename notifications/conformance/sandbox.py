"""Deploys the kit's process in an engine, starts its instances, and removes all of it. Nothing else is touched.

Paths are those of Camunda 7 REST 7.24, Flowable REST 7, and Orchestration Cluster REST 8.8.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from notifications.conformance.contract import Options, until
from notifications.connectors import camunda7, flowable
from notifications.connectors.access import Access, EngineClient
from notifications.connectors.api import Api, Failed, Reply, part, rows, unexpected
from notifications.connectors.flowable import messages_in
from notifications.connectors.rest import RestConnector
from notifications.types import Json, object_in, text_in

PROCESSES = Path(__file__).parent / "processes"
BOUNDARY = "wfpush-conformance-part"
TYPES = {"kit_due": "date"}
Say = Callable[[str], None]
INSTANCES = 6
"""How many instances the lines need, where a person starts them."""


class Refused(Exception):
    """Raised when the kit cannot begin; the text says why and what to do."""


class Sandbox:
    """The kit's process, named `key`. `own`: the tasks that the kit may act on. `say`: tells the person something."""

    remembers: ClassVar[bool] = True
    """Whether engines of the kind say who had a task that ended, and by which answer of ours it ended."""
    typed: ClassVar[bool] = True
    """Whether the engine checks types of variables."""
    by_hand: ClassVar[bool] = False
    """Whether a person starts the process."""
    instance_member: ClassVar[str] = "processInstanceId"
    """The member of a task with the id of its instance."""
    unknown_task: ClassVar[str] = "00000000-0000-4000-8000-000000000000"

    def __init__(
        self, line: EngineClient, access: Access, connector: RestConnector, key: str, options: Options, say: Say
    ) -> None:
        self.line, self.access, self.connector, self.key = line, access, connector, key
        self.options, self.say = options, say
        self.paths = {**connector.paths, **options.paths}
        self.own: set[str] = set()
        self.instances: list[str] = []
        self._is_begun = False

    def api_of(self, access: Access) -> Api:
        return Api(self.line, access, self.paths)

    async def begin(self) -> None:
        """Deploy the process. Raises Refused if there is one of this name, and Failed."""
        if await self.definitions():
            raise Refused(f"The engine has a process {self.key} already. Nothing was changed. Run the kit again.")
        self._is_begun = True
        await self.deploy()

    async def open(self, variables: Json) -> tuple[str, list[Json]]:
        """Start an instance. Return its id, and its tasks as far as the engine shows them. Raises Failed."""
        instance = await self.start(variables)
        self.instances.append(instance)
        return instance, await self.tasks(instance)

    async def following(self, instance: str, answer: str) -> list[Json]:
        """Return the tasks that follow one completed by this answer. Raises Failed."""
        return await self.tasks(instance)

    async def clean_up(self) -> list[str]:
        """Remove all that the kit has made. Return sentences about what is left."""
        try:
            return await self.remove(await self.definitions()) if self._is_begun else []
        except Failed as failed:
            return [f"The process {self.key} and its instances may still be there: {failed.result.detail}"]

    # --- methods that kinds implement; all raise Failed -------------------------------------------
    async def definitions(self) -> list[Json]:
        """Return the definitions of a process of this name."""
        raise NotImplementedError

    async def deploy(self) -> None:
        raise NotImplementedError

    async def start(self, variables: Json) -> str:
        raise NotImplementedError

    async def tasks(self, instance: str) -> list[Json]:
        """Return the open tasks of an instance of the kit."""
        raise NotImplementedError

    async def variables(self, row: Json) -> Json:
        """Return the variables of a task's process by name, as the engine writes them."""
        raise NotImplementedError

    async def remove(self, definitions: list[Json]) -> list[str]:
        """Remove instances and definitions. Return sentences about what is left."""
        raise NotImplementedError

    async def cancel(self, instance: str) -> bool:
        """End an instance without completing its task. False if the kit cannot."""
        return False

    async def delegate(self, task: str, user: str) -> bool:
        """Delegate a task inside the engine. False if there is no delegation."""
        return False

    async def comments(self, task: str) -> list[Any]:
        """Return the texts of the comments on a task."""
        return []

    # --- requests ---------------------------------------------------------------------------------
    async def ask(self, method: str, path: str, body: Any = None, query: Json | None = None, **more: Any) -> Reply:
        """Make a request of the kit's own. Raises Failed for any reply but success."""
        reply = await self.api_of(self.access).call(method, path, body, query, **more)
        if not reply.ok:
            raise unexpected(reply)
        return reply

    async def upload(self, path: str, field: str) -> Reply:
        """Deploy the process as the file of a form (RFC 7578). Raises Failed."""
        model = (PROCESSES / f"{self.connector.kind}.bpmn").read_text("utf-8").replace("KEY", self.key)
        head = f'Content-Disposition: form-data; name="{field}"; filename="{self.key}.bpmn"\r\nContent-Type: text/xml'
        form = f"--{BOUNDARY}\r\n{head}\r\n\r\n{model}\r\n--{BOUNDARY}--\r\n"
        return await self.ask("POST", path, form.encode(), content_type=f"multipart/form-data; boundary={BOUNDARY}")

    async def remove_one(self, label: str, method: str, path: str, body: Any = None) -> list[str]:
        """Remove one thing. Return a sentence if it stays."""
        try:
            await self.ask(method, path, body)
        except Failed as failed:
            return [] if failed.result.status == 404 else [f"{label} stays: {failed.result.detail}"]
        return []

    def claimed(self, tasks: Any, instance: str = "") -> list[Json]:
        """Return the tasks in a reply that are the kit's by name and instance, since an engine may ignore a filter. The
        kit may act on them from now on."""
        named = [row for row in rows(tasks) if text_in(row, "name").startswith(f"{self.key}: ")]
        own = [row for row in named if not instance or row.get(self.instance_member) in (None, instance)]
        self.own.update(map(self.connector.listing.id_of, own))
        return own


class DeploymentSandbox(Sandbox):
    """Engines that delete a deployment with all instances of its processes. `deployments`: the path."""

    deployments: ClassVar[str]

    async def remove(self, definitions: list[Json]) -> list[str]:
        paths = {f"{self.deployments}/{part(text_in(each, 'deploymentId'))}?cascade=true" for each in definitions}
        label = f"The deployment of {self.key} with its instances"
        return [sentence for path in paths for sentence in await self.remove_one(label, "DELETE", path)]


class Camunda7Sandbox(DeploymentSandbox):
    deployments = "/deployment"

    async def definitions(self) -> list[Json]:
        return rows((await self.ask("GET", "/process-definition", query={"key": self.key})).body)

    async def deploy(self) -> None:
        await self.upload("/deployment/create", "data")

    async def start(self, variables: Json) -> str:
        typed = {name: camunda7.typed(value, TYPES.get(name, "")) for name, value in variables.items()}
        reply = await self.ask("POST", f"/process-definition/key/{self.key}/start", {"variables": typed})
        return text_in(reply.object, "id")

    async def tasks(self, instance: str) -> list[Json]:
        return self.claimed((await self.ask("GET", "/task", query={"processInstanceId": instance})).body, instance)

    async def cancel(self, instance: str) -> bool:
        return (await self.ask("DELETE", f"/process-instance/{part(instance)}")).ok

    async def delegate(self, task: str, user: str) -> bool:
        return (await self.ask("POST", f"/task/{part(task)}/delegate", {"userId": user})).ok

    async def comments(self, task: str) -> list[Any]:
        return messages_in(await self.ask("GET", f"/task/{part(task)}/comment"))

    async def variables(self, row: Json) -> Json:
        path, query = f"/task/{part(text_in(row, 'id'))}/variables", {"deserializeValues": "false"}
        variables = (await self.ask("GET", path, query=query)).object
        return {name: object_in(variables, name).get("value") for name in variables}


class FlowableSandbox(DeploymentSandbox):
    deployments = "/repository/deployments"

    async def definitions(self) -> list[Json]:
        reply = await self.ask("GET", "/repository/process-definitions", query={"key": self.key})
        return rows(reply.object.get("data"))

    async def deploy(self) -> None:
        await self.upload("/repository/deployments", "file")

    async def start(self, variables: Json) -> str:
        typed = [{"name": name, **flowable.typed(value, TYPES.get(name, ""))} for name, value in variables.items()]
        body = {"processDefinitionKey": self.key, "variables": typed}
        return text_in((await self.ask("POST", "/runtime/process-instances", body)).object, "id")

    async def tasks(self, instance: str) -> list[Json]:
        query = {"processInstanceId": instance, "includeProcessVariables": "true"}
        return self.claimed((await self.ask("GET", "/runtime/tasks", query=query)).object.get("data"), instance)

    async def cancel(self, instance: str) -> bool:
        path = f"/runtime/process-instances/{part(instance)}"
        return (await self.ask("DELETE", path, query={"deleteReason": "conformance"})).ok

    async def delegate(self, task: str, user: str) -> bool:
        return (await self.ask("POST", f"/runtime/tasks/{part(task)}", {"action": "delegate", "assignee": user})).ok

    async def comments(self, task: str) -> list[Any]:
        return messages_in(await self.ask("GET", f"/runtime/tasks/{part(task)}/comments"))

    async def variables(self, row: Json) -> Json:
        path = f"/runtime/tasks/{part(text_in(row, 'id'))}/variables"
        variables = rows((await self.ask("GET", path, query={"scope": "global"})).body)
        return {text_in(each, "name"): each.get("value") for each in variables}


class Camunda8Sandbox(Sandbox):
    typed = False
    instance_member = "processInstanceKey"
    unknown_task = "3377699720527872"
    _deployed: Sequence[Json] = ()

    async def definitions(self) -> list[Json]:
        body = {"filter": {"processDefinitionId": self.key}}
        return rows((await self.ask("POST", "/process-definitions/search", body, acts=False)).object.get("items"))

    async def deploy(self) -> None:
        deployments = rows((await self.upload("/deployments", "resources")).object.get("deployments"))
        self._deployed = [object_in(each, "processDefinition") for each in deployments]

    async def start(self, variables: Json) -> str:
        body = {"processDefinitionId": self.key, "variables": variables}
        return text_in((await self.ask("POST", "/process-instances", body)).object, "processInstanceKey")

    async def tasks(self, instance: str) -> list[Json]:
        body = {"filter": {"processInstanceKey": instance, "state": "CREATED"}}
        reply = await self.ask("POST", "/user-tasks/search", body, acts=False)
        return self.claimed(reply.object.get("items"), instance)

    async def cancel(self, instance: str) -> bool:
        return (await self.ask("POST", f"/process-instances/{part(instance)}/cancellation", {})).ok

    async def variables(self, row: Json) -> Json:
        read = dict(row)
        await self.connector.listing.add_variables(self.api_of(self.access), read)
        return object_in(read, "variables")

    async def remove(self, definitions: list[Json]) -> list[str]:
        left = []
        for instance in self.instances:
            path = f"/process-instances/{part(instance)}/cancellation"
            left += await self.remove_one(f"The instance {instance}", "POST", path, {})
        for definition in definitions or self._deployed:
            path = f"/resources/{part(text_in(definition, 'processDefinitionKey'))}/deletion"
            left += await self.remove_one(f"The process {self.key}", "POST", path, {})
        history = f"Camunda 8 keeps the history of {len(self.instances)} instances until its own retention removes it."
        return [*left, history] if self.instances else left


class OpenTextSandbox(Sandbox):
    """A person models and starts the process, since no document names a way for programs. The kit takes the tasks whose
    names have its key."""

    remembers = False
    typed = False
    by_hand = True

    async def definitions(self) -> list[Json]:
        return await self._named("answer")

    async def deploy(self) -> None:
        self.say(steps_by_hand(self.key))
        if not await until(self._are_ready, self.options.by_hand):
            raise Refused(f"There are {len(self._ready)} tasks “{self.key}: answer”, and the kit needs {INSTANCES}.")
        self.say("The tasks are there.\n")

    async def _are_ready(self) -> bool:
        self._ready = await self.definitions()
        return len(self._ready) >= INSTANCES

    async def open(self, variables: Json) -> tuple[str, list[Json]]:
        return "", self.claimed([self._ready.pop()] if self._ready else [])

    async def following(self, instance: str, answer: str) -> list[Json]:
        tasks = [*await self._named("approved"), *await self._named("not approved")]
        return self.claimed([row for row in tasks if answer in (await self.variables(row)).values()])

    async def _named(self, step: str) -> list[Json]:
        name = f"{self.key}: {step}"
        query = {"name": name, "includeProcessVariables": "true", "count": "100"}
        embedded = object_in((await self.ask("GET", "/tasks", query=query)).object, "_embedded")
        return [row for row in rows(embedded.get("tasks")) if row.get("name") == name]

    async def delegate(self, task: str, user: str) -> bool:
        return (await self.ask("POST", f"/tasks/{part(task)}", {"action": "delegate", "assignee": user})).ok

    async def variables(self, row: Json) -> Json:
        return {text_in(each, "name"): each.get("value") for each in rows(row.get("variables"))}

    async def remove(self, definitions: list[Json]) -> list[str]:
        return [f"Delete the model {self.key} and its instances by hand: no document names a way for programs."]


def steps_by_hand(key: str) -> str:
    return f"""Do this in OpenText Workflow Service. The kit waits for the tasks.

1. Make a process model with the key and the name {key}.
2. Add a user task “{key}: answer” after the start, due at the variable kit_due.
   Its candidates are the user wfpush-kit and the group wfpush-kit-team.
3. Add an exclusive gateway after it. Where the variable wfpush_outcome is “approved”, it leads to a user task
   “{key}: approved”, and otherwise to a user task “{key}: not approved”. Both lead to the end.
4. Deploy the model, and start {INSTANCES} instances with the variables kit_due (an hour ago), kit_amount (1234.56)
   and kit_text (Grüße).
"""


SANDBOXES: dict[str, type[Sandbox]] = {
    "camunda7": Camunda7Sandbox,
    "camunda8": Camunda8Sandbox,
    "flowable": FlowableSandbox,
    "opentext": OpenTextSandbox,
}
