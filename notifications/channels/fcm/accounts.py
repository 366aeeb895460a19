"""Which Firebase project sends for which brand, by the settings."""

from django.conf import settings

from notifications.channels.fcm.service_accounts import DEFAULT, ServiceAccount


def project_of(brand_slug: str | None) -> str | None:
    """The id of the project whose app people of this brand have; None: there is no app for them."""
    accounts: dict[str, ServiceAccount] = settings.FIREBASE_CREDENTIALS
    account = accounts.get(brand_slug or DEFAULT) or accounts.get(DEFAULT)
    return account.project_id if account else None


def has_own(brand_slug: str) -> bool:
    """Whether the brand has a project of its own."""
    return brand_slug in settings.FIREBASE_CREDENTIALS


class UnknownProject(Exception):
    """There is no service account for this project."""


def account_of(project_id: str) -> ServiceAccount:
    """Raises UnknownProject."""
    accounts: dict[str, ServiceAccount] = settings.FIREBASE_CREDENTIALS
    for account in accounts.values():
        if account.project_id == project_id:
            return account
    raise UnknownProject(project_id)
