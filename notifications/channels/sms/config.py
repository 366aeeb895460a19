"""The gateway that takes text messages, and its requirements, as the SMS settings say (docs/sms.md)."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from wfpush.config.env import Environment
from wfpush.net.http_checks import OutboundError, check_request, check_url

URL, USER, PASSWORD, TOKEN, SENDER = "SMS_URL", "SMS_USER", "SMS_PASSWORD", "SMS_TOKEN", "SMS_SENDER"
COUNTRY, PARTS = "SMS_COUNTRY_CODE", "SMS_MAX_PARTS"
OPTIONS, SECRET = "SMS_OPTIONS", "SMS_STATUS_SECRET"

ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""Any network: addresses are checked at each call."""

PORTS = {"smpp": 2775, "smpps": 3550}
MOST_PARTS = 10
LETTERS = re.compile(r"[A-Za-z0-9 .&_-]{1,11}")
DIGITS = re.compile(r"\+?[0-9]{3,15}")
PLACES = re.compile(r"\{(to|number|from|text|id)\}")
"""Placeholders in fields of an HTTP gateway; `number` is `to` without its plus sign."""

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Smpp:
    """An SMSC. All but the first five are options. `ids`: how receipts write the answers' ids. `parts`: how parts of a
    text are held together. `window`: messages without an answer at once. `enquire` and `patience` are in seconds."""

    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)
    system_type: str = ""
    window: int = 10
    enquire: int = 30
    patience: int = 10
    ids: str = "same"
    parts: str = "udh"
    ca_file: str = ""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Status:
    """An HTTP gateway's calls with the status of messages. All but the secret are options.

    `items` leads to the list of statuses in a body, where it has several; the other paths begin at one of them.
    """

    secret: str = field(repr=False)
    signature_header: str = "X-Signature"
    signature_prefix: str = ""
    encoding: str = "hex"
    timestamp_header: str = "X-Timestamp"
    items: str = ""
    id: str = "id"
    status: str = "status"
    code: str = "error"
    arrived: tuple[str, ...] = ("delivered",)
    lost: tuple[str, ...] = ("undelivered", "failed", "rejected", "expired")


@dataclass(frozen=True)
class Http:
    """An HTTP gateway. All but the first four are options. `id` and `taken` are paths in an answer's JSON, such as
    `messages.0.id`: to the gateway's name for a message, and to a value that is in `taken_is` if it was taken."""

    url: str
    user: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    format: str = "form"
    fields: Fields = field(default_factory=lambda: {"to": "{to}", "from": "{from}", "text": "{text}"})
    token_header: str = "Authorization"
    id: str = "id"
    taken: str = ""
    taken_is: tuple[str, ...] = ()
    status: Status | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Sms:
    """The settings of the channel."""

    gateway: Smpp | Http
    sender: str
    country_code: str
    most_parts: int
    most_an_hour: int


@dataclass(frozen=True)
class RawSettings:
    """The settings as text."""

    url: str
    user: str
    password: str
    token: str
    sender: str
    country_code: str
    options: str
    secret: str


def read(env: Environment, base_url: str) -> dict[str, Any]:
    """Return the setting SMS: None where nothing is set.

    Raise ImproperlyConfigured, which names the setting and its remedy, without a word of a secret.
    """
    raw = RawSettings(
        url=env.text("SMS_URL", default=""),
        user=env.text("SMS_USER", default=""),
        password=env.text("SMS_PASSWORD", default=""),
        token=env.text("SMS_TOKEN", default=""),
        sender=env.text("SMS_SENDER", default=""),
        country_code=env.text("SMS_COUNTRY_CODE", default=""),
        options=env.text("SMS_OPTIONS", default=""),
        secret=env.text("SMS_STATUS_SECRET", default=""),
    )
    most_parts = env.integer("SMS_MAX_PARTS", default=3, minimum=1)
    return {"SMS": _sms(raw, most_parts, env.integer("SMS_MOST_AN_HOUR", default=10, minimum=1))}


def _sms(raw: RawSettings, most_parts: int, most_an_hour: int) -> Sms | None:
    if not raw.url:
        others = {USER: raw.user, PASSWORD: raw.password, TOKEN: raw.token, SENDER: raw.sender,
                  OPTIONS: raw.options, SECRET: raw.secret}  # fmt: skip
        names = [name for name, value in others.items() if value]
        if names:
            raise ImproperlyConfigured(f"{URL} is not set, and {', '.join(names)} is. Set it, or remove them.")
        return None
    if most_parts > MOST_PARTS:
        raise ImproperlyConfigured(f"{PARTS} is at most {MOST_PARTS}: each part is paid for.")
    if not (LETTERS.fullmatch(raw.sender) or DIGITS.fullmatch(raw.sender)):
        raise ImproperlyConfigured(
            f"{SENDER} is missing or impossible. Write the number that the gateway gave you, such as +4989555012, or at"
            " most 11 letters and digits, such as Acme."
        )
    if raw.country_code and not re.fullmatch(r"[1-9][0-9]{0,2}", raw.country_code):
        raise ImproperlyConfigured(f"{COUNTRY} is the digits of a country's code, such as 49.")
    scheme = raw.url.partition("://")[0].lower()
    if scheme in PORTS:
        gateway: Smpp | Http = _smpp(raw)
    elif scheme in ("http", "https"):
        gateway = _http(raw)
    else:
        raise ImproperlyConfigured(f"{URL} begins with smpp://, smpps:// or https://.")
    return Sms(gateway, raw.sender, raw.country_code, most_parts, most_an_hour)


# --- SMPP -------------------------------------------------------------------------------------------------------------
def _smpp(raw: RawSettings) -> Smpp:
    try:
        parts = urlsplit(raw.url)
        port = parts.port or PORTS[parts.scheme]
    except ValueError as fault:
        raise ImproperlyConfigured(
            f"{URL} has a host or port that is none. Write smpps://smsc.example.com:3550."
        ) from fault
    if not parts.hostname or parts.username or parts.password or parts.path not in ("", "/") or parts.query:
        raise ImproperlyConfigured(
            f"{URL} is like smpps://smsc.example.com:3550. {USER} and {PASSWORD} are settings of their own."
        )
    if raw.token or raw.secret:
        raise ImproperlyConfigured(f"{TOKEN} and {SECRET} are for HTTP gateways. Remove them.")
    if not _fits(raw.user, 15) or not raw.user or not _fits(raw.password, 64):
        raise ImproperlyConfigured(
            f"{USER} and {PASSWORD} are the system_id (at most 15 characters) and password of SMPP."
        )
    options = _options(raw.options, _names_of(Smpp, "host", "port", "tls", "user", "password"))
    made = _made(Smpp, host=parts.hostname, port=port, tls=parts.scheme == "smpps", user=raw.user,
                 password=raw.password, **options)  # fmt: skip
    _among("ids", made.ids, ("same", "hex", "decimal"))
    _among("parts", made.parts, ("udh", "sar"))
    for name, value, most in (
        ("window", made.window, 10),
        ("enquire", made.enquire, 600),
        ("patience", made.patience, 60),
    ):
        if not 1 <= value <= most:
            raise ImproperlyConfigured(f"{OPTIONS}: {name} is a whole number from 1 to {most}.")
    if not _fits(made.system_type, 12):
        raise ImproperlyConfigured(f"{OPTIONS}: system_type has at most 12 characters.")
    return made


def _fits(text: str, most: int) -> bool:
    """Return whether the text can be a C-octet string of SMPP."""
    return len(text) <= most and text.isascii() and (text.isprintable() or not text)


# --- HTTP -------------------------------------------------------------------------------------------------------------
def _http(raw: RawSettings) -> Http:
    if bool(raw.user) != bool(raw.password) or (raw.user and raw.token):
        raise ImproperlyConfigured(f"Set {USER} and {PASSWORD}, or {TOKEN}, as the gateway asks for.")
    options = _options(raw.options, _names_of(Http, "url", "user", "password", "token"))
    status = _status(raw.secret, options.pop("status", None))
    if "taken_is" in options:
        options["taken_is"] = _texts("taken_is", options["taken_is"])
    made = _made(Http, url=raw.url, user=raw.user, password=raw.password, token=raw.token, status=status,
                 **options)  # fmt: skip
    _among("format", made.format, ("form", "json"))
    if bool(made.taken) != bool(made.taken_is):
        raise ImproperlyConfigured(
            f"{OPTIONS}: taken is a path in the answer, and taken_is a list of what stands there."
        )
    _check_fields(made)
    try:
        check_url(made.url, ANYWHERE)
        check_request("POST", {made.token_header: "x", "Content-Type": "x"})
    except OutboundError as fault:
        raise ImproperlyConfigured(f"{URL}, or token_header in {OPTIONS}: {fault.detail}") from fault
    return made


def _check_fields(made: Http) -> None:
    text = json.dumps(made.fields)
    places = set(PLACES.findall(text))
    if not isinstance(made.fields, dict) or not {"text"} <= places or not places & {"to", "number"}:
        raise ImproperlyConfigured(
            f'{OPTIONS}: fields is a JSON object with "{{text}}" and "{{to}}" or "{{number}}" in it.'
        )
    if made.format == "form" and not all(isinstance(value, str) for value in made.fields.values()):
        raise ImproperlyConfigured(f"{OPTIONS}: fields of a form are text.")


def _status(secret: str, options: Any) -> Status | None:
    if not secret:
        if options is not None:
            raise ImproperlyConfigured(
                f"{SECRET} is not set, and status in {OPTIONS} is: statuses are read where they are signed."
            )
        return None
    if len(secret) < 16:
        raise ImproperlyConfigured(
            f"{SECRET} is shorter than 16 characters. Write the one with which the gateway signs."
        )
    names = _names_of(Status, "secret")
    if options is not None and (not isinstance(options, dict) or options.keys() - set(names)):
        raise ImproperlyConfigured(f"{OPTIONS}: status is a JSON object of {', '.join(names)}.")
    members = {
        name: _texts(name, value) if name in ("arrived", "lost") else value for name, value in (options or {}).items()
    }
    made = _made(Status, secret=secret, **members)
    _among("encoding", made.encoding, ("hex", "base64"))
    return made


# --- options ----------------------------------------------------------------------------------------------------------
def _options(text: str, names: list[str]) -> dict[str, Any]:
    try:
        options = json.loads(text) if text else {}
    except (ValueError, RecursionError) as fault:
        raise ImproperlyConfigured(f"{OPTIONS} is not JSON: {fault}.") from fault
    if not isinstance(options, dict) or options.keys() - set(names):
        raise ImproperlyConfigured(f"{OPTIONS} is, for this gateway, a JSON object of {', '.join(names)}.")
    return options


MadeT = TypeVar("MadeT")


def _made(kind: Callable[..., MadeT], **values: Any) -> MadeT:
    """Return the settings object. Raise ImproperlyConfigured for an option of the wrong type."""
    made = kind(**values)
    for each in fields(made):  # type: ignore[arg-type]
        value = getattr(made, each.name)
        if each.type is str and not isinstance(value, str):
            raise ImproperlyConfigured(f"{OPTIONS}: {each.name} is text.")
        if each.type is int and type(value) is not int:
            raise ImproperlyConfigured(f"{OPTIONS}: {each.name} is a whole number.")
    return made


def _names_of(kind: type[Any], *ours: str) -> list[str]:
    return [each.name for each in fields(kind) if each.name not in ours]


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ImproperlyConfigured(f"{OPTIONS}: {name} is a list of texts.")
    return tuple(value)


def _among(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ImproperlyConfigured(f"{OPTIONS}: {name} is one of {', '.join(allowed)}.")
