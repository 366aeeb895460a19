"""The Firebase project that sends for each brand, by the settings."""

from django.conf import settings
from django.utils.translation import gettext

from notifications.channels.base import Identity
from notifications.channels.fcm.config import DEFAULT, ServiceAccount
from notifications.models import Brand


def project_of(brand_slug: str | None) -> str | None:
    """Return the id of the project whose app people of this brand have, or None: there is no app for them."""
    accounts: dict[str, ServiceAccount] = settings.FIREBASE_CREDENTIALS
    account = accounts.get(brand_slug or DEFAULT) or accounts.get(DEFAULT)
    return account.project_id if account else None


class UnknownProject(Exception):
    """Raised when there is no service account for the project."""


def account_of(project_id: str) -> ServiceAccount:
    """Return the project's account. Raise UnknownProject."""
    accounts: dict[str, ServiceAccount] = settings.FIREBASE_CREDENTIALS
    for account in accounts.values():
        if account.project_id == project_id:
            return account
    raise UnknownProject(project_id)


def identity(brand: Brand) -> Identity:
    note = gettext("From FIREBASE_CREDENTIALS. manage.py doctor says whether Google still accepts it.")
    project = project_of(brand.slug)
    if project is None:
        return Identity(gettext("none: apps of this brand cannot register"), "wait", note=note)
    is_own = brand.slug in settings.FIREBASE_CREDENTIALS
    own = gettext("of its own") if is_own else gettext("that of all other brands")
    return Identity(f"{project}, {own}", "ok", account_of(project).info["client_email"], note)
