"""Lists an engine's open tasks from an instant on, oldest first, for engines that cannot send events.

Rows are the engine's own JSON. Data that lists leave out is queried: candidates for each unassigned task, and who
started the processes of all rows at once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from notifications.connectors.api import Api, Reply, instant, part, rows, unexpected
from notifications.forms.engine_forms import unread
from notifications.types import Json, read_json
from notifications.wording.plaintext import clean_line, cut

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The list of a kind's open tasks. `id` and `created`: the members with a task's id and the instant of its
    creation."""

    id: str = "id"
    created: str = "createTime"

    def id_of(self, row: Json) -> str:
        return str(row.get(self.id, ""))

    def created_at(self, row: Json) -> datetime:
        """Return when the task was created; an instant that cannot be read counts as the oldest."""
        return instant(row.get(self.created)) or datetime(1970, 1, 1, tzinfo=UTC)

    async def created_since(self, api: Api, since: datetime | None, size: int) -> list[Json]:
        """Return at most `size` open tasks created after `since`, oldest first. Raises Failed."""
        raise NotImplementedError

    async def add_people(self, api: Api, row: Json) -> None:
        """Add `candidateUsers` and `candidateGroups` to an unassigned task, if its row has none. Raises Failed."""

    async def add_form(self, api: Api, row: Json, *, or_name: bool = True) -> None:
        """Add the `form` of a task that has one, as the engine has it. `or_name`: add the name of a form that the
        engine does not return. Raises Failed."""

    async def add_variables(self, api: Api, row: Json) -> None:
        """Add `variables` to a task that was read by itself, except those that lists and listeners write differently.
        Raises Failed."""

    async def add_starters(self, api: Api, tasks: Sequence[Json]) -> None:
        """Add `startUserId` to the tasks of processes whose starter the engine knows. Raises Failed."""


def _written(since: datetime) -> str:
    """Return an instant as Flowable and Camunda 7 read it: 2026-11-25T09:00:00.000+0000."""
    utc = since.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}+0000"


@dataclass(frozen=True)
class Query(Listing):
    """Lists of Flowable and engines like it: parameters of a GET, and links that list candidates.

    `rows`: the member of the answer with the rows; empty where the answer is the list itself. `form`: the path of a
    task's form, and `form_keys` the members that tasks with a form have; empty if unknown. `variables`: the path of a
    task's variables; empty if its row has them. `processes`: the path that finds processes by `processInstanceIds`,
    with their `startUserId`; empty if unknown.
    """

    path: str
    parameters: Mapping[str, str]
    size: str
    since: str
    rows: tuple[str, ...] = ()
    links: str = ""
    user: str = ""
    group: str = ""
    form: str = ""
    form_keys: tuple[str, ...] = ()
    variables: str = ""
    processes: str = ""

    async def created_since(self, api: Api, since: datetime | None, size: int) -> list[Json]:
        query = {**self.parameters, self.size: str(size), **({self.since: _written(since)} if since else {})}
        return rows(self._listed(await api.call("GET", self.path, query=query)))

    def _listed(self, reply: Reply) -> list[Any]:
        """Return the list in a reply. Raises Failed."""
        listed: Any = reply.body
        for name in self.rows:
            if not reply.ok or not isinstance(listed, dict):
                raise unexpected(reply)
            listed = listed.get(name, {} if name == "_embedded" else [])
        if not reply.ok or not isinstance(listed, list):
            raise unexpected(reply)
        return listed

    async def add_people(self, api: Api, row: Json) -> None:
        if not self.links or row.get("assignee"):
            return
        reply = await api.call("GET", self.links.format(task=part(self.id_of(row))))
        if reply.status == 404:  # completed meanwhile
            return
        if not reply.ok:
            raise unexpected(reply)
        candidates = [link for link in rows(reply.body) if link.get("type") == "candidate"]
        row["candidateUsers"] = [link[self.user] for link in candidates if link.get(self.user)]
        row["candidateGroups"] = [link[self.group] for link in candidates if link.get(self.group)]

    async def add_form(self, api: Api, row: Json, *, or_name: bool = True) -> None:
        key = next((row[name] for name in self.form_keys if row.get(name)), None)
        if self.form and key:
            await _read_form(api, self.form.format(task=part(self.id_of(row))), row, key if or_name else None)

    async def add_variables(self, api: Api, row: Json) -> None:
        if not self.variables:
            return
        reply = await api.call("GET", self.variables.format(task=part(self.id_of(row))))
        if reply.status == 404:  # completed meanwhile
            return
        if not reply.ok:
            raise unexpected(reply)
        if isinstance(reply.body, dict):
            typed = [{**variable, "name": name} for name, variable in reply.body.items() if isinstance(variable, dict)]
        else:
            typed = rows(reply.body)
        row["variables"] = [each for each in typed if _is_simple(each)]

    async def add_starters(self, api: Api, tasks: Sequence[Json]) -> None:
        """Add nothing if the engine keeps or shows no history: the tasks are listed all the same."""
        ids = sorted({str(row["processInstanceId"]) for row in tasks if row.get("processInstanceId")})
        if not self.processes or not ids:
            return
        body, query = {"processInstanceIds": ids}, {self.size: str(len(ids))}
        reply = await api.call("POST", self.processes, body, query, acts=False, may_be_refused=True)
        if reply.status in (403, 404):
            return
        started = {each.get("id"): each.get("startUserId") for each in rows(self._listed(reply))}
        for row in tasks:
            if who := started.get(row.get("processInstanceId")):
                row["startUserId"] = who


MOST_VARIABLES = 1000
SIMPLE = ("string", "boolean", "short", "integer", "long", "double")


def _is_simple(variable: Json) -> bool:
    """Return whether listeners and interfaces write a variable in the same way, unlike dates and objects."""
    return str(variable.get("type", "")).lower() in SIMPLE and variable.get("value") is not None


async def _read_form(api: Api, path: str, row: Json, key: Any) -> None:
    """Add a task's form, or its name if the engine does not return it: a missing form does not keep the task back."""
    reply = await api.call("GET", path, may_be_refused=True)
    if reply.status == 204:
        return
    if not reply.ok or not reply.object:
        if key is None:
            return
        name = key.get("key") if isinstance(key, dict) else key
        log.warning("form_of_a_task_not_read", path=path, status=reply.status)
        row["form"] = unread(cut(clean_line(str(name or "form")), 100))
        return
    row["form"] = reply.object


class Search(Listing):
    """Lists of Camunda 8: a filter and a page in the body; the rows have the candidates. The engine does not store who
    started a process (REST v2, ProcessInstanceResult)."""

    async def created_since(self, api: Api, since: datetime | None, size: int) -> list[Json]:
        filters: Json = {"state": "CREATED"}
        if since is not None:
            filters["creationDate"] = {"$gt": since.astimezone(UTC).isoformat(timespec="milliseconds")}
        body = {
            "filter": filters,
            "sort": [{"field": "creationDate", "order": "ASC"}],
            "page": {"limit": size},
        }
        reply = await api.call("POST", "/user-tasks/search", body, acts=False)
        if not reply.ok or not isinstance(reply.object.get("items"), list):
            raise unexpected(reply)
        return rows(reply.object["items"])

    async def add_form(self, api: Api, row: Json, *, or_name: bool = True) -> None:
        if row.get("formKey"):
            key = row["formKey"] if or_name else None
            await _read_form(api, f"/user-tasks/{part(self.id_of(row))}/form", row, key)

    async def add_variables(self, api: Api, row: Json) -> None:
        """Values are JSON in a string. Values that are cut off, or have several scopes, are left out."""
        body = {"page": {"limit": MOST_VARIABLES}}
        path = f"/user-tasks/{part(self.id_of(row))}/variables/search"
        reply = await api.call("POST", path, body, acts=False)
        if reply.status == 404:  # completed meanwhile
            return
        if not reply.ok:
            raise unexpected(reply)
        variables = [each for each in rows(reply.object.get("items")) if isinstance(each.get("name"), str)]
        several = Counter(each["name"] for each in variables)
        whole = [each for each in variables if several[each["name"]] == 1 and not each.get("isTruncated")]
        values = {each["name"]: read_json(each.get("value")) for each in whole}
        row["variables"] = {name: value for name, value in values.items() if value is not None}
