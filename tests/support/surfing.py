"""A browser without a window, for pages of a real web process: it keeps cookies and follows redirects."""

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from typing import Any


class Browser:
    """Keeps cookies, follows redirects, and reads error pages like any other."""

    def __init__(self, url: str, *, timeout: float = 30) -> None:
        self.url = url
        self._timeout = timeout
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def open(self, path: str, data: dict[str, str] | None = None, **headers: str) -> tuple[int, Any, str]:
        """Status, headers and body; `data` is posted as a form."""
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        given = {"Accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        try:
            answer = self._opener.open(urllib.request.Request(self.url + path, body, given), timeout=self._timeout)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            return answer.status, answer.headers, answer.read().decode()

    def answers(self) -> bool:
        """Whether there is a page to sign in on yet."""
        try:
            return self.open("/sign-in")[0] == 200
        except urllib.error.URLError:
            return False

    def sign_in(self, name: str, password: str) -> None:
        assert "Waiting for you" in self.try_to_sign_in(name, password)[2]

    def try_to_sign_in(self, name: str, password: str) -> tuple[int, Any, str]:
        """Status, headers and body of the answer to the form."""
        self.open("/sign-in")
        token = next(cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken")
        return self.open("/sign-in", {"username": name, "password": password, "csrfmiddlewaretoken": token})
