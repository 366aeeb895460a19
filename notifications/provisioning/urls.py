"""SCIM 2.0 below /scim/v2: discovery, users and groups (RFC 7643, RFC 7644)."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from scim2_models import (
    ForbiddenException,
    ListResponse,
    NotFoundException,
    NotImplementedException,
    ResourceType,
    Schema,
    ScimProvider,
)

from notifications.provisioning import groups, queries, resources, schemas, users
from notifications.provisioning.frame import ScimView, payload_of, resource_response, scim_response
from notifications.provisioning.queries import Kind
from notifications.provisioning.resources import PATH
from notifications.provisioning.schemas import FullUser, Group
from notifications.provisioning.versions import Precondition
from wfpush.web.bodylimit import BODY_LIMIT

app_name = "provisioning"


# --- discovery --------------------------------------------------------------------------------------------------------
@cache
def service() -> ScimProvider:
    return schemas.service(BODY_LIMIT)


class Discovery(ScimView):
    """What the service offers. `collection` names the part of the description, whose entries are found by `key`."""

    http_method_names = ["get", "head"]
    model: Any = None
    collection = ""
    key = "id"

    def get(self, request: HttpRequest, name: str = "") -> HttpResponse:
        if "filter" in request.GET:
            raise ForbiddenException(detail="Discovery takes no filter (RFC 7644, section 4).")
        rows: Sequence[Any] = [self.located(row) for row in getattr(service(), self.collection)]
        if not name:
            page = schemas.message_of(ListResponse, self.model)(
                total_results=len(rows), start_index=1, items_per_page=len(rows), resources=rows
            )
            return scim_response(page)
        row = next((row for row in rows if str(getattr(row, self.key)).lower() == name.lower()), None)
        if row is None:
            raise NotFoundException(detail=f"“{name}” is not described here.")
        return scim_response(row)

    def located(self, row: Any) -> Any:
        kind = {"schemas": "Schemas", "resource_types": "ResourceTypes"}[self.collection]
        return schemas.located(row, f"{settings.BASE_URL}{PATH}/{kind}/{getattr(row, self.key)}")


class Configuration(ScimView):
    """What the service supports."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return scim_response(schemas.located(service().config, f"{settings.BASE_URL}{PATH}/ServiceProviderConfig"))


# --- users and groups -------------------------------------------------------------------------------------------------
def _groups_shown(search: Any) -> Any:
    """Return how groups are shown: without reading the members if they are neither shown nor compared."""
    excluded = {str(name).rpartition(":")[2].lower() for name in search.excluded_attributes or ()}
    compared = "members" in (search.filter or "").lower()
    return partial(resources.group_resources, members=compared or "members" not in excluded)


class Resources(ScimView):
    """The base of lists and of single resources. `writes` has the functions that change them."""

    model: Any = None
    writes: Any = None

    def kind(self, search: Any) -> Kind:
        if self.model is Group:
            indexed = frozenset({"id", "externalid", "displayname"})
            return Kind(Group, resources.groups_of, _groups_shown(search), indexed)
        indexed = frozenset({"id", "externalid", "username"})
        return Kind(FullUser, resources.users_of, resources.user_resources, indexed)

    def shown(self, request: HttpRequest, pk: Any, status: int = 200) -> HttpResponse:
        search = queries.search_of(request, self.model)
        row = (resources.group_row if self.model is Group else resources.user_row)(self.directory, str(pk))
        (resource,) = self.resources_of(row)
        return resource_response(request, resource, search, status)

    def resources_of(self, row: Any) -> list[Any]:
        return resources.group_resources([row]) if self.model is Group else resources.user_resources([row])

    def precondition(self, request: HttpRequest) -> Precondition:
        return Precondition.of(request, lambda row: self.resources_of(row)[0])


class ResourceList(Resources):
    def get(self, request: HttpRequest) -> HttpResponse:
        search = queries.search_of(request, self.model)
        page = queries.answer(self.kind(search), self.directory, search)
        return scim_response(page, response_parameters=search)

    def post(self, request: HttpRequest) -> HttpResponse:
        row = self.writes.create(self.directory, payload_of(request), self.now)
        return self.shown(request, row.pk, 201)


class ResourcePage(Resources):
    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        return self.shown(request, pk)

    def put(self, request: HttpRequest, pk: str) -> HttpResponse:
        self.writes.replace(self.directory, pk, payload_of(request), self.precondition(request), self.now)
        return self.shown(request, pk)

    def patch(self, request: HttpRequest, pk: str) -> HttpResponse:
        self.writes.patch(self.directory, pk, payload_of(request), self.precondition(request), self.now)
        return self.shown(request, pk)

    def delete(self, request: HttpRequest, pk: str) -> HttpResponse:
        self.writes.delete(self.directory, pk, self.precondition(request), self.now)
        return HttpResponse(status=204)


# --- what is not offered ----------------------------------------------------------------------------------------------
class NotOffered(ScimView):
    """Operations that ServiceProviderConfig says are not supported, and addresses that do not exist."""

    detail = ""

    def refuse(self, request: HttpRequest, rest: str = "") -> HttpResponse:
        if self.detail:
            raise NotImplementedException(detail=self.detail)
        raise NotFoundException(detail=f"There is nothing at “{rest[:100]}”.")

    get = post = put = patch = delete = refuse


BULK = "Bulk is not supported. Send each operation by itself."
SEARCH = "Searches by POST are not supported. Send the filter with GET, to Users or Groups."
ME = "/Me is not supported: the token belongs to a directory, not to a person."

_base = PATH.strip("/")
_users: dict[str, Any] = {"model": FullUser, "writes": users}
_groups: dict[str, Any] = {"model": Group, "writes": groups}
_types: dict[str, Any] = {"model": ResourceType, "collection": "resource_types", "key": "name"}
_schemas: dict[str, Any] = {"model": Schema, "collection": "schemas"}

urlpatterns = [
    path(f"{_base}/ServiceProviderConfig", Configuration.as_view()),
    path(f"{_base}/ResourceTypes", Discovery.as_view(**_types)),
    path(f"{_base}/ResourceTypes/<str:name>", Discovery.as_view(**_types)),
    path(f"{_base}/Schemas", Discovery.as_view(**_schemas)),
    path(f"{_base}/Schemas/<str:name>", Discovery.as_view(**_schemas)),
    path(f"{_base}/Bulk", NotOffered.as_view(detail=BULK)),
    path(f"{_base}/Me", NotOffered.as_view(detail=ME)),
    re_path(rf"^{_base}/((Users|Groups)/)?\.search$", NotOffered.as_view(detail=SEARCH)),
    path(f"{_base}/Users", ResourceList.as_view(**_users)),
    path(f"{_base}/Users/<str:pk>", ResourcePage.as_view(**_users)),
    path(f"{_base}/Groups", ResourceList.as_view(**_groups)),
    path(f"{_base}/Groups/<str:pk>", ResourcePage.as_view(**_groups)),
    re_path(rf"^{_base}(?P<rest>/.*)?$", NotOffered.as_view()),
]
