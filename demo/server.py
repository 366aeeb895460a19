"""The engine over HTTP: wfpush's callbacks, a JSON API, and the pages."""

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from aiohttp import web

from demo import pages
from demo.callbacks import (
    ANSWERED,
    MESSAGE,
    REASSIGN,
    Answer,
    CallbackEvent,
    MalformedError,
    SignatureError,
    read_callback,
)
from demo.client import WfpushError
from demo.config import Settings
from demo.definitions import DataError
from demo.documents import document
from demo.engine import Engine, Summary, UnknownTaskError, as_dict
from demo.instance import Instance
from demo.people import customer_in, person
from demo.records import Clock, InstanceRecord, KeptFile, Verdict, utc_now
from demo.sender import Connection

log = logging.getLogger("demo.server")

LASTS = timedelta(minutes=2)
"""The length of an outage."""


class Outage:
    """An outage that somebody asks for: the engine takes no answers for a while, and it is seen how they wait."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._until: datetime | None = None

    def begin(self) -> None:
        self._until = self._clock() + LASTS

    def end(self) -> None:
        self._until = None

    @property
    def until(self) -> datetime | None:
        """The end of the outage; None when there is none."""
        return self._until if self._until is not None and self._clock() < self._until else None


ENGINE = web.AppKey("engine", Engine)
CONNECTION = web.AppKey("connection", Connection)
SETTINGS = web.AppKey("settings", Settings)
HOSTS = web.AppKey("hosts", frozenset)
OUTAGE = web.AppKey("outage", Outage)

_STATIC = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Start(msgspec.Struct, frozen=True):
    """The body of `POST /api/instances`."""

    process: str
    data: dict[str, Any] = {}
    sample: str | None = None


def make_app(
    engine: Engine,
    connection: Connection,
    settings: Settings,
    background: Callable[[web.Application], AsyncIterator[None]],
) -> web.Application:
    """The application; `background` runs from start to stop beside it."""
    app = web.Application(middlewares=[_guard], client_max_size=1024 * 1024)
    app[ENGINE] = engine
    app[CONNECTION] = connection
    app[SETTINGS] = settings
    app[OUTAGE] = Outage()
    app[HOSTS] = frozenset({"127.0.0.1", "localhost", "::1", urlsplit(settings.base_url).hostname})
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.post("/callback", callback),
            web.get("/api/instances", list_instances),
            web.post("/api/instances", post_instance),
            web.get("/api/instances/{id}", get_instance),
            web.get("/", show_overview),
            web.post("/start", press_start),
            web.post("/away", press_away),
            web.post("/back", press_back),
            web.get("/instances/{id}", show_instance),
            web.get("/instances/{id}/documents/{name}", get_document),
            web.get("/instances/{id}/files/{file}", get_file),
            web.post("/instances/{id}/customer", press_customer),
            web.get("/tasks/{id}", show_task),
            web.post("/tasks/{id}/complete", press_complete),
            web.post("/tasks/{id}/reassign", press_reassign),
            web.get("/static/{name}", get_static),
        ]
    )
    app.on_response_prepare.append(_add_headers)
    app.cleanup_ctx.append(background)
    return app


class NotFound(web.HTTPNotFound):
    """Something that is not there; its text is a sentence for people."""


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only by a name of this machine (against DNS rebinding), and no changes by forms of other sites."""
    if urlsplit(f"//{request.host}").hostname not in request.app[HOSTS]:
        return _json({"detail": "This server is not known by that name."}, 421)
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and origin != f"{request.scheme}://{request.host}":
        return _json({"detail": "This request comes from another site's page."}, 403)
    try:
        return await handler(request)
    except web.HTTPNotFound as error:
        words = error.text if isinstance(error, NotFound) and error.text else "There is nothing at this address."
        if request.path.startswith("/api/"):
            return _json({"detail": words}, 404)
        return page_of(request, pages.failure("Not found", words, request.app[CONNECTION]), 404)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


# For wfpush


async def healthz(_request: web.Request) -> web.Response:
    return _json({"status": "ok"})


async def callback(request: web.Request) -> web.Response:
    """Take a callback of wfpush. 200: it counts and is on disk; 409: task closed or taken; 422: impossible; 503: its
    files cannot be read now, or the engine is away; 401: bad signature; 400: malformed."""
    if request.app[OUTAGE].until is not None:
        return _json({"detail": "The engine is away, as somebody asked on its page."}, 503)
    try:
        key, event = read_callback(request.app[SETTINGS].signing_secret, request.headers, await request.read())
        verdict = await _apply_event(request.app, key, event)
    except SignatureError as error:
        verdict = Verdict(401, f"The signature does not hold: {error}")
    except MalformedError as error:
        verdict = Verdict(400, f"This is not a CloudEvent as wfpush sends them: {error}")
    except UnknownTaskError as error:
        verdict = Verdict(422, str(error))
    except WfpushError as error:
        verdict = Verdict(503, f"A file cannot be read: {error}")
    return _json({"detail": verdict.detail}, verdict.status)


async def _apply_event(app: web.Application, key: str, event: CallbackEvent) -> Verdict:
    """Change what the event asks for. Raises MalformedError, UnknownTaskError and WfpushError."""
    engine = app[ENGINE]
    if event.type == ANSWERED:
        answer = event.answer
        await _keep(app, answer.task_id, answer.files)
        return await engine.change(answer.task_id, lambda instance: instance.respond(key, answer))
    if event.type == REASSIGN:
        wish = event.reassignment
        return await engine.change(wish.task_id, lambda instance: instance.hand_over(key, wish))
    if event.type == MESSAGE:
        task_id, message = event.message.task_id, event.message.message
        await _keep(app, task_id, message.attachments)
        return await engine.change(task_id, lambda instance: instance.note_message(key, task_id, message))
    return Verdict(200, f"Nothing here waits for {event.type}.")


async def _keep(app: web.Application, task_id: str, files: Sequence[KeptFile]) -> None:
    """Files are here before the answer counts: until then wfpush tells it again. Raises WfpushError."""
    client = app[CONNECTION].client
    if client is None:
        raise WfpushError("The engine has not started yet.")
    await app[ENGINE].keep_files(task_id, files, client.read_file)


# For programs


async def list_instances(request: web.Request) -> web.Response:
    return _json({"items": [as_dict(summary) for summary in request.app[ENGINE].summaries]})


async def get_instance(request: web.Request) -> web.Response:
    return _json(_whole(_record(request)))


async def post_instance(request: web.Request) -> web.Response:
    """Starts an instance: 201 and the instance, or 422 saying which field is wrong."""
    if request.content_type != "application/json":
        return _json({"detail": "Send JSON with Content-Type: application/json."}, 415)
    try:
        start = msgspec.json.decode(await request.read(), type=Start)
    except msgspec.ValidationError as error:
        return _json({"detail": f"{error}. Send a process, and data if you like."}, 422)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _json({"detail": f"This is not JSON: {error}"}, 400)
    try:
        record = await request.app[ENGINE].start(start.process, start.data, start.sample)
    except DataError as error:
        return _json({"detail": str(error), "errors": error.errors}, 422)
    return _json(_whole(record), 201, {"Location": f"/api/instances/{record.id}"})


def _whole(record: InstanceRecord) -> dict[str, Any]:
    return {
        **as_dict(Summary.of(record)),
        "data": record.data,
        "history": msgspec.to_builtins(record.history),
        "events": msgspec.to_builtins(record.events),
    }


# For people


async def show_overview(request: web.Request) -> web.Response:
    app = request.app
    return page_of(request, pages.overview(app[ENGINE], app[CONNECTION], app[SETTINGS], app[OUTAGE].until))


async def show_instance(request: web.Request) -> web.Response:
    return page_of(request, _detail(request, _record(request)))


async def show_task(request: web.Request) -> web.Response:
    """Where the links in notifications lead: the task's instance, at the task."""
    task_id = request.match_info["id"]
    try:
        instance_id = request.app[ENGINE].instance_of(task_id)
    except UnknownTaskError as error:
        raise NotFound(text=str(error)) from None
    raise web.HTTPSeeOther(f"/instances/{instance_id}#task-{task_id}")


async def press_start(request: web.Request) -> web.Response:
    form = await _form(request)
    try:
        record = await request.app[ENGINE].start(form.get("process", ""), {}, form.get("sample", ""))
    except DataError as error:
        return page_of(request, pages.failure("Nothing was started", str(error), request.app[CONNECTION]), 422)
    raise web.HTTPSeeOther(f"/instances/{record.id}")


async def press_away(request: web.Request) -> web.Response:
    request.app[OUTAGE].begin()
    raise web.HTTPSeeOther("/")


async def press_back(request: web.Request) -> web.Response:
    request.app[OUTAGE].end()
    raise web.HTTPSeeOther("/")


async def press_complete(request: web.Request) -> web.Response:
    form, task_id = await _form(request), request.match_info["id"]
    answer = Answer(task_id, form.get("action", ""), person(form.get("by", "")), form.get("comment", ""))
    return await _after(request, lambda instance: instance.complete_here(answer))


async def press_reassign(request: web.Request) -> web.Response:
    form, task_id = await _form(request), request.match_info["id"]
    return await _after(request, lambda instance: instance.reassign(task_id, person(form.get("to", ""))))


async def press_customer(request: web.Request) -> web.Response:
    await _form(request)
    record, connection = _record(request), request.app[CONNECTION]
    customer = customer_in(record.data)
    if customer is None:
        raise NotFound(text="This process has no customer.")
    if connection.client is None:
        return page_of(request, pages.failure("Not yet", "The engine has not started yet.", connection), 503)
    try:
        address = await connection.client.sign_in_link(customer["ref"])
    except WfpushError as error:
        return page_of(request, pages.failure("There is no link", str(error), connection), 503)
    return page_of(request, pages.customer_link(record, customer["name"], address, connection))


async def _after(request: web.Request, change: Callable[[Instance], Verdict]) -> web.Response:
    """Back to the instance; when the change did not work, its page says why."""
    try:
        verdict = await request.app[ENGINE].change(request.match_info["id"], change)
    except UnknownTaskError as error:
        raise NotFound(text=str(error)) from None
    instance_id = request.app[ENGINE].instance_of(request.match_info["id"])
    if verdict.taken:
        raise web.HTTPSeeOther(f"/instances/{instance_id}")
    record = request.app[ENGINE].record(instance_id)
    return page_of(request, _detail(request, record, verdict.detail), verdict.status)


async def get_document(request: web.Request) -> web.Response:
    try:
        page = document(_record(request), request.match_info["name"])
    except KeyError:
        raise NotFound(text="There is no such document.") from None
    # The page's policy would keep a browser's own PDF viewer from rendering.
    headers = {"Content-Security-Policy": "frame-ancestors 'none'", "Access-Control-Allow-Origin": "*"}
    charset = "utf-8" if page.content_type.startswith("text/") else None
    return web.Response(body=page.content, content_type=page.content_type, charset=charset, headers=headers)


async def get_file(request: web.Request) -> web.Response:
    try:
        file, content = request.app[ENGINE].file_of(request.match_info["id"], request.match_info["file"])
    except KeyError:
        raise NotFound(text="There is no such file.") from None
    shown = "inline" if file.type in pages.PICTURES or file.type == "application/pdf" else "attachment"
    headers = {
        "Content-Type": file.type,
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": "frame-ancestors 'none'",
        "Access-Control-Allow-Origin": "*",
    }
    return web.Response(body=content, headers=headers)


async def get_static(request: web.Request) -> web.Response:
    path = _STATIC / request.match_info["name"]
    if path.suffix not in _TYPES or path.parent != _STATIC or not path.is_file():
        raise web.HTTPNotFound()
    return _tagged(request, path.read_bytes(), _TYPES[path.suffix])


def _record(request: web.Request) -> InstanceRecord:
    try:
        return request.app[ENGINE].record(request.match_info["id"])
    except KeyError:
        raise NotFound(text="There is no such process instance.") from None


def _detail(request: web.Request, record: InstanceRecord, refusal: str = "") -> str:
    definition = request.app[ENGINE].definitions[record.process]
    return pages.detail(definition, record, Summary.of(record).steps, request.app[CONNECTION], refusal)


async def _form(request: web.Request) -> dict[str, str]:
    """The fields of a form of this site. Browsers name the origin of every POST; without it nothing is done."""
    if "Origin" not in request.headers:
        raise web.HTTPForbidden(text="Forms are sent from this site's own pages (no Origin header).")
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def page_of(request: web.Request, text: str, status: int = 200) -> web.Response:
    return _tagged(request, text.encode(), "text/html", status)


def _tagged(request: web.Request, body: bytes, content_type: str, status: int = 200) -> web.Response:
    """With an ETag, so that a page that polls gets the content only when it has changed."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if status == 200 and request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    return web.Response(status=status, body=body, content_type=content_type, charset="utf-8", headers=headers)


def _json(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json", headers=headers)
