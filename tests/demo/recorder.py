"""A wfpush of one page: takes the calls the contract describes, keeps them, and can be told to fail."""

import json
from typing import Any

from aiohttp import web

Call = dict[str, Any]


class Recorder:
    """`failures` are answered first, one a call; `None` in it means an ordinary answer."""

    def __init__(self, api_key: str = "wfp_key") -> None:
        self.api_key = api_key
        self.url = ""
        self.people: dict[str, Call] = {}
        self.teams: dict[str, Call] = {}
        self.order: list[str] = []
        self.events: list[Call] = []
        self.received: list[str] = []
        self.failures: list[web.Response | None] = []
        self.away: web.Response | None = None
        self.lost_answers = 0
        self.files: dict[str, bytes] = {}
        self.refused_types: dict[str, web.Response] = {}
        self.app = web.Application()
        self.app.add_routes(
            [
                web.put("/api/v1/recipients/{ref}", self.put_person),
                web.put("/api/v1/teams/{slug}", self.put_team),
                web.post("/api/v1/recipients/{ref}/links", self.post_link),
                web.post("/api/v1/events", self.post_event),
                web.get("/api/v1/attachments/{id}", self.get_file),
            ]
        )

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of_type(self, event_type: str) -> list[Call]:
        return [event for event in self.events if event["type"] == event_type]

    def _fault(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {self.api_key}":
            return problem(401, "unauthenticated", "This key is not known.")
        if self.failures and (failure := self.failures.pop(0)):
            return failure
        return copy(self.away) if self.away else None

    async def put_person(self, request: web.Request) -> web.Response:
        body = await request.json()
        if fault := self._fault(request):
            return fault
        ref = request.match_info["ref"]
        if body.get("manager") not in {None, *self.people}:
            return problem(422, "invalid", "The manager is not known.")
        self.people[ref] = body
        self.order.append(ref)
        return web.json_response({"ref": ref}, status=201)

    async def post_link(self, request: web.Request) -> web.Response:
        if fault := self._fault(request):
            return fault
        url = f"https://wfpush.example/link/{request.match_info['ref']}"
        return web.json_response({"url": url, "expires_at": "2026-11-30T00:00:00Z"}, status=201)

    async def get_file(self, request: web.Request) -> web.Response:
        if fault := self._fault(request):
            return fault
        return web.Response(body=self.files[request.match_info["id"]])

    async def put_team(self, request: web.Request) -> web.Response:
        body = await request.json()
        if fault := self._fault(request):
            return fault
        self.teams[request.match_info["slug"]] = body
        return web.json_response({}, status=201)

    async def post_event(self, request: web.Request) -> web.Response:
        """202 the first time, 200 for the same again, 409 for other content under a known id."""
        event = json.loads(await request.read())
        assert request.content_type == "application/cloudevents+json"
        assert event["specversion"] == "1.0"
        self.received.append(event["id"])
        if fault := self._fault(request):
            return fault
        if event["type"] in self.refused_types:
            return copy(self.refused_types[event["type"]])
        known = [old for old in self.events if (old["source"], old["id"]) == (event["source"], event["id"])]
        if known and known[0] != event:
            return problem(409, "event_id_reused", "This id came with other content.")
        if not known:
            self.events.append(event)
        if self.lost_answers:
            self.lost_answers -= 1
            return problem(500, "lost", "The event is kept, this answer is lost.")
        status = "duplicate" if known else "accepted"
        return web.json_response({"id": event["id"], "status": status}, status=200 if known else 202)


def problem(status: int, code: str, detail: str, **headers: str) -> web.Response:
    body = {"type": f"/problems/{code}", "title": code, "status": status, "detail": detail, "code": code}
    return web.json_response(body, status=status, headers=headers, content_type="application/problem+json")


def copy(response: web.Response) -> web.Response:
    """A response can be sent once; this is another like it."""
    return web.Response(status=response.status, body=response.body, content_type=response.content_type)
