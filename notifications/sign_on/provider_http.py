"""Requests of django-allauth to identity providers, sent by the checked client of all outbound calls."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from notifications.people.password_places import Places
from wfpush.net.http import Response, outbound_from_settings
from wfpush.net.http_checks import OutboundError

SECONDS = 10.0
MAX_BODY = 512 * 1024
SHARE = 4
"""The fraction of the process's threads that may wait for providers; as many more wait two seconds for a place."""
OWN_HEADERS = {"accept-encoding", "connection", "content-length", "host", "user-agent"}

_COUNT = max(1, settings.DATABASE_POOL // SHARE)
places = Places(_COUNT)
_of_host: dict[str, Places] = {}
"""Half of the places are the most that one provider may take."""


class Busy(requests.RequestException):
    """Raised while too many threads of the process wait for providers."""


class CheckedAdapter(BaseAdapter):
    """A transport adapter of requests. It calls public addresses and OUTBOUND_ALLOWED_CIDRS only, follows no redirects,
    and waits at most ten seconds. Raises ConnectionError of requests when no answer comes, and Busy."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = request.url or ""
        body = request.body.encode() if isinstance(request.body, str) else request.body
        headers = {name: str(value) for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
        of_host = _of_host.setdefault(urlsplit(url).netloc, Places(max(1, _COUNT // 2)))
        with of_host.take() as free_there, places.take() as free:
            if not free_there or not free:
                raise Busy
            try:
                answer = asyncio.run(
                    _ask(request.method or "GET", url, headers, body if isinstance(body, bytes) else b"")
                )
            except OutboundError as error:
                raise requests.ConnectionError(str(error), request=request) from error
        return _as_requests(request, answer)

    def close(self) -> None:
        """Do nothing: each request has connections of its own."""


async def _ask(method: str, url: str, headers: dict[str, str], body: bytes) -> Response:
    async with outbound_from_settings(deadline=SECONDS, max_body=MAX_BODY) as outbound:
        return await outbound.request(method, url, headers=headers, body=body)


def _as_requests(request: requests.PreparedRequest, answer: Response) -> requests.Response:
    response = requests.Response()
    response.status_code, response.url, response.request = answer.status, request.url or "", request
    response.headers = CaseInsensitiveDict(answer.headers)
    response._content = b"" if answer.truncated else answer.body
    response.encoding = "utf-8"
    return response


def checked_session() -> requests.Session:
    session = requests.Session()
    session.trust_env, session.max_redirects = False, 0
    for scheme in ("https://", "http://"):
        session.mount(scheme, CheckedAdapter())
    return session
