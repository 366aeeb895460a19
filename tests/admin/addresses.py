"""Every address of the desk, read from its URL patterns, with a row of the world for each address of a row."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, resolve, reverse
from django.urls.resolvers import get_resolver
from django.utils.http import urlencode

OWN = {"login", "logout", "password_change", "password_change_done", "jsi18n", "set_language"}
"""Pages of one's own session and account, which all have who may sign in here."""


@dataclass(frozen=True)
class Address:
    """`model` is None for pages of the desk itself; `name` is the end of the pattern's name, such as `changelist`."""

    model: type[Model] | None
    name: str
    path: str

    @property
    def key(self) -> str:
        return f"{self.model._meta.model_name} {self.name}" if self.model else self.name


def addresses() -> list[Address]:
    """Those of rows only where there is a row."""
    models = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in admin.site._registry}
    found = {}
    for pattern in _patterns(get_resolver().url_patterns):
        name = pattern.name or ""
        owner = max((each for each in models if name.startswith(f"{each}_")), key=len, default="")
        model = models.get(owner)
        path = _path(pattern, name, model)
        if path is not None:
            found[name] = Address(model, name.removeprefix(f"{owner}_") if owner else name, path)
    return list(found.values())


def _patterns(patterns: list[Any], inside: bool = False) -> Iterator[URLPattern]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each.url_patterns, inside or each.namespace == "admin")
        elif inside and each.name:
            yield each


def _path(pattern: URLPattern, name: str, model: type[Model] | None) -> str | None:
    """None if there is no row that it could be of."""
    wanted = pattern.pattern.regex.groups
    if not wanted:
        return reverse(f"admin:{name}")
    if model is None:
        return None
    row: Any = model._default_manager.order_by("pk").last()
    if row is None:
        return None
    if wanted == 2:
        row.save()  # which writes its history
        return reverse(f"admin:{name}", args=[row.pk, row.history.first().pk])
    return reverse(f"admin:{name}", args=[row.pk])


def ask(user: User, path: str, method: str = "GET", **fields: Any) -> int:
    """The status that the desk answers this user with. Its view is called directly, and nothing is rendered: thousands
    of requests would take minutes."""
    request: Any = RequestFactory().generic(
        method, path, urlencode(fields, doseq=True), content_type="application/x-www-form-urlencoded"
    )
    request.user, request.session, request._dont_enforce_csrf_checks = user, SessionStore(), True
    request._messages = FallbackStorage(request)
    found = resolve(path.partition("?")[0])
    try:
        status: int = found.func(request, *found.args, **found.kwargs).status_code
    except PermissionDenied:
        return 403
    return status
