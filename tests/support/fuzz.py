"""Odd requests at every address there is: paths from the URL resolver, fields and parameters from the pages themselves.

Nothing here is listed by hand but the odd values: an address, form or filter that is new is met without a change.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from django.apps import apps
from django.contrib.admin.utils import quote as admin_quote
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from tests.support.api import Caller
from tests.support.cost import MOST_MEMORY, MOST_SAID, cost

ROOT = Path(__file__).resolve().parent.parent.parent
LONE = "\udcff"
ODD = [
    "", "\x00", "a\x00b", LONE, "9999-12-30", "9999-12-31T23:59:59Z", "0001-01-01", "0001-01-01T00:00:00Z",
    "2026-02-30",
    "9" * 5_000, "9" * 25, "-1", "0", "1e400", "nan", "NaN", "Infinity", "²", "٣", "x" * 300, "😀" * 300, "[" * 2_000,
    "{}", "[]", "null", '{"a":' * 500, "\r\nX-Odd: 1", "../../../etc/passwd",
    "%", "%00", "%zz", "' OR 1=1 --", "\u202e",
    "true", "{{ 9 }}", "{% for i in (1..9) %}", "00000000-0000-0000-0000-000000000000", "25:61", "http://[",
    "a@b", ",", ".",
    "__class__", "1,2,3", "-", "o", "🏴‍☠️", "\t", " ", "9999-12-30 23:59", "30.12.9999", "12/30/9999",
]  # fmt: skip
SWEPT = ["a\x00b", LONE, "9999-12-30", "0001-01-01", "9" * 25, "²"]
HEADERS = [
    "Cookie", "Host", "Accept", "Accept-Language", "Authorization", "X-API-Key", "X-Forwarded-For", "Origin", "Referer",
    "Content-Length", "Content-Type", "Idempotency-Key", "If-None-Match", "If-Modified-Since", "Range", "User-Agent",
    "WebHook-Request-Origin", "WebHook-Request-Rate", "X-CSRFToken", "webhook-id", "webhook-timestamp",
    "webhook-signature",
    "ce-specversion", "ce-id", "ce-time", "X-Request-ID",
]  # fmt: skip
_READ = re.compile(r"""(?:GET|POST)(?:\.get(?:list)?\(|\[)\s*["'](\w+)["']""")
_FIELD = re.compile(r'<(?:input|select|textarea)[^>]*?\sname="([^"]+)"')
_PARAMETER = re.compile(r"[?&;]([A-Za-z_][\w.-]*)=")


@dataclass(frozen=True)
class Address:
    """A pattern of the resolver: literal parts, and names of what stands between them."""

    parts: tuple[str, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(
            part + (f"<{name}>" if name else "") for part, name in zip(self.parts, (*self.names, ""), strict=True)
        )

    def path(self, value: Callable[[str], str]) -> str:
        return "".join(
            part + value(name) if name else part for part, name in zip(self.parts, (*self.names, ""), strict=True)
        )


def addresses() -> list[Address]:
    """Every address there is, but for those that Django's regular expressions only catch what is left with."""
    found = (_address(pattern) for pattern in _patterns(get_resolver().url_patterns, ""))
    return sorted(set(found), key=str)


def _patterns(patterns: Any, before: str) -> Iterator[str]:
    for one in patterns:
        own = one.pattern
        route = before + (str(own) if isinstance(own, RoutePattern) else _as_route(str(own)))
        if isinstance(one, URLResolver):
            yield from _patterns(one.url_patterns, route)
        elif isinstance(one, URLPattern):
            yield route


def _as_route(expression: str) -> str:
    named = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", expression)
    return re.sub(r"[\^$?*+\\]", "", re.sub(r"\(\[[^)]*\)", "<object_id>", named))


def _address(route: str) -> Address:
    pieces = re.split(r"<(?:\w+:)?(\w+)>", route)
    return Address(("/" + pieces[0], *pieces[2::2]), tuple(pieces[1::2]))


@cache
def names_in_sources() -> list[str]:
    """Parameters and fields that our views read by name."""
    sources = (file for app in ("notifications", "escalations", "wfpush") for file in (ROOT / app).rglob("*.py"))
    return sorted({name for file in sources for name in _READ.findall(file.read_text(encoding="utf-8"))})


def names_in_page(page: str) -> list[str]:
    """Fields of its forms, and parameters of its links: filters, sorting, pages."""
    return sorted({*_FIELD.findall(page), *_PARAMETER.findall(page)})


class _Filled(HTMLParser):
    """What a browser would send of a page's fields, all its forms in one."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._of = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag in ("select", "textarea"):
            self._of = has.get("name") or ""
            self.fields.setdefault(self._of, "")
        elif tag == "option" and "selected" in has:
            self.fields[self._of] = has.get("value") or ""
        elif tag == "input" and (has.get("type") not in ("checkbox", "radio") or "checked" in has):
            self.fields[has.get("name") or ""] = has.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and self._of:
            self.fields[self._of] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self._of = ""


def filled_in(page: str) -> dict[str, str]:
    parser = _Filled()
    parser.feed(page)
    return {name: value for name, value in parser.fields.items() if name}


def real_values() -> dict[str, list[str]]:
    """Of what there is in the database: ids of every model, by the model's place in admin paths."""
    return {
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/": [
            str(admin_quote(row.pk)) for row in model._default_manager.order_by("pk")[:2]
        ]
        for model in apps.get_models()
    }


@dataclass
class Fuzz:
    """`real`: values of path parameters that name something, by their names."""

    callers: dict[str, Caller]
    real: dict[str, str]
    seed: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.ids = real_values()
        self.known = names_in_sources()
        self.forms: dict[str, dict[str, str]] = {}

    def odd(self) -> str:
        return self.dice.choice(ODD)

    def address(self, address: Address, rounds: int, callers: int) -> None:
        """Some odd requests by some of those who may call, at one address."""
        for caller in self.dice.sample(list(self.callers.values()), callers):
            path = self.path(address)
            page = self.call(caller, "GET", path)
            names = names_in_page(page)[:400] or ["x"]
            self.forms = {path: filled_in(page)} if page else {}
            for _ in range(rounds):
                ways = [self.query, self.form, self.filled, self.filled, self.body, self.header, self.odd_path]
                self.dice.choice(ways)(caller, address, path, names)

    def sweep(self, address: Address, callers: Sequence[str], most: int, swept: Sequence[str]) -> None:
        """Each field and each parameter of a page by itself, everything else as it should be; of some of them."""
        for caller in (self.callers[name] for name in callers):
            path = self.path(address)
            page = self.call(caller, "GET", path)
            form = filled_in(page)
            for name, odd in product(self.dice.sample(list(form), min(most, len(form))), swept):
                body = urlencode({**form, name: odd}, errors="surrogateescape").encode()
                self.call(caller, "POST", path, body, FORM)
            names = [*names_in_page(page), *self.known] if page else self.known
            for name, odd in product(self.dice.sample(names, min(most, len(names))), swept):
                self.call(caller, "GET", f"{path}?{urlencode({name: odd}, errors='surrogateescape')}")

    def path(self, address: Address) -> str:
        def real(name: str) -> str:
            ids = [each for place, found in self.ids.items() if str(address).startswith(place) for each in found]
            return self.dice.choice(ids) if ids and name == "object_id" else quote(self.real.get(name, "x"), safe="")

        return address.path(real)

    def odd_path(self, caller: Caller, address: Address, path: str, names: list[str]) -> None:
        odd = address.path(lambda name: quote(self.odd().encode("utf-8", "surrogateescape"), safe=""))
        self.call(caller, self.dice.choice(["GET", "POST", "PUT", "DELETE"]), odd)

    def query(self, caller: Caller, address: Address, path: str, names: list[str]) -> None:
        chosen = [self.dice.choice(self.dice.choice([names, self.known])) for _ in range(self.dice.randint(1, 3))]
        pairs = [(name, self.odd()) for name in chosen]
        self.call(caller, "GET", f"{path}?{urlencode(pairs, errors='surrogateescape')}")

    def form(self, caller: Caller, address: Address, path: str, names: list[str]) -> None:
        chosen = {*self.dice.sample(names, min(len(names), 30)), *self.dice.sample(self.known, 5)}
        body = urlencode([(name, self.odd()) for name in chosen], errors="surrogateescape")
        self.call(caller, "POST", path, body.encode(), "application/x-www-form-urlencoded")

    def filled(self, caller: Caller, address: Address, path: str, names: list[str]) -> None:
        """The page's own form as it would be sent, but for a value or two: what is odd gets past the other checks."""
        form = dict(self.forms.get(path, {}))
        for name in self.dice.sample(sorted(form), min(len(form), self.dice.randint(1, 2))):
            form[name] = self.odd()
        body = urlencode(form, errors="surrogateescape")
        self.call(caller, "POST", path, body.encode(), FORM)

    def body(self, caller: Caller, address: Address, path: str, names: list[str]) -> None:
        given = {name: self.json(2) for name in self.dice.sample(MEMBERS, 6)}
        raw = self.dice.choice([json.dumps(given), json.dumps([given, 1]), json.dumps(self.odd()), self.odd()])
        kind = self.dice.choice(
            ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json"]
        )
        self.call(
            caller, self.dice.choice(["POST", "PUT", "DELETE"]), path, raw.encode("utf-8", "surrogateescape"), kind
        )

    def json(self, levels: int) -> Any:
        simple = [self.odd(), 0, -1, 10**299, 1e308, True, None, [], {}, self.odd()]
        if levels == 0:
            return self.dice.choice(simple)
        inner = {name: self.json(levels - 1) for name in self.dice.sample(MEMBERS, 3)}
        return self.dice.choice([*simple, inner, [self.json(levels - 1)] * 3, inner])

    def header(self, caller: Caller, address: Address, path: str, names: list[str]) -> None:
        name = self.dice.choice(HEADERS)
        odd = self.odd().encode("utf-8", "surrogateescape").decode("latin-1")
        value = f"{self.dice.choice(['sessionid', 'csrftoken', 'django_language'])}={odd}" if name == "Cookie" else odd
        self.call(caller, self.dice.choice(["GET", "OPTIONS", "HEAD", "POST"]), path, **{name: value})

    def call(
        self, caller: Caller, method: str, path: str, body: bytes = b"", kind: str = "text/plain", **headers: str
    ) -> str:
        """The page that it was answered with. What must not be is kept in `faults`."""
        said = f"{method} {path[:200]} {kind} {body[:300]!r} {str(headers)[:200]}"
        signed_in = caller.client.cookies.output(header="", sep=";")
        try:
            with undone():
                answer = caller.call(method, path, body, type=kind, **headers)
                content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        except Exception as fault:  # whatever a view raises is what is looked for
            self.faults.append(f"{type(fault).__name__}: {str(fault)[:200]} at {said}")
            return ""
        finally:
            caller.client.cookies = SimpleCookie(signed_in)
        unready = answer.status_code == 503 and path.startswith("/readyz")  # no worker runs here, and it says so
        if (answer.status_code >= 500 and not unready) or (answer.status_code >= 400 and len(content) > MOST_SAID):
            self.faults.append(f"{answer.status_code}, {len(content):,} bytes at {said}")
        return content.decode("utf-8", "replace") if answer.get("Content-Type", "").startswith("text/html") else ""

    def heavy(self, address: Address, raw: bytes, kind: str) -> None:
        """A body of 1 MiB, by everybody, measured."""
        for name, caller in self.callers.items():
            method = self.dice.choice(["POST", "PUT"])
            with cost() as spent:
                self.call(caller, method, self.path(address), raw, kind)
            if spent.memory > MOST_MEMORY:
                self.faults.append(f"{spent.memory:,} bytes of memory: {name} {method} {address} {raw[:40]!r}")


@contextmanager
def undone() -> Iterator[None]:
    """What is written inside is not there afterwards, so that every request meets the same world."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


MEMBERS = [
    "action", "after", "answers", "attachments", "auth", "brand", "by", "candidates", "categories", "channel",
    "comment", "components", "data", "delegate", "device", "digest_times", "due_at", "email", "endpoint", "engine",
    "event", "expirationTime", "external", "fid", "fields", "files", "form", "from", "give_back", "id", "keys", "kind",
    "label", "lead", "limit", "locale", "lock_screen", "manager", "members", "most_an_hour", "name", "next", "note",
    "now", "open_items", "p256dh", "parts", "phone", "plan", "platform", "properties", "public_key", "quiet_hours",
    "quiet_on_holidays", "ref", "repeat_pause", "reply_to", "revision", "schema", "signature", "silent", "source",
    "specversion", "subject", "subscription", "task", "teams", "text", "time", "timezone", "to", "token", "type",
    "ui", "until", "up_to", "values", "variables",
]  # fmt: skip
"""Of the bodies that the API takes; tests/test_fuzz.py compares them with its description."""

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
ALL_NUL = b",".join([b'"\\u0000"'] * 60_000)
HEAVY = {
    "NUL under a long name": (b'{"' + b"k" * 400_000 + b'":[' + ALL_NUL + b"]}", JSON),
    "wide": (b"[" + b"{}," * 340_000 + b"{}]", JSON),
    "objects": (b"[" + b'{"":{"":{}}},' * 33_000 + b"{}]", JSON),
    "batch": (b"[" + b"{}," * 340_000 + b"{}]", "application/cloudevents-batch+json"),
    "deep": (b"[" * 1_000_000, JSON),
    "form of many": (b"&".join([b"a=1"] * 250_000), FORM),
    "form of long": (b"action=" + b"x" * 1_000_000, FORM),
    "formset": (b"form-TOTAL_FORMS=1000&form-INITIAL_FORMS=1000&" + b"x" * 900_000, FORM),
}
