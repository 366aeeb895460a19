"""Additions to the OpenAPI description (/api/schema): the statuses of each operation, and the ways to send events.

Summaries and examples are in operations/."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiRequest, OpenApiResponse, extend_schema
from rest_framework import serializers

from notifications.api.frame.shown import Problem, Shown
from notifications.intake.cloudevents import BATCH_TYPE, STRUCTURED_TYPE
from wfpush.web.problems import CONTENT_TYPE

MethodT = TypeVar("MethodT", bound=Callable[..., Any])

_PROBLEMS = {
    400: "`malformed`, or `bad_request`: a request that cannot be understood",
    401: "`unauthenticated`: no key, or one that is wrong, revoked or expired",
    403: "`scope_missing`, `not_allowed` or `csrf_failed`",
    404: "`not_found`: nothing there, or somebody else's",
    409: "`event_id_reused`, `already_answered` (with by whom and when), `already_handled`, `withdrawn` or `too_late`",
    410: "`expired`: token or task past its time",
    413: "`too_large`",
    415: "`unsupported_media_type`",
    422: "`invalid`: values that are not possible; `errors` says which",
    429: "`too_many_requests`: wait for Retry-After seconds",
    503: "`unavailable`: the database is away, nothing was stored; try again after Retry-After seconds",
}
_ALWAYS = (400, 401, 403, 429, 503)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="Makes repeats of this call harmless; kept for 7 days."
)


def responses(success: Mapping[int, Any], *more: int, public: bool = False) -> dict[Any, Any]:
    always = [status for status in _ALWAYS if not (public and status == 401)]
    by_status: dict[Any, Any] = dict(success)
    for status in sorted({*always, *more}):
        by_status[status, CONTENT_TYPE] = OpenApiResponse(Problem, _PROBLEMS[status])
    return by_status


def operation(
    name: str,
    success: Mapping[int, Any],
    *more: int,
    query: Any = None,
    request: Any = None,
    public: bool = False,
    idempotent: bool = False,
    **options: Any,
) -> Callable[[MethodT], MethodT]:
    """Return a decorator that describes the operation of a view's method. `more` are its own statuses, besides those of
    every operation and those that a body or a query implies. A `public` operation needs no key."""
    implied = [*((413, 415, 422) if request is not None else ()), *((422,) if query is not None else ())]
    parameters = [*([query] if query is not None else ()), *([IDEMPOTENCY_KEY] if idempotent else ())]
    if public:
        options["auth"] = []
    described = responses(success, *implied, *more, public=public)
    return extend_schema(operation_id=name, request=request, responses=described, parameters=parameters, **options)


_EVENT = {
    "type": "object",
    "title": "CloudEvent",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"type": "string", "enum": ["1.0"]},
        "id": {"type": "string", "minLength": 1, "maxLength": 200},
        "source": {"type": "string", "minLength": 1, "maxLength": 500},
        "type": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Such as task.assigned."},
        "subject": {"type": "string", "minLength": 1, "maxLength": 500},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string"},
        "dataschema": {"type": "string"},
        "data": {"type": "object", "description": "See docs/api/events.md. At most 64 KiB."},
    },
    "additionalProperties": True,
}
_BATCH = {"type": "array", "items": _EVENT, "maxItems": 1000}
_REQUEST = {
    STRUCTURED_TYPE: OpenApiRequest(_EVENT),
    "application/json": OpenApiRequest(_EVENT),
    BATCH_TYPE: OpenApiRequest(_BATCH),
}
_CE_HEADERS = [
    OpenApiParameter(f"ce-{name}", str, OpenApiParameter.HEADER, description="Binary mode: the body is the data.")
    for name in ("specversion", "id", "source", "type", "subject", "time")
]


class AcceptedEvent(Shown):
    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField()
    status = serializers.ChoiceField(["accepted", "duplicate"])
    url = serializers.URLField(help_text="The event's trace.")


class BatchItem(Shown):
    id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["accepted", "duplicate", "rejected"])
    url = serializers.URLField(required=False)
    problem = Problem(required=False)


class Batch(Shown):
    items = BatchItem(many=True)


class RefusedBatch(Problem):
    items = BatchItem(many=True, required=False)


class AcceptedEventOrBatch(AcceptedEvent):
    """One event's members, or those of a batch."""

    items = BatchItem(many=True, required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


_REFUSED = OpenApiResponse(RefusedBatch, "`invalid_event`; of a batch: none was taken, `items` say why")


def _statuses(*more: int) -> dict[Any, Any]:
    by_status = responses(
        {
            202: OpenApiResponse(AcceptedEventOrBatch, "Stored; of a batch: all of it"),
            200: OpenApiResponse(AcceptedEvent, "A retry of an event that is stored; no second effect"),
            207: OpenApiResponse(Batch, "Some events of a batch were refused"),
        },
        *(409, 413, 415, *more),
    )
    by_status[422, CONTENT_TYPE] = _REFUSED
    return by_status


EVENTS_IN = extend_schema(operation_id="send_event", parameters=_CE_HEADERS, request=_REQUEST, responses=_statuses())
ENGINE_EVENTS_IN = extend_schema(
    operation_id="send_event_of_engine",
    parameters=[
        *_CE_HEADERS,
        *(
            OpenApiParameter(f"webhook-{name}", str, OpenApiParameter.HEADER, description="Standard Webhooks.")
            for name in ("id", "timestamp", "signature")
        ),
    ],
    request={
        **_REQUEST,
        "application/json": OpenApiRequest(
            {"description": "A CloudEvent, or any JSON that the engine's mapping turns into one."}
        ),
    },
    responses=_statuses(404),
)


class _Scheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """`KeyAuthentication` in OpenAPI: a bearer token or a header."""

    target_class = "notifications.api.frame.authentication.KeyAuthentication"
    match_subclasses = True
    name = ["bearer", "apiKey"]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        return [{name: []} for name in self.name]  # one of the two

    def get_security_definition(self, auto_schema: Any) -> Any:
        return [
            {"type": "http", "scheme": "bearer", "description": "An engine's key (wfp_…) or a person's token (wfr_…)"},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An engine's key (wfp_…)"},
        ]


class _Session(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "notifications.api.frame.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "Changes need X-CSRFToken too."}


class _Signature(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "notifications.api.frame.authentication.SignatureAuthentication"
    name = "signature"

    def get_security_definition(self, auto_schema: Any) -> Any:
        return {"type": "apiKey", "in": "header", "name": "webhook-signature", "description": "Standard Webhooks"}
