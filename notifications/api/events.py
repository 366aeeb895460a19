"""The addresses that take events, and the trace of an event."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.serializers import (
    BooleanField,
    CharField,
    ChoiceField,
    DateTimeField,
    DictField,
    IntegerField,
    ListField,
    UUIDField,
)

from notifications.api.frame import docs, last_calls
from notifications.api.frame.authentication import (
    EngineCaller,
    KeyAuthentication,
    SignatureAuthentication,
    read_again,
)
from notifications.api.frame.base import EngineView, answer, http_request
from notifications.api.frame.parsing import body_of
from notifications.api.frame.shown import Shown
from notifications.errors import Failure, NotFound, ScopeMissing, UnsupportedMediaType
from notifications.intake import api_keys, cloudevents, ingest, mapping, throttling
from notifications.intake.cloudevents import BatchMember
from notifications.intake.ingest import IngestResult, KeyChanged
from notifications.intake.limit import limits
from notifications.items.representation import event_trace_json
from notifications.models import Event, EventStatus
from notifications.types import InboundEvent, Json
from wfpush.net import trace_context
from wfpush.observability import tracing
from wfpush.web.pointers import bounded
from wfpush.web.problems import problem, refusal_json

MAX_EVENT_ERROR_BYTES = 4 * 1024
MAX_BATCH_ERROR_BYTES = 24 * 1024
"""Bytes of faults in an answer: of one event of a batch, and of all of them. A thousand events may have a thousand
faults each."""
MAX_RATE_DIGITS = 9
MULTI_STATUS = 207
"""The greatest status of answers to stored events."""
TOO_MANY_WAIT = (
    "As many events of this engine wait to be processed as its administrator allows. Nothing was stored; send this "
    "again after as many seconds as Retry-After says."
)
ERRORS_LEFT_OUT = "Too much is wrong with this batch to tell it of every event. Send this one again to learn more."


class TracedEvent(Shown):
    id = CharField()
    source = CharField()  # type: ignore[assignment]
    type = CharField()
    subject = CharField(allow_null=True)
    time = DateTimeField(allow_null=True)


class TracedRoute(Shown):
    name = CharField()
    matched = BooleanField()
    reason = CharField()


class LeftOut(Shown):
    """How many further ones a trace does not list."""

    recipients = IntegerField()
    deliveries = IntegerField()


class Trace(Shown):
    id = UUIDField()
    event = TracedEvent()
    status = ChoiceField(EventStatus.values)
    received_at = DateTimeField()
    processed_at = DateTimeField(allow_null=True)
    error = CharField(allow_null=True)
    routes = TracedRoute(many=True)
    recipients = ListField(child=DictField())
    unresolved = ListField(child=DictField())
    notes = ListField(child=CharField())
    warnings = ListField(child=CharField())
    deliveries = ListField(child=DictField())
    more = LeftOut()
    answers = ListField(child=DictField())


class Handshaking(EngineView):
    """The base of both addresses for events. A body is read in its own encoding, so DRF's parsers are not used.

    A call may use a key as cached from an earlier call. The key is compared with its row when the events are stored,
    and before the call is refused.
    """

    goes_by_lately_read = True
    parser_classes = []

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        route, parent = request.resolver_match.route, trace_context.valid(request.headers.get(trace_context.NAME))
        attributes = {"http.request.method": request.method, "http.route": f"/{route}", "url.scheme": request.scheme}
        with tracing.span(f"{request.method} /{route}", "server", parent, attributes) as span:
            response = super().dispatch(request, *args, **kwargs)
            span.answered(response.status_code, failed=response.status_code >= 500)
        return response

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        if request.method != "OPTIONS":  # the handshake reveals nothing that needs a key
            super().initial(request, *args, **kwargs)

    def take(self, request: Request, *, foreign: bool, slug: str = "") -> HttpResponse:
        """Store the events of a request. `foreign`: JSON that is no CloudEvent has the engine's own format."""
        take = partial(_take, request=http_request(request), foreign=foreign, slug=slug, charge=self.charge)
        try:
            response = take(self.caller())
            if response.status_code <= MULTI_STATUS or self.key_is_same():
                return response
        except KeyChanged:
            pass
        except (Failure, APIException):
            if self.key_is_same():
                raise
        self.read_key_again()
        return take(self.caller())

    def key_is_same(self) -> bool:
        """Return whether the key and its engine are unchanged since they were read."""
        lately = self.caller().lately
        return lately is None or not api_keys.changed([lately], timezone.now())

    def check_permissions(self, request: Request) -> None:
        try:
            super().check_permissions(request)
        except ScopeMissing:
            if not isinstance(request.auth, EngineCaller) or request.auth.lately is None:
                raise
            self.read_key_again()

    def read_key_again(self) -> None:
        """Read the caller's key again. Raises AuthenticationFailed, ScopeMissing."""
        self.request.auth = read_again(self.caller())
        self.check_permissions(self.request)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answered = super().finalize_response(request, response, *args, **kwargs)
        if request.method == "POST":
            last_calls.note(self.request, self.kwargs.get("slug", ""), answered)
        return answered

    def options(self, request: Any, *args: object, **kwargs: object) -> Any:
        """Answer the CloudEvents abuse-protection handshake (CloudEvents HTTP webhooks, section 4)."""
        response = HttpResponse(headers={"Allow": "POST, OPTIONS"})
        if origin := request.headers.get("WebHook-Request-Origin"):
            requested_rate = request.headers.get("WebHook-Request-Rate", "")
            most = throttling.LIMITS["key"]  # calls a minute; the handshake has the same unit
            rate = int(requested_rate) if requested_rate.isdecimal() and len(requested_rate) <= MAX_RATE_DIGITS else 0
            response.headers["WebHook-Allowed-Origin"] = origin
            response.headers["WebHook-Allowed-Rate"] = str(min(rate or most, most))
        return response


class EventsView(Handshaking):
    @docs.EVENTS_IN
    def post(self, request: Request) -> HttpResponse:
        """Send one CloudEvent (structured, binary, or as plain JSON with the same members), or a batch."""
        return self.take(request, foreign=False)


class EngineEventsView(Handshaking):
    """Takes an engine's own JSON as well, by key or by signature."""

    authentication_classes = [KeyAuthentication, SignatureAuthentication]

    @docs.ENGINE_EVENTS_IN
    def post(self, request: Request, slug: str) -> HttpResponse:
        """Send a CloudEvent, a batch, or any other JSON, which the engine's mapping turns into a CloudEvent."""
        return self.take(request, foreign=True, slug=slug)


class EventView(EngineView):
    @docs.operation("event_trace", {200: Trace}, 404)
    def get(self, request: Request, event_id: UUID) -> HttpResponse:
        """What became of an event: routes, recipients, deliveries, answers, engine calls, each with its reason."""
        event = Event.objects.filter(engine=self.engine(), pk=event_id).first()
        if event is None:
            raise NotFound("There is no such event of this engine.")
        return answer(event_trace_json(event))


def _take(
    caller: EngineCaller, *, request: HttpRequest, foreign: bool, slug: str, charge: Callable[[int], None]
) -> HttpResponse:
    """Store the events of a request from this caller. `charge` counts further events against its limits. Raises
    KeyChanged, too."""
    if slug and caller.engine.slug != slug:
        raise NotFound("This key belongs to another engine.")
    mode = cloudevents.mode_of(request.META.get("CONTENT_TYPE", ""), request.headers)
    if mode is None:
        raise UnsupportedMediaType(f"Send {cloudevents.STRUCTURED_TYPE}, {cloudevents.BATCH_TYPE} or application/json.")
    body = body_of(request)
    trace = tracing.current() or trace_context.attribute({trace_context.NAME: request.headers.get(trace_context.NAME)})
    if mode == "batch":
        members = cloudevents.read_batch(body)
        if len(members) > 1:
            charge(len(members) - 1)  # the request itself has counted as one
        return _batch(caller, members, trace)
    if mode == "binary":
        return _single(caller, cloudevents.binary(request.headers, body), trace)
    document = cloudevents.read(body)
    if foreign and mode == "json" and not (isinstance(document, dict) and "specversion" in document):
        return _single(caller, mapping.read(caller.engine, document), trace)
    return _single(caller, cloudevents.structured(document), trace)


def _single(caller: EngineCaller, event: InboundEvent, trace: Json) -> HttpResponse:
    if (wait := limits.retry_after(caller.engine, [event])) is not None:
        return _refuse_waiting(wait)
    accepted = _store(caller, [event], trace)[0]
    if accepted.failure is not None:
        raise accepted.failure
    url = url_of(accepted.stored)
    body = {"id": event.id, "source": event.source, "type": event.type, "status": accepted.status, "url": url}
    return answer(body, 202 if accepted.status == "accepted" else 200, {"Location": url})


def _store(caller: EngineCaller, events: list[InboundEvent], trace: Json) -> list[IngestResult]:
    """Store the events. Those without a trace context of their own get that of the request."""
    if trace:
        events = [replace(event, extensions=trace | event.extensions) for event in events]
    answers = ingest.accept(caller.engine, events, timezone.now(), caller.lately)
    limits.took(caller.engine, sum(accepted.status == "accepted" for accepted in answers))
    return answers


def _refuse_waiting(seconds: int) -> HttpResponse:
    """Refuse a request whose events were not stored, because too many events of the engine wait already."""
    return problem(429, "too_many_requests", TOO_MANY_WAIT, headers={"Retry-After": str(seconds)})


def _batch(caller: EngineCaller, read: list[BatchMember], trace: Json) -> HttpResponse:
    good = [item.event for item in read if item.event is not None]
    if (wait := limits.retry_after(caller.engine, good)) is not None:
        return _refuse_waiting(wait)
    stored = iter(_store(caller, good, trace))
    items: list[Json] = []
    failures: list[tuple[int, Failure]] = []
    error_bytes = 0
    for index, one in enumerate(read):
        accepted = next(stored) if one.event is not None else None
        failure = accepted.failure if accepted is not None else one.refused
        if failure is not None:
            failures.append((index, failure))
            refusal = _problem_of_one(failure, error_bytes)
            error_bytes += len(json.dumps(refusal.get("errors", "")))
            items.append({"id": one.id, "status": "rejected", "problem": refusal})
        elif accepted is not None:
            items.append({"id": accepted.id, "status": accepted.status, "url": url_of(accepted.stored)})
    if failures and len(failures) == len(items):
        detail = "None of the events was taken; each item has its problem."
        return problem(422, "invalid_event", detail, errors=_errors(failures), items=items)
    return answer({"items": items}, 207 if failures else 202)


def _problem_of_one(failure: Failure, error_bytes: int) -> Json:
    """Return the problem of one event of a batch. `error_bytes` is the size of the errors of the events before it."""
    refusal = refusal_json(failure)
    if error_bytes > MAX_BATCH_ERROR_BYTES:
        return refusal | {"detail": ERRORS_LEFT_OUT} | ({"errors": []} if "errors" in refusal else {})
    return refusal | ({"errors": bounded(refusal["errors"], size=MAX_EVENT_ERROR_BYTES)} if "errors" in refusal else {})


def _errors(failures: list[tuple[int, Failure]]) -> Iterator[dict[str, str]]:
    """Yield the faults of all events, with pointers from the root of the batch."""
    for index, failure in failures:
        for one in failure.extra.get("errors") or [{"pointer": "", "detail": failure.detail}]:
            yield {"pointer": f"/{index}{one['pointer']}", "detail": one["detail"]}


def url_of(event_id: UUID) -> str:
    return f"{settings.BASE_URL}/api/v1/events/{event_id}"
