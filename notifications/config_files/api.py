"""Configuration as files by the API, with an operator's key."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.serializers import CharField, DictField, IntegerField, ListField, RegexField, Serializer

from notifications.api.frame import docs
from notifications.api.frame.authentication import KeyAuthentication, key_in, note_use
from notifications.api.frame.base import ApiView, answer, caller_of, http_request, validated
from notifications.api.frame.fields import JsonObject
from notifications.api.frame.shown import Shown
from notifications.api.operations.operation import Operation, Tag
from notifications.config_files import applying, documents, operator_keys, rights
from notifications.config_files.applying import Operator, Outdated, Refused
from notifications.config_files.kinds import canonical
from notifications.config_files.models import OperatorKey
from notifications.config_files.nodes import Mistakes
from notifications.errors import Failure, Invalid, ScopeMissing
from notifications.intake.throttling import Quota
from wfpush.crypto import OPERATOR_KEY_PREFIX
from wfpush.web.fields import Text
from wfpush.web.pointers import MAX_ERRORS, MAX_SENTENCE, cut, pointer

RETRY_SECONDS = 10


class PlanOutdated(Failure):
    status, code = 409, "plan_outdated"


class Busy(Failure):
    """Somebody else is changing configuration. `seconds`: time until the next try."""

    status, code, seconds = 503, "unavailable", RETRY_SECONDS


# --- the caller -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class OperatorCaller:
    """A caller with an operator's key."""

    key: OperatorKey

    @property
    def operator(self) -> Operator:
        return Operator(f"{self.key.user} ({self.key})", self.key.user)

    @property
    def quotas(self) -> tuple[Quota, ...]:
        return (Quota.usual("operator", str(self.key.pk)),)


class OperatorAuthentication(KeyAuthentication):
    """Authentication by `Authorization: Bearer wfo_…`. Engines and people are known, to be told what is missing."""

    def authenticate(self, request: Request) -> Any:
        credential = key_in(http_request(request)) or ""
        if not credential.startswith(OPERATOR_KEY_PREFIX):
            return super().authenticate(request)
        key = operator_keys.find(credential)
        if key is None:
            raise AuthenticationFailed
        note_use(OperatorKey, key.pk, key.last_used_at, timezone.now())
        return key.user, OperatorCaller(key)


class _Scheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class, name, priority = OperatorAuthentication, "operator", 1

    def get_security_definition(self, auto_schema: Any) -> Any:
        return {"type": "http", "scheme": "bearer", "description": "An operator's key (wfo_…)"}


class IsOperator(BasePermission):
    """Admits an operator's key whose account may use keys and see all configuration. Raises Failure."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller: Any = caller_of(request)
        if caller is not None and not isinstance(caller, OperatorCaller):
            raise ScopeMissing("This needs an operator's key (wfo_…). An administrator makes one at the desk.")
        if caller is not None:
            rights.check_use(caller.key.user)
        return caller is not None


# --- bodies -----------------------------------------------------------------------------------------------------------
class Files(DictField):
    child = Text(allow_blank=True)


class PlanRequest(Serializer[Any]):
    files = Files(allow_empty=False, help_text="The text of each file by its path.")

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown members too: a misspelt one must not be overlooked."""
        values = super().to_internal_value(data)
        if unknown := data.keys() - self.fields.keys():
            raise ValidationError({name: ["This member is not known. Remove it."] for name in sorted(unknown)})
        return values


class ApplyRequest(PlanRequest):
    plan = RegexField(r"^[0-9a-f]{64}\Z", help_text="The digest of the plan.")


class FilesShown(Shown):
    files = Files(help_text="The text of each file by its path, as `config export` writes it.")


class PlanShown(Shown):
    digest = CharField()
    changes = ListField(child=JsonObject(), help_text="One for each thing, with its members and sentences.")
    taken_over = ListField(child=ListField(child=CharField()), help_text="Kind, name and file of new things of files.")
    effects = ListField(child=CharField(), help_text="Sentences about open tasks and people.")


class AppliedShown(PlanShown):
    applied = IntegerField(allow_null=True, help_text="The number of the application; null if there was none.")


# --- views ------------------------------------------------------------------------------------------------------------
class OperatorView(ApiView):
    authentication_classes = [OperatorAuthentication]
    permission_classes = [IsOperator]

    def operator(self) -> Operator:
        return cast(OperatorCaller, self.request.auth).operator


class ConfigurationView(OperatorView):
    @docs.operation("configuration", {200: FilesShown, 304: None})
    def get(self, request: Request) -> HttpResponse:
        """Read the configuration as files, without secrets. With `If-None-Match`, only if it has changed."""
        files = documents.files_of(applying.current())
        etag = quote_etag(sha256(canonical(files).encode()).hexdigest())
        response = answer({"files": files}, headers={"ETag": etag})
        return cast(HttpResponse, get_conditional_response(http_request(request), etag=etag, response=response))


class PlanView(OperatorView):
    @docs.operation("plan_configuration", {200: PlanShown}, request=PlanRequest)
    def post(self, request: Request) -> HttpResponse:
        """Ask what applying files would change. Nothing is stored."""
        files = validated(PlanRequest, request.data)["files"]
        with _as_problems(), override("en"):
            return answer(applying.plan(documents.read_sent(files), self.operator()).as_json())


class ApplyView(OperatorView):
    @docs.operation("apply_configuration", {200: AppliedShown}, 409, request=ApplyRequest)
    def post(self, request: Request) -> HttpResponse:
        """Apply files: all of them or nothing, and only by the plan that was read."""
        body = validated(ApplyRequest, request.data)
        with _as_problems(), override("en"):
            planned, record = applying.apply(documents.read_sent(body["files"]), self.operator(), "API", body["plan"])
        return answer({**planned.as_json(), "applied": record and record.pk})


@contextmanager
def _as_problems() -> Iterator[None]:
    """Raise mistakes and refusals as problems."""
    try:
        yield
    except Mistakes as fault:
        raise _invalid(fault) from fault
    except Outdated as fault:
        raise PlanOutdated(str(fault)) from fault
    except Refused as fault:
        raise Busy(str(fault)) from fault


def _invalid(fault: Mistakes) -> Invalid:
    """Return the first mistakes, also as `config plan --json` writes them."""
    mistakes = fault.mistakes[:MAX_ERRORS]
    errors = [{"pointer": pointer("/files", each.place.file), "detail": str(each)} for each in mistakes]
    invalid = Invalid(fault.summary, errors)
    invalid.extra["mistakes"] = [each.as_json() | {"reason": cut(each.reason, MAX_SENTENCE)} for each in mistakes]
    return invalid


urlpatterns: list[URLPattern] = [
    path("v1/configuration", ConfigurationView.as_view()),
    path("v1/configuration/plan", PlanView.as_view()),
    path("v1/configuration/apply", ApplyView.as_view()),
]


# --- words of /api/docs -----------------------------------------------------------------------------------------------
_FILES = {"teams.yaml": "teams:\n  finance:\n    name: Finance\n"}
_DIGEST = "2f1c8e0b9a7d4c35e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"
_PLAN = {
    "digest": _DIGEST,
    "changes": [
        {
            "kind": "teams",
            "name": "finance",
            "change": "change",
            "members": {"name": {"before": "Money", "after": "Finance"}},
            "secrets": [],
            "sentences": ["Team “finance” changes:", "  Name: Money → Finance"],
        }
    ],
    "taken_over": [["teams", "finance", "teams.yaml"]],
    "effects": [],
}
_MEANINGS = {
    403: "`scope_missing`: no operator's key; `not_allowed`: its account lacks a permission that the desk asks for",
    422: "`invalid`: `mistakes` has the first 20, each with `file`, `line` and `reason`",
    503: "`unavailable`: somebody else is changing configuration, or the database is away; try again after Retry-After",
}
TAG = Tag(
    "Configuration",
    "Rules, templates and other configuration as YAML files, with an operator's key (`wfo_…`).",
    {
        "configuration": Operation(
            "Read the configuration as files",
            response={"files": _FILES},
            meanings={304: "It has not changed", 403: _MEANINGS[403]},
        ),
        "plan_configuration": Operation(
            "Plan files", request={"files": _FILES}, response=_PLAN, meanings={200: "The plan", **_MEANINGS}
        ),
        "apply_configuration": Operation(
            "Apply files",
            request={"files": _FILES, "plan": _DIGEST},
            response={**_PLAN, "applied": 7},
            meanings={
                200: "They are applied, or there was nothing to change",
                409: "`plan_outdated`: something has changed since the plan",
                **_MEANINGS,
            },
        ),
    },
)
