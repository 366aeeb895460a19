"""Decides by a request's head whether it may send files; wfpush/web/bodylimit.py reads no large body of strangers."""

from collections.abc import Iterable

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, parse_cookie
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from notifications.answers.respond import refuse_dead_token
from notifications.api.frame.authentication import KeyAuthentication
from notifications.errors import Expired
from notifications.inbox.sign_in.session import person_of_session
from notifications.models import ActionToken
from wfpush.crypto import digest_of

API, MAIL = "/api/", "/a/"


def may_send_files(path: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether a request may send files: by session, by key or token, or by the token in the address of an
    e-mail's page. `headers` are ASGI's. True if the database does not answer: the view reports that."""
    header_texts = {name.decode("latin-1"): raw.decode("latin-1") for name, raw in headers}
    try:
        if path.startswith(MAIL):
            return _is_alive(path.removeprefix(MAIL))
        return _has_session(header_texts.get("cookie", "")) or (path.startswith(API) and _has_key(header_texts))
    except DatabaseError:
        return True


def _has_session(cookies: str) -> bool:
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    return bool(key) and "\x00" not in key and person_of_session(key) is not None


def _has_key(header_texts: dict[str, str]) -> bool:
    http = HttpRequest()
    names = {"authorization": "HTTP_AUTHORIZATION", "x-api-key": "HTTP_X_API_KEY"}
    http.META = {names[name]: text for name, text in header_texts.items() if name in names}
    try:
        return KeyAuthentication().authenticate(Request(http)) is not None
    except AuthenticationFailed:
        return False


def _is_alive(token: str) -> bool:
    rows = ActionToken.objects.select_related("recipient", "notification", "delivery")
    row = rows.filter(digest=digest_of(token)).first()
    if row is None:
        return False
    try:
        refuse_dead_token(row, timezone.now())
    except Expired:
        return False
    return True
