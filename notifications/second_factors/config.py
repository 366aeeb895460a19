"""Settings of the feature: django-allauth's second factors, and how they work here."""

from typing import Any

APPS = ["allauth.mfa"]
MIDDLEWARE = [
    "notifications.second_factors.enforcement.FactorRequiredMiddleware",
    "notifications.second_factors.sessions.SessionNotesMiddleware",
]


def read() -> dict[str, Any]:
    """Return Django settings by name. Codes are counted by `notifications.people.login_limits`, so django-allauth's own
    limit is one of network addresses alone: a limit of names would let strangers lock people out."""
    return {
        "ACCOUNT_ADAPTER": "notifications.second_factors.adapters.FactorAccountAdapter",
        "ACCOUNT_RATE_LIMITS": {"login_failed": "30/m/ip", "reauthenticate": "20/m/user"},
        "ACCOUNT_REAUTHENTICATION_METHODS": ("password", "mfa"),
        "ACCOUNT_REAUTHENTICATION_TIMEOUT": 5 * 60,
        "MFA_ADAPTER": "notifications.second_factors.adapters.FactorAdapter",
        "MFA_ALLOW_UNVERIFIED_EMAIL": True,
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_RATE_LIMITS": {"webauthn_login": "60/m/ip"},
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_TOTP_ISSUER": "wfpush",
        "MFA_TOTP_TOLERANCE": 1,
        "PASSWORD_RESET_TIMEOUT": 30 * 60,
    }
