"""A first synchronization by SCIM, as Entra ID sends it: each person and group is looked up, then made; then members
are added."""

import time
from typing import Any

import aiohttp

from bench.api import at_once
from bench.harness import BenchError, Figure, House, Json, bounded

PEOPLE, GROUPS, MEMBERS = 2_000, 200, 20
LINES = 4
"""Requests at the same time."""
SECONDS = 60.0
USER, GROUP = "urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


async def measure(house: House) -> list[Figure]:
    token = house.inside("scim_token")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    async with aiohttp.ClientSession(f"{house.url}/scim/v2/", headers=headers) as session:
        began = time.monotonic()
        first = (await _make(session, "Users", "userName", _user(0, "")))["id"]
        ids: dict[int, str] = {0: first}
        await at_once([_people(session, range(line + 1, PEOPLE, LINES), first, ids) for line in range(LINES)])
        await at_once([_groups(session, range(line, GROUPS, LINES), ids) for line in range(LINES)])
        seconds = time.monotonic() - began
    counts = house.rows(
        "SELECT (SELECT count(*) FROM provisioning_scimuser), (SELECT count(*) FROM notifications_team)"
    )
    memberships = house.one("SELECT count(*) FROM notifications_team_members")
    if (*counts[0], memberships) != (PEOPLE, GROUPS, GROUPS * MEMBERS):
        raise BenchError(f"People, teams and memberships are {counts[0]} and {memberships}.")
    return [bounded(f"{PEOPLE:,} people and {GROUPS} groups by SCIM, {LINES} requests at once", seconds, "s", SECONDS)]


async def _people(session: aiohttp.ClientSession, numbers: range, manager: str, ids: dict[int, str]) -> None:
    for number in numbers:
        ids[number] = (await _make(session, "Users", "userName", _user(number, manager)))["id"]


async def _groups(session: aiohttp.ClientSession, numbers: range, ids: dict[int, str]) -> None:
    for number in numbers:
        group = {"schemas": [GROUP], "displayName": f"Group {number}", "externalId": f"g{number}"}
        path = f"Groups/{(await _make(session, 'Groups', 'displayName', group))['id']}"
        members = [{"value": ids[(number * MEMBERS + place) % PEOPLE]} for place in range(MEMBERS)]
        operation = {"op": "Add", "path": "members", "value": members}
        await _call(session, "PATCH", path, {"schemas": [PATCH], "Operations": [operation]})


def _user(number: int, manager: str) -> Json:
    name = f"person{number}@acme.example"
    work = {"department": f"Department {number % 40}", "employeeNumber": f"{number}"}
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": name,
        "externalId": f"e{number}",
        "displayName": f"Person {number}",
        "name": {"givenName": "Person", "familyName": f"{number}"},
        "emails": [{"type": "work", "value": name, "primary": True}],
        "active": True,
        ENTERPRISE: {**work, "manager": {"value": manager}} if manager else work,
    }


async def _make(session: aiohttp.ClientSession, kind: str, name: str, resource: Json) -> Json:
    """Look for a resource, as providers do, and make it."""
    found: Json = await _call(session, "GET", f'{kind}?filter={name} eq "{resource[name]}"')
    if found["totalResults"]:
        raise BenchError(f"{resource[name]} is there already.")
    made: Json = await _call(session, "POST", kind, resource)
    return made


async def _call(session: aiohttp.ClientSession, method: str, path: str, body: Json | None = None) -> Any:
    async with session.request(method, path, json=body) as response:
        if response.status >= 300:
            raise BenchError(f"{method} {path}: {response.status} {await response.text()}")
        return await response.json(content_type=None)
