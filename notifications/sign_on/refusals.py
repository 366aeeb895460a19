"""Reasons for which a sign-in by a provider fails, with a sentence for the person and one for administrators."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.providers.base import ProviderException
from django.utils.translation import gettext_lazy as _

from wfpush import features


@dataclass(frozen=True)
class Refusal:
    """`person`: what the person reads; it names no account. `administrator`: what to check. `status`: of the page.
    `is_fault`: the provider or its setup is to blame, so its light turns red."""

    person: Any
    administrator: Any
    status: int = 403
    is_fault: bool = False


_AGAIN = _("This sign-in was started elsewhere, or too long ago. Sign in again.")
_BROKEN = _("%(provider)s could not sign you in. Try again, or contact your administrator.")

REFUSALS: dict[str, Refusal] = {
    "cancelled": Refusal(_("You cancelled the sign-in."), _("The person cancelled."), 403),
    "state": Refusal(_AGAIN, _("The answer fits no sign-in that this browser began, or was used before."), 400),
    "unreachable": Refusal(
        _("%(provider)s does not answer. Try again in a few minutes. People who are signed in can go on."),
        _("The provider did not answer."),
        503,
        is_fault=True,
    ),
    "busy": Refusal(
        _("Too many people sign in right now. Try again in a few seconds."),
        _("Too many threads of the web process wait for providers. Raise DATABASE_POOL, or start more processes."),
        503,
    ),
    "provider_error": Refusal(_BROKEN, _("The provider answered with an error."), 502, is_fault=True),
    "error_answer": Refusal(_BROKEN, _("The redirect back says that the sign-in failed."), 502),
    "discovery": Refusal(
        _BROKEN, _("The provider's description names another issuer, or lacks an address."), 502, True
    ),
    "mix_up": Refusal(_BROKEN, _("The redirect is from another issuer (RFC 9207)."), 400),
    "token_signature": Refusal(_BROKEN, _("The answer is not signed by a key of the provider."), 502, is_fault=True),
    "token_issuer": Refusal(_BROKEN, _("The answer is from another issuer."), 502, is_fault=True),
    "token_audience": Refusal(_BROKEN, _("The answer is for another client."), 502, is_fault=True),
    "token_time": Refusal(
        _BROKEN, _("The answer has ended or begins in the future. Check both clocks."), 502, is_fault=True
    ),
    "token_nonce": Refusal(_BROKEN, _("The answer belongs to another sign-in."), 400),
    "token_claims": Refusal(_BROKEN, _("The answer lacks a claim, or cannot be read."), 502, is_fault=True),
    "no_address": Refusal(
        _("%(provider)s sent no e-mail address for you. Contact your administrator."),
        _("The answer has no e-mail address. Add the scope, claim or attribute email at the provider."),
    ),
    "unverified": Refusal(
        _("%(provider)s has not verified your e-mail address. Contact your administrator."),
        _("email_verified is not true, and the provider's addresses do not count as verified."),
    ),
    "domain": Refusal(
        _("People with this e-mail address do not sign in at %(provider)s."),
        _("The address is in none of the provider's e-mail domains."),
    ),
    "unknown": Refusal(
        _("There is no account for you here yet. Contact your administrator."),
        _("Nobody here has this verified e-mail address, and the provider does not create people."),
    ),
    "ambiguous": Refusal(
        _("More than one person has your e-mail address. Contact your administrator."),
        _("More than one person here has this e-mail address. Change one of them."),
    ),
    "other_identity": Refusal(
        _("Your account belongs to another sign-in at %(provider)s. Contact your administrator."),
        _(
            "The person signed in as another subject before. If the address has a new owner, change the former "
            "person's address."
        ),
    ),
    "superuser": Refusal(
        _("This account signs in by password."),
        _("Superusers are not found by e-mail address."),
    ),
    "staff_address": Refusal(
        _("There is no account for you here yet. Contact your administrator."),
        _("The user is staff and has another e-mail address. Enter this one under Access → Users."),
    ),
    "closed": Refusal(
        _("Your account is closed. Your administrator can open it again."),
        _("The account is closed, or the person is not active."),
    ),
}


@dataclass(frozen=True)
class RecordCodes:
    """Codes that a feature records beside those of refusals, with their sentences for administrators."""

    words: Mapping[str, Any]


def code_words() -> dict[str, Any]:
    return {code: words for added in features.added(RecordCodes) for code, words in added.words.items()}


class Refused(ProviderException):
    """Raised when a sign-in must not go on. `code` is a key of REFUSALS."""

    def __init__(self, code: str, detail: str = "", identity: str = "") -> None:
        super().__init__(code)
        self.code, self.detail, self.identity = code, detail, identity


_SAML_REASONS = (
    ("token_audience", ("audience", "instead of")),
    ("token_issuer", ("issuer",)),
    ("token_signature", ("signature", "not signed", "signed element", "algorithm")),
    ("token_time", ("timing", "expired", "timestamp", "not yet valid")),
)


def saml_refusal(reason: str) -> Refused:
    """Return the refusal for an error of python3-saml, which has a sentence only."""
    lower = reason.lower()
    code = next((code for code, parts in _SAML_REASONS if any(part in lower for part in parts)), "token_claims")
    return Refused(code, reason)
