"""As whom a brand is known to push services, Google and mail servers: shown on its page, with the keys for browsers."""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from notifications.admin.words import ago, mark, with_why
from notifications.channels.email import senders
from notifications.channels.fcm import accounts
from notifications.channels.webpush import brand_keys
from notifications.models import Brand, PushKey
from wfpush.crypto import UndecryptableSecret


def browsers(brand: Brand) -> SafeString:
    """The brand's own keys for web push."""
    keys = [_line(*each, newest=not at) for at, each in enumerate(brand_keys.browsers_of(brand))]
    return SafeString(render_to_string("admin/desk/identities.html", {"keys": keys}))


def _line(key: PushKey, browsers: int, *, newest: bool) -> dict[str, Any]:
    state = _state(key, newest=newest)
    return {"key": f"{key.public_key[:16]}…", "state": state, "made": ago(key.created_at), "browsers": browsers}


def _state(key: PushKey, *, newest: bool) -> SafeString:
    try:
        readable = bool(key.private_key)
    except UndecryptableSecret:
        readable = False
    if not readable:
        return mark("bad", gettext("cannot be read: none of ENCRYPTION_KEYS opens it"))
    return mark("ok", gettext("new browsers subscribe under it")) if newest else mark("", gettext("still signs"))


def apps(brand: Brand) -> SafeString:
    """The Firebase project that sends."""
    where = gettext("By FIREBASE_CREDENTIALS. Whether Google still accepts it, manage.py doctor says.")
    return with_why(_project(brand), where)


def _project(brand: Brand) -> SafeString:
    project = accounts.project_of(brand.slug)
    if project is None:
        return mark("wait", gettext("none: apps of this brand cannot register"))
    own = gettext("of its own") if accounts.has_own(brand.slug) else gettext("that of all other brands")
    email = accounts.account_of(project).info["client_email"]
    return mark("ok", f"{project}, {own}", email)


def sender(brand: Brand) -> SafeString:
    """Of its e-mails."""
    address = format_html('<span dir="auto">{}</span>', brand.from_email or settings.DEFAULT_FROM_EMAIL)
    return with_why(address, senders.needs(brand.from_email))
