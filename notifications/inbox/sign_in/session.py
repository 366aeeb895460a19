"""The person signed in: by Django's session user if they have an account, else by a key of the session."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user, login, logout
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import urlencode

from notifications.additions import MenuEntry
from notifications.inbox.sign_in import session_limits
from notifications.models import Account, Recipient
from notifications.people import devices
from notifications.wording.formats import written_for, zone_of
from notifications.wording.languages import chosen_language, language_of
from wfpush import features
from wfpush.crypto import digest_of

RECIPIENT_KEY = "recipient_id"
"""Session key: the id of a person without an account, set by a sign-in link."""

SIGNED_OUT_KEY = "signed_out_at"
"""Session key: `signed_out_at` of the person at the sign-in. The session ends when the person's value changes."""

SIGNED_IN_BY = "signed_in_by"
"""Session key: the `Assurance` of the sign-in. Sessions of links have none, nor have those from an older release."""

BACKEND = "notifications.signing_in.AccountBackend"
View = Callable[..., HttpResponse]
P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


class PersonRequest(HttpRequest):
    """A request of a signed-in person with an inbox."""

    recipient: Recipient


def signed_in_recipient(session: SessionBase, user: AbstractBaseUser | AnonymousUser) -> Recipient | None:
    """Return the active person of a session, in one query; None for strangers and deactivated people.

    The session has only the id, so deactivating a person ends it at its next request. Django has checked that the
    user's session is no older than the last change of password or closing of the account (`Account`).
    """
    if session_limits.is_over(session):
        return None
    people = Recipient.objects.filter(active=True).select_related("brand", "user")
    if user.is_authenticated:
        return people.filter(user_id=user.pk).first()
    if RECIPIENT_KEY not in session:
        return None
    person = people.filter(pk=session[RECIPIENT_KEY]).first()
    same = person is not None and person.may_act and session.get(SIGNED_OUT_KEY, "") == _signed_out(person)
    return person if same else None


def person_of_session(key: str | None) -> Recipient | None:
    """Return the person signed in by the session of this key, read from the database; None if the session has ended."""
    request = HttpRequest()
    request.session = SessionStore(session_key=key)
    return signed_in_recipient(request.session, get_user(request))


def _signed_out(person: Recipient) -> str:
    return person.signed_out_at.isoformat() if person.signed_out_at else ""


def may_use_link(recipient: Recipient) -> bool:
    """Return whether the person may sign in by a link: if active, and not staff, whose session opens the
    administration."""
    user = recipient.user
    return recipient.may_act and (user is None or not user.is_staff)


def sign_in_as(request: HttpRequest, recipient: Recipient) -> None:
    """Start a new session for a person who came by a link. `may_use_link` must be true."""
    end_session(request)
    if recipient.user is not None:
        login(request, Account.objects.select_related("signed_out").get(recipient=recipient), backend=BACKEND)
    else:
        request.session.cycle_key()
        request.session[RECIPIENT_KEY] = recipient.pk
        request.session[SIGNED_OUT_KEY] = _signed_out(recipient)


def assurance_of(request: HttpRequest) -> str:
    """Return the `Assurance` of this session's sign-in; empty if there is none."""
    return str(request.session.get(SIGNED_IN_BY, ""))


def session_digest(request: HttpRequest) -> str:
    """Return the digest of the session's key; empty without a session."""
    key = request.session.session_key
    return digest_of(key) if key else ""


@contextmanager
def device_follows_session(request: HttpRequest) -> Iterator[None]:
    """Remove the device of this browser if its session ends inside, also when somebody else signs in: it gets no more
    messages, and its notifications can no longer be answered."""
    with transaction.atomic():
        key = request.session.session_key
        yield
        if request.session.session_key != key:
            devices.sign_out_session(key, timezone.now())


def end_session(request: HttpRequest) -> None:
    """Sign out in this browser."""
    with device_follows_session(request):
        logout(request)


class SessionLimitMiddleware:
    """Ends a signed-in session that is over, with the device of its browser, before anything reads its user."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limited = settings.SESSION_HOURS or settings.SESSION_IDLE_HOURS
        if limited and _is_signed_in(request):
            if session_limits.is_over(request.session):
                end_session(request)
            else:
                session_limits.note_use(request.session)
        return self.get_response(request)


ZONE_COOKIE = "timezone"
"""See static/wfpush/admin/search.js."""


class RecipientMiddleware:
    """Sets `request.recipient`, and activates the person's language and time zone.

    Strangers and engines cost no query: only a session with a person in it is looked up.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        recipient = self._recipient(request)
        request.recipient = recipient  # type: ignore[attr-defined]
        if recipient is None:
            with timezone.override(_zone_of_browser(request)):
                return self.get_response(request)
        with in_language_of(recipient, request):
            return self.get_response(request)

    def _recipient(self, request: HttpRequest) -> Recipient | None:
        return signed_in_recipient(request.session, request.user) if _is_signed_in(request) else None


def _is_signed_in(request: HttpRequest) -> bool:
    """Return whether a session with a person or user comes with the request. Without a cookie, none is looked up."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    return SESSION_KEY in request.session or RECIPIENT_KEY in request.session


@contextmanager
def in_language_of(recipient: Recipient, request: HttpRequest) -> Iterator[None]:
    """Answer a request in the person's language and time zone. On pages that need no sign-in, such as those of e-mails,
    a language chosen in the footer goes first; that of a person signed in is stored."""
    if recipient_of(request) == recipient or not chosen_language(request.COOKIES):
        translation.activate(language_of(recipient))  # not undone: LocaleMiddleware activates one for every request
        request.LANGUAGE_CODE = translation.get_language()
    zone = zone_of(recipient.timezone) if recipient.timezone else _zone_of_browser(request)
    with timezone.override(zone), written_for(recipient.locale):
        yield


def _zone_of_browser(request: HttpRequest) -> tzinfo:
    """Return the time zone that the desk's script has stored in a cookie for its pages; elsewhere UTC."""
    return zone_of(request.COOKIES.get(ZONE_COOKIE, ""))


def recipient_of(request: HttpRequest) -> Recipient | None:
    """Return the person signed in, as RecipientMiddleware found them."""
    recipient: Recipient | None = getattr(request, "recipient", None)
    return recipient


def person_required(
    view: Callable[Concatenate[PersonRequest, P], R],
) -> Callable[..., R | HttpResponse]:
    """Decorate a view for signed-in people. Strangers are sent to the sign-in page and back; accounts without an inbox
    get a page that says so. The response is never cached."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        response: R | HttpResponse
        if recipient_of(request) is not None:
            response = view(request, *args, **kwargs)  # type: ignore[arg-type]
        elif isinstance(request.user, User):
            response = render(request, "inbox/no_inbox.html", status=403)
        else:
            safe = request.method in ("GET", "HEAD")
            response = redirect(sign_in_url(request.get_full_path() if safe else _way_back(request)))
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return guarded


def form_only(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Decorate the view of a form: a GET is redirected to the page that has the form."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = args[0]
        assert isinstance(request, HttpRequest)
        return view(*args, **kwargs) if request.method == "POST" else redirect(_way_back(request))

    return guarded


def _way_back(request: HttpRequest) -> str:
    """Return the page whose form was sent: an item, devices, password or a feature's, else the list."""
    match: Any = request.resolver_match
    pages = {entry.page for entry in features.added(MenuEntry)}
    if match and (match.url_name in ("password", "settings") or match.view_name in pages):
        return request.get_full_path()
    if match and "device_id" in match.kwargs:
        return reverse("inbox:devices")
    if match and match.url_name in ("account-connect", "account-disconnect"):
        return reverse("inbox:accounts")
    if match and match.url_name == "link-again":
        return reverse("inbox:link", kwargs=match.kwargs)
    item = match.kwargs.get("notification_id") if match else None
    return reverse("inbox:item", args=[item]) if item else reverse("inbox:list")


def sign_in_url(back: str) -> str:
    address = reverse("inbox:sign-in")
    return address if back == reverse("inbox:list") else f"{address}?{urlencode({'next': back})}"
