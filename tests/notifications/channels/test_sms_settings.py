"""The settings of SMS: what is wrong refuses to start, and says what to write."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.sms import config
from notifications.channels.sms.config import Http, Smpp, Sms, Status
from tests.support.documentation import code, rows, section
from wfpush.config.env import Environment

SECRET = "a secret nobody guesses"
SMPP = {"SMS_URL": "smpp://smsc.example.com", "SMS_USER": "acme", "SMS_PASSWORD": SECRET, "SMS_SENDER": "Acme"}
HTTP = {"SMS_URL": "https://sms.example.com/send", "SMS_TOKEN": SECRET, "SMS_SENDER": "+4989555012"}


def read(settings: dict[str, str], **options: Any) -> Sms | None:
    given = settings | ({"SMS_OPTIONS": json.dumps(options)} if options else {})
    found: Sms | None = config.read(Environment(given, Path()), "https://push.example.com")["SMS"]
    return found


def test_without_settings_there_is_no_channel() -> None:
    assert read({}) is None
    assert read({"SMS_MAX_PARTS": "2"}) is None


def test_smpp() -> None:
    sms = read(SMPP | {"SMS_COUNTRY_CODE": "49"}, window=5, ids="hex")

    assert sms is not None and isinstance(sms.gateway, Smpp)
    assert (sms.gateway.host, sms.gateway.port, sms.gateway.tls) == ("smsc.example.com", 2775, False)
    assert (sms.gateway.window, sms.gateway.ids, sms.gateway.parts) == (5, "hex", "udh")
    assert (sms.sender, sms.country_code, sms.most_parts, sms.most_an_hour) == ("Acme", "49", 3, 10)
    secure = read(SMPP | {"SMS_URL": "smpps://smsc.example.com"})
    assert secure is not None and isinstance(secure.gateway, Smpp)
    assert (secure.gateway.tls, secure.gateway.port) == (True, 3550)
    assert SECRET not in repr(sms)


def test_http() -> None:
    sms = read(HTTP)
    assert sms is not None and isinstance(sms.gateway, Http)
    assert (sms.gateway.format, sms.gateway.fields) == ("form", {"to": "{to}", "from": "{from}", "text": "{text}"})
    assert sms.gateway.status is None

    fields = {"messages": [{"to": "{number}", "body": "{text}"}]}
    signed = HTTP | {"SMS_STATUS_SECRET": SECRET}
    sms = read(signed, format="json", fields=fields, id="messages.0.id", status={"lost": ["gone"]})
    assert sms is not None and isinstance(sms.gateway, Http) and isinstance(sms.gateway.status, Status)
    assert (sms.gateway.fields, sms.gateway.status.lost) == (fields, ("gone",))
    assert SECRET not in repr(sms)


@pytest.mark.parametrize(
    ("settings", "options", "said"),
    [
        ({"SMS_USER": "acme"}, {}, "SMS_URL is not set, and SMS_USER is. Set it, or remove them."),
        (SMPP | {"SMS_URL": "smsc.example.com"}, {}, "SMS_URL begins with smpp://, smpps:// or https://."),
        (SMPP | {"SMS_URL": "smpp://a:b@smsc.example.com"}, {}, "SMS_URL is like smpps://smsc.example.com:3550."),
        (SMPP | {"SMS_URL": "smpp://smsc.example.com:port"}, {}, "SMS_URL has a host or port that is none."),
        (SMPP | {"SMS_USER": ""}, {}, "SMS_USER and SMS_PASSWORD are the system_id"),
        (SMPP | {"SMS_USER": "sixteen-letters-"}, {}, "at most 15 characters"),
        (SMPP | {"SMS_TOKEN": SECRET}, {}, "SMS_TOKEN and SMS_STATUS_SECRET are for HTTP gateways. Remove them."),
        (SMPP | {"SMS_SENDER": ""}, {}, "SMS_SENDER is missing or impossible."),
        (SMPP | {"SMS_SENDER": "Acme Incorporated"}, {}, "SMS_SENDER is missing or impossible."),
        (SMPP | {"SMS_COUNTRY_CODE": "+49"}, {}, "SMS_COUNTRY_CODE is the digits of a country's code, such as 49."),
        (SMPP | {"SMS_MAX_PARTS": "11"}, {}, "SMS_MAX_PARTS is at most 10"),
        (SMPP | {"SMS_MAX_PARTS": "0"}, {}, "SMS_MAX_PARTS='0' is not a whole number of at least 1."),
        (SMPP | {"SMS_MOST_AN_HOUR": "many"}, {}, "SMS_MOST_AN_HOUR='many' is not a whole number"),
        (SMPP | {"SMS_OPTIONS": "{"}, {}, "SMS_OPTIONS is not JSON"),
        (SMPP | {"SMS_OPTIONS": "[" * 5000}, {}, "SMS_OPTIONS is not JSON"),
        (SMPP, {"format": "json"}, "SMS_OPTIONS is, for this gateway, a JSON object of system_type, window,"),
        (SMPP, {"window": 11}, "SMS_OPTIONS: window is a whole number from 1 to 10."),
        (SMPP, {"window": True}, "SMS_OPTIONS: window is a whole number."),
        (SMPP, {"ids": "octal"}, "SMS_OPTIONS: ids is one of same, hex, decimal."),
        (SMPP, {"parts": 7}, "SMS_OPTIONS: parts is text."),
        (SMPP, {"system_type": "thirteen-long"}, "SMS_OPTIONS: system_type has at most 12 characters."),
        (HTTP | {"SMS_URL": "https://"}, {}, "SMS_URL, or token_header in SMS_OPTIONS:"),
        (HTTP | {"SMS_USER": "acme", "SMS_PASSWORD": SECRET}, {}, "Set SMS_USER and SMS_PASSWORD, or SMS_TOKEN"),
        (HTTP | {"SMS_TOKEN": "", "SMS_USER": "acme"}, {}, "Set SMS_USER and SMS_PASSWORD, or SMS_TOKEN"),
        (HTTP, {"fields": {"to": "{to}"}}, 'SMS_OPTIONS: fields is a JSON object with "{text}"'),
        (HTTP, {"fields": ["{to}", "{text}"]}, "SMS_OPTIONS: fields is a JSON object"),
        (HTTP, {"fields": {"to": ["{to}"], "text": "{text}"}}, "SMS_OPTIONS: fields of a form are text."),
        (HTTP, {"taken": "status"}, "SMS_OPTIONS: taken is a path in the answer, and taken_is a list"),
        (HTTP, {"taken": "status", "taken_is": "0"}, "SMS_OPTIONS: taken_is is a list of texts."),
        (HTTP, {"status": {}}, "SMS_STATUS_SECRET is not set, and status in SMS_OPTIONS is"),
        (HTTP | {"SMS_STATUS_SECRET": "short"}, {}, "SMS_STATUS_SECRET is shorter than 16 characters."),
        (HTTP | {"SMS_STATUS_SECRET": SECRET}, {"status": {"x": ""}}, "SMS_OPTIONS: status is a JSON object of"),
        (HTTP | {"SMS_STATUS_SECRET": SECRET}, {"status": {"encoding": "hmac"}}, "encoding is one of hex, base64."),
        (HTTP, {"token_header": "Host"}, "SMS_URL, or token_header in SMS_OPTIONS:"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(settings: dict[str, str], options: Any, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as fault:
        read(settings, **options)

    assert said in str(fault.value)
    assert SECRET not in str(fault.value)


def options_of(kind: type[Any], *ours: str) -> dict[str, Any]:
    def as_json(value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value

    return {
        each.name: as_json(each.default_factory() if each.default is MISSING else each.default)  # type: ignore[misc]
        for each in fields(kind)
        if each.name not in ours
    }


@pytest.mark.parametrize(
    ("heading", "options"),
    [
        ("SMPP", options_of(Smpp, "host", "port", "tls", "user", "password")),
        ("HTTP", options_of(Http, "url", "user", "password", "token")),
        ("Statuses by HTTP", options_of(Status, "secret")),
    ],
)
def test_every_option_is_documented_with_its_default(heading: str, options: dict[str, Any]) -> None:
    table = rows(section("docs/sms.md", heading))[1:]

    assert [name for row in table for name in code(row[0])] == list(options)
    for row in table:
        names = code(row[0])
        defaults = code(row[1]) or [""] * len(names)
        for name, default in zip(names, defaults, strict=True):
            said = options[name] if isinstance(options[name], str) else json.dumps(options[name] or "").strip('"')
            assert said == default, name
