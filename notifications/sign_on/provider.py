"""OpenID Connect by django-allauth, with what it leaves out: signatures always checked, a nonce, and the issuer.

django-allauth finds `provider_classes` in this module. Sources: OpenID Connect Core 1.0; RFC 9700 (nonce, mix-up); RFC
9207.
"""

import hashlib
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from allauth.socialaccount.models import SocialToken
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest

from notifications.sign_on import groups, id_tokens
from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.refusals import Refused
from notifications.sign_on.subjects import StoredByKey


def saml_is_installed() -> bool:
    """Return whether python3-saml is there: it is optional, since it needs libraries in C."""
    return find_spec("onelogin") is not None


def nonce_of(code_verifier: str) -> str:
    """Return the nonce of a sign-in. It follows from the PKCE verifier, which only this session has."""
    return hashlib.sha256(f"wfpush nonce {code_verifier}".encode()).hexdigest()


class Adapter(OpenIDConnectOAuth2Adapter):
    _nonce = ""

    @property
    def identity_provider(self) -> IdentityProvider:
        row: IdentityProvider = self.get_provider().app.row
        return row

    @property
    def openid_config(self) -> dict[str, Any]:
        return id_tokens.description(self.identity_provider)

    def get_access_token_data(
        self, request: HttpRequest, app: Any, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        """Exchange the code, if the answer names no other issuer. Raises Refused."""
        if request.GET.get("iss", self.openid_config["issuer"]) != self.openid_config["issuer"]:
            raise Refused("mix_up")
        if not pkce_code_verifier:
            raise Refused("state")
        self._nonce = nonce_of(pkce_code_verifier)
        data: dict[str, Any] = super().get_access_token_data(
            request, app, client, pkce_code_verifier=pkce_code_verifier
        )
        return data

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> Any:
        """Return the identity of the ID token. Raises Refused."""
        id_token = kwargs["response"].get("id_token")
        if not isinstance(id_token, str):
            raise Refused("token_claims", "id_token")
        claims = id_tokens.check_id_token(self.identity_provider, id_token, self._nonce)
        claims = self._completed(claims, token.token)
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    def _completed(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """Return the claims of an ID token, with the address and the groups that it lacks, from the provider's userinfo
        (OpenID Connect Core 1.0, 5.3), as Okta leaves them out. They count for the token's subject only. Raises
        Refused."""
        row = self.identity_provider
        names = [] if "email" in claims else ["email", "email_verified", "name"]
        if groups.groups_in(row, claims) is not None and row.groups_claim not in claims and row.mappings.exists():
            names.append(row.groups_claim)
        if not names or not isinstance(self.openid_config.get("userinfo_endpoint"), str):
            return claims
        info = self._fetch_user_info(access_token)
        if not isinstance(info, dict) or info.get("sub") != claims["sub"]:
            raise Refused("token_claims", "userinfo")
        signed = {name: value for name, value in claims.items() if name not in names}
        return {**signed, **{name: info[name] for name in names if info.get(name) is not None}}


class Provider(StoredByKey, OpenIDConnectProvider):
    oauth2_adapter_class = Adapter
    pkce_enabled_default = True

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"claims": data["id_token"]}

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        """Redirect to the provider to sign in, with parameters of our own only: those of the address do not count."""
        params = self.get_pkce_params()
        self._pkce = dict(params)
        auth_params = {"nonce": nonce_of(params["code_verifier"])}
        if hint := request.GET.get("login_hint", ""):
            auth_params["login_hint"] = hint[:254]
        return super().redirect(
            request, AuthProcess.LOGIN, next_url, data, scope=self.get_default_scope(), auth_params=auth_params
        )

    def get_pkce_params(self) -> dict[str, str]:
        """Return the parameters that `redirect` has made, else new ones."""
        made: dict[str, str] | None = self.__dict__.pop("_pkce", None)
        return made if made is not None else super().get_pkce_params()


provider_classes = [Provider]
if saml_is_installed():
    provider_classes += import_module("notifications.sign_on.saml").provider_classes
