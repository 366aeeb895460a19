"""What features add to signing in: links and panels on the sign-in pages, where a name leads, a step after the
password, and what follows a new one."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from notifications.additions import PasswordNotice, SignInPanel, SignInStep, SignInWays
from wfpush import features


@dataclass(frozen=True)
class Way:
    """A link of the sign-in pages. `label` is a whole sentence, such as “Sign in at Acme”."""

    label: str
    url: str


class Ways(Protocol):
    """What the module of a `SignInWays` has."""

    def ways(self, back: str) -> list[Way]:
        """Return the links of the sign-in pages, which lead to the local path `back` afterwards."""

    def lead(self, request: HttpRequest, name: str, back: str) -> HttpResponse | None:
        """Return the page that leads people with this user name or e-mail address elsewhere, before a password is
        asked for; None for people who sign in by password."""


def _modules() -> Iterator[Ways]:
    for added in features.added(SignInWays):
        yield cast(Ways, import_module(added.module))


def ways(back: str) -> list[Way]:
    return [way for module in _modules() for way in module.ways(back)]


def lead(request: HttpRequest, name: str, back: str) -> HttpResponse | None:
    return next((page for module in _modules() if (page := module.lead(request, name, back)) is not None), None)


def panels() -> list[str]:
    """Return the templates that the sign-in pages include."""
    return [panel.template for panel in features.added(SignInPanel)]


def take_over(request: HttpRequest, user: AbstractBaseUser, back: str, *, by_link: bool = False) -> HttpResponse | None:
    """Let a feature go on after a right password or a link: it begins the session, or asks for more. Return its
    response; None if the caller begins the session."""
    for added in features.added(SignInStep):
        response: HttpResponse = import_string(added.step)(request, user, back, by_link=by_link)
        return response
    return None


def announce_password(request: HttpRequest, user: AbstractBaseUser) -> None:
    """Tell features of a new password, in the caller's transaction."""
    for added in features.added(PasswordNotice):
        import_string(added.notice)(request, user)
