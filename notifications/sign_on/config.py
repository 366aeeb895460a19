"""Settings of the feature: the apps of django-allauth, its middleware, and how it works here."""

from typing import Any

APPS = ["allauth", "allauth.account", "allauth.socialaccount"]
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]


def read() -> dict[str, Any]:
    """Return Django settings by name."""
    return {
        "ACCOUNT_ADAPTER": "notifications.sign_on.adapters.AccountAdapter",
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*"],
        "SOCIALACCOUNT_ADAPTER": "notifications.sign_on.adapters.IdentityAdapter",
        "SOCIALACCOUNT_LOGIN_ON_GET": True,
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"OAUTH_PKCE_ENABLED": True}},
        "SOCIALACCOUNT_STORE_TOKENS": False,
    }
