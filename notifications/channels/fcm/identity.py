"""The Firebase project that sends for a brand."""

from django.utils.translation import gettext

from notifications.channels.base import Identity
from notifications.channels.fcm import accounts
from notifications.models import Brand


def identity(brand: Brand) -> Identity:
    note = gettext("By FIREBASE_CREDENTIALS. Whether Google still accepts it, manage.py doctor says.")
    project = accounts.project_of(brand.slug)
    if project is None:
        return Identity(gettext("none: apps of this brand cannot register"), "wait", note=note)
    own = gettext("of its own") if accounts.has_own(brand.slug) else gettext("that of all other brands")
    return Identity(f"{project}, {own}", "ok", accounts.account_of(project).info["client_email"], note)
