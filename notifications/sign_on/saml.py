"""SAML 2.0 by django-allauth and python3-saml. Loaded only where python3-saml is installed.

Source: SAML 2.0 Profiles, 4.1 (Web Browser SSO). Requests go by redirect, answers come by POST, and assertions are
signed. The attributes have the names that Entra ID, Okta and Keycloak send.
"""

import time
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from allauth.socialaccount.providers.saml.utils import build_auth, prepare_django_request
from django.http import HttpRequest
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.utils import OneLogin_Saml2_Utils
from onelogin.saml2.xmlparser import fromstring

from notifications.sign_on import single_use
from notifications.sign_on.models import IdentityProvider, ProviderKind
from notifications.sign_on.refusals import Refused
from notifications.sign_on.subjects import MAX_SUBJECT, StoredByKey

EMAIL = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "email",
    "mail",
)
NAME = (
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "displayName",
    "name",
)
GROUPS = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
FRESH_SECONDS = 300


class SamlProvider(StoredByKey, SAMLProvider):
    """The provider of one row. An identity is a NameID."""

    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> Any:
        """Return the identity of an assertion that counts. Raises Refused."""
        check_assertion(self.app.row, response)
        return super().sociallogin_from_response(request, response)

    def extract_uid(self, data: Any) -> str:
        subject = str(data.get_nameid() or "")
        if not 0 < len(subject) <= MAX_SUBJECT:
            raise Refused("token_claims", "NameID")
        return subject

    def extract_extra_data(self, data: Any) -> dict[str, Any]:
        """Return the claims of the assertion, by the names that OpenID Connect has for them."""
        row: IdentityProvider = self.app.row
        attributes: dict[str, list[str]] = data.get_attributes()
        claims: dict[str, Any] = {"sub": self.extract_uid(data), "sid": data.get_session_index() or ""}
        claims["email"] = _first(attributes, EMAIL)
        if not claims["email"] and data.get_nameid_format() == EMAIL_FORMAT:
            claims["email"] = claims["sub"]
        claims["name"] = _first(attributes, NAME)
        for name in filter(None, (row.groups_claim, GROUPS)):
            if name in attributes:
                claims[row.groups_claim] = attributes[name]
        return {"claims": claims}

    def extract_common_fields(self, data: Any) -> dict[str, Any]:
        return {}

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        """Redirect to the provider to sign in; nothing else that the address asks for counts."""
        return super().redirect(request, AuthProcess.LOGIN, next_url, data, **kwargs)


def check_assertion(row: IdentityProvider, response: Any) -> None:
    """Check what python3-saml takes on trust if it is absent: the request that the signed assertion answers, and its
    audience. An assertion counts once. Raises Refused."""
    assertion_id = str(response.get_last_assertion_id() or "")
    document = fromstring(response.get_last_response_xml().encode())
    assertion = next((each for each in document.iter(f"{{{SAML}}}Assertion") if each.get("ID") == assertion_id), None)
    if assertion is None:
        raise Refused("token_claims", "Assertion")
    confirmations = assertion.iterfind(f".//{{{SAML}}}SubjectConfirmationData")
    answers = {each.get("InResponseTo") for each in confirmations}
    if answers != {response.get_last_response_in_response_to()}:
        raise Refused("state", "InResponseTo")
    if assertion.find(f".//{{{SAML}}}AudienceRestriction/{{{SAML}}}Audience") is None:
        raise Refused("token_audience", "AudienceRestriction")
    single_use.use(row, "assertion", assertion_id)


def logout_subject(row: IdentityProvider, request: HttpRequest) -> str:
    """Return the NameID of a signed logout request, which counts once, within five minutes. Raises Refused."""
    app = get_adapter().get_app(request, provider=ProviderKind.SAML, client_id=row.slug)
    auth = build_auth(request, app.get_provider(request))
    logout = OneLogin_Saml2_Logout_Request(auth.get_settings(), request.GET.get("SAMLRequest", ""))
    if "Signature" not in request.GET or not logout.is_valid(prepare_django_request(request)):
        raise Refused("token_signature", str(logout.get_error() or "unsigned")[:200])
    xml = logout.get_xml()
    issued = OneLogin_Saml2_Utils.parse_SAML_to_time(fromstring(xml.encode()).get("IssueInstant", ""))
    if abs(time.time() - issued) > FRESH_SECONDS:
        raise Refused("token_time", "IssueInstant")
    single_use.use(row, "logout request", logout.id)
    return str(OneLogin_Saml2_Logout_Request.get_nameid(xml))


def read_metadata(xml: str) -> dict[str, str]:
    """Return issuer, sso_url and certificate of a provider's description. Raises ValueError."""
    try:
        idp = OneLogin_Saml2_IdPMetadataParser.parse(xml.encode())["idp"]
        certificate = idp.get("x509cert") or idp["x509certMulti"]["signing"][0]
        return {"issuer": idp["entityId"], "sso_url": idp["singleSignOnService"]["url"], "certificate": certificate}
    except Exception as error:  # the parser raises whatever its XML library does
        raise ValueError("no metadata of an identity provider") from error


def _first(attributes: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((str(attributes[name][0]) for name in names if attributes.get(name)), "")


provider_classes = [SamlProvider]
