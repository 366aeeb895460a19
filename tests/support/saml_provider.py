"""A SAML identity provider that tests control: it makes signed answers, and wrong ones."""

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from onelogin.saml2.constants import OneLogin_Saml2_Constants
from onelogin.saml2.utils import OneLogin_Saml2_Utils

ENTITY = "https://idp.acme.example/saml"
SSO_URL = "https://idp.acme.example/sso"
ASSERTION = """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{assertion_id}" Version="2.0"
 IssueInstant="{issued}"><saml:Issuer>{issuer}</saml:Issuer>
<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{subject}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 NotOnOrAfter="{until}" Recipient="{recipient}" InResponseTo="{request_id}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}"><saml:AudienceRestriction>
<saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{issued}" SessionIndex="{session}"><saml:AuthnContext>
<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>
</saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"""
RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{response_id}" Version="2.0" IssueInstant="{issued}"
 Destination="{recipient}" InResponseTo="{request_id}"><saml:Issuer>{issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>
{assertion}</samlp:Response>"""

LOGOUT = """<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{request_id}" Version="2.0" IssueInstant="{issued}"
 Destination="http://testserver/sign-on/acme/slo"><saml:Issuer>https://idp.acme.example/saml</saml:Issuer>
<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{subject}</saml:NameID>
</samlp:LogoutRequest>"""


def new_key() -> tuple[str, str]:
    """Return a private key and its certificate, both as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.acme.example")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=10_000))
    signed = certificate.sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return private.decode(), signed.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class SamlProviderServer:
    """`attributes`: of whoever signs in. `changes`: other values of the answer. `forge`: alters its signed XML."""

    attributes: dict[str, list[str]] = field(default_factory=lambda: {"email": ["bob@acme.example"], "name": ["Bob"]})
    changes: dict[str, str] = field(default_factory=dict)
    forge: Callable[[str], str] = lambda xml: xml
    signs: bool = True
    algorithm: str = OneLogin_Saml2_Constants.RSA_SHA256
    key: tuple[str, str] = field(default_factory=new_key)

    def answer(self, url: str) -> str:
        """Return the SAMLResponse to a request, base64."""
        request_id = self.request_id(url)
        return base64.b64encode(self.forge(self.response(request_id)).encode()).decode()

    def request_id(self, url: str) -> str:
        packed = base64.b64decode(parse_qs(urlsplit(url).query)["SAMLRequest"][0])
        return zlib.decompress(packed, -15).decode().partition('ID="')[2].partition('"')[0]

    def response(self, request_id: str) -> str:
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "assertion_id": f"_{uuid4().hex}",
            "response_id": f"_{uuid4().hex}",
            "request_id": request_id,
            "issuer": ENTITY,
            "subject": "bob-17",
            "recipient": "http://testserver/sign-on/acme/acs",
            "audience": "http://testserver/sign-on/acme/metadata",
            "session": "s-1",
            "status": "Success",
            "issued": _time(now),
            "since": _time(now - timedelta(minutes=1)),
            "until": _time(now + timedelta(minutes=5)),
            "attributes": "".join(self._attribute(*each) for each in self.attributes.items()),
            **self.changes,
        }
        assertion = ASSERTION.format(**values)
        if self.signs:
            assertion = self.signed(assertion)
        return RESPONSE.format(**values, assertion=assertion)

    def signed(self, xml: str, key: tuple[str, str] | None = None) -> str:
        private, certificate = key or self.key
        signed: Any = OneLogin_Saml2_Utils.add_sign(
            xml, private, certificate, sign_algorithm=self.algorithm, digest_algorithm=OneLogin_Saml2_Constants.SHA256
        )
        return signed.decode() if isinstance(signed, bytes) else signed

    def _attribute(self, name: str, values: list[str]) -> str:
        inner = "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
        return f'<saml:Attribute Name="{name}">{inner}</saml:Attribute>'


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def later(minutes: int) -> str:
    return _time(datetime.now(UTC) + timedelta(minutes=minutes))
