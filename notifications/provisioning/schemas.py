"""The SCIM resources that directories can send: the attributes that are stored, and no others (RFC 7643).

Other attributes are ignored, as Entra ID and Okta expect. `POLICY` also allows what Entra ID sends beside the RFC.
"""

from functools import cache
from typing import Annotated, Any

from pydantic import Field, model_validator
from scim2_models import (
    URN,
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    Extension,
    External,
    Filter,
    GroupMembership,
    Meta,
    Mutability,
    Name,
    Patch,
    PhoneNumber,
    Reference,
    Required,
    Resource,
    ResourceType,
    Returned,
    Schema,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)

MAX_PAGE = 200
"""The most resources in an answer."""


class Email(ComplexAttribute):
    """An e-mail address. It may be of a network of the company's own, such as bob@acme.local."""

    value: str | None = None
    """The address."""

    display: str | None = None
    """The address as it is shown."""

    type: str | None = Field(None, examples=["work", "home", "other"])
    """What the address is for."""

    primary: bool | None = None
    """Whether this is the preferred address."""


class Manager(ComplexAttribute):
    """The person's manager. Entra ID sends only the value, as text."""

    value: Annotated[str | None, CaseExact.true] = None
    """The id of the manager's SCIM user. An externalId or userName is accepted as well."""

    ref: Annotated[Reference["User"] | None, Mutability.read_only] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the manager's SCIM user."""

    display_name: Annotated[str | None, Mutability.read_only] = None
    """The name of the manager."""

    @model_validator(mode="before")
    @classmethod
    def _read_text(cls, value: Any) -> Any:
        return {"value": value} if isinstance(value, str) else value


class EnterpriseUser(Extension):
    """Enterprise User"""

    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    employee_number: str | None = None
    """An identifier assigned to the person."""

    cost_center: str | None = None
    """The name of a cost center."""

    organization: str | None = None
    """The name of an organization."""

    division: str | None = None
    """The name of a division."""

    department: str | None = None
    """The name of a department."""

    manager: Manager | None = None
    """The person's manager."""


class User(Resource[AnyExtension]):
    """User Account"""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true, Returned.default] = None
    """The name of the person's account."""

    name: Name | None = None
    """The components of the person's name."""

    display_name: str | None = None
    """The name that other people see."""

    title: str | None = None
    """The person's title."""

    preferred_language: str | None = None
    """The language of messages."""

    locale: str | None = None
    """The language of messages, if there is no preferredLanguage."""

    timezone: str | None = None
    """The person's time zone, such as Europe/Berlin."""

    active: bool | None = None
    """Whether the person may sign in and gets messages."""

    emails: list[Email] | None = None
    """E-mail addresses. The primary one is used, or else the first one for work."""

    phone_numbers: list[PhoneNumber] | None = None
    """Phone numbers. The primary one is used, or else the first mobile number."""

    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None
    """The groups of the person."""


FullUser = User[EnterpriseUser]


class GroupMember(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the member's SCIM user."""

    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the member's SCIM user."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """The kind of member. Groups have no groups here."""


class Group(Resource[Any]):
    """Group"""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true, Uniqueness.server] = None
    """The name of the group. It is the name of the team, too."""

    members: list[GroupMember] | None = None
    """The members of the group."""


POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


@cache
def message_of(message: Any, model: Any) -> Any:
    """Return a message for one kind of resource, such as `ListResponse[User]`, which takes long to make."""
    return message[model]


def service(max_bytes: int) -> ScimProvider:
    """Return the description of the service. `max_bytes`: the size of a body."""
    config = ServiceProviderConfig(
        documentation_uri=Reference[External]("https://www.rfc-editor.org/rfc/rfc7644"),
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=max_bytes),
        filter=Filter(supported=True, max_results=MAX_PAGE),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="The token of the directory, from the desk.",
                spec_uri=Reference[External]("https://www.rfc-editor.org/rfc/rfc6750"),
                primary=True,
            )
        ],
    )
    types = [ResourceType.from_resource(FullUser), ResourceType.from_resource(Group)]
    models: list[Any] = [User, EnterpriseUser, Group, Schema, ResourceType, ServiceProviderConfig]
    return ScimProvider(models, types, config, POLICY)


def located(row: Any, address: str) -> Any:
    """Return a copy of a part of the description with its address."""
    return row.model_copy(update={"meta": Meta(resource_type=type(row).__name__, location=address)})
