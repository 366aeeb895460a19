"""APPWORKS_GATEWAY_URL, _KEY and _OPTIONS: what they stand for, and what is refused with a sentence that helps."""

import json
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.appworks import config
from notifications.channels.appworks.config import Gateway
from wfpush.config.env import Environment

ADDRESS = {"APPWORKS_GATEWAY_URL": "https://gateway.example", "APPWORKS_GATEWAY_KEY": "s3cret-key"}


def read(**values: str) -> Gateway | None:
    gateway: Gateway | None = config.read(Environment(values, Path("/nowhere")), "")["APPWORKS_GATEWAY"]
    return gateway


def test_there_is_no_gateway_unless_it_is_set() -> None:
    assert read() is None


def test_two_settings_are_enough_and_the_rest_is_as_opentext_has_it() -> None:
    gateway = read(**ADDRESS | {"APPWORKS_GATEWAY_URL": "https://gateway.example/"})

    assert gateway == Gateway("https://gateway.example", "s3cret-key")
    assert gateway.address == "https://gateway.example/gateway/v2/notifications"
    assert "s3cret" not in repr(gateway)


def test_options_change_the_rest() -> None:
    options = {"path": "/push", "user": "email", "members": {"type": "approvals"}}
    gateway = read(**ADDRESS, APPWORKS_GATEWAY_OPTIONS=json.dumps(options))

    assert gateway == Gateway("https://gateway.example", "s3cret-key", **options)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"URL": ""}, "APPWORKS_GATEWAY_URL is not set, and other settings of the gateway are"),
        ({"KEY": ""}, "APPWORKS_GATEWAY_KEY is missing or unreadable"),
        ({"KEY": "s3cret\nkey"}, "APPWORKS_GATEWAY_KEY is missing or unreadable"),
        ({"URL": "gateway.example"}, "APPWORKS_GATEWAY_URL: The address must begin with https://"),
        ({"URL": "ftp://gateway.example"}, "APPWORKS_GATEWAY_URL: The address must begin with https://"),
        ({"URL": "https://s3cret:s3cret@gateway.example"}, "APPWORKS_GATEWAY_URL: The address contains a user name"),
        ({"URL": "https://gateway.example?a=1"}, "have neither ? nor #"),
        ({"OPTIONS": '{"path": "push"}'}, "the path in APPWORKS_GATEWAY_OPTIONS, which begins with /"),
        ({"OPTIONS": '{"path": "/a b"}'}, "APPWORKS_GATEWAY_URL: The address contains a space"),
        ({"OPTIONS": "{"}, "APPWORKS_GATEWAY_OPTIONS is not JSON"),
        ({"OPTIONS": "[" * 5000}, "APPWORKS_GATEWAY_OPTIONS is not JSON"),
        ({"OPTIONS": "[]"}, "is a JSON object of path, key_field, message_field, users_field, user, members"),
        ({"OPTIONS": '{"url": "https://other.example"}'}, "is a JSON object of path"),
        ({"OPTIONS": '{"user_field": "to"}'}, "is a JSON object of path"),
        ({"OPTIONS": '{"path": 7}'}, "path is text"),
        ({"OPTIONS": '{"key_field": ""}'}, "key_field is text"),
        ({"OPTIONS": '{"key_field": "users"}'}, "the three fields have three names"),
        ({"OPTIONS": json.dumps({"key_field": "k" * 61})}, "of at most 60 characters"),
        ({"OPTIONS": '{"user": "phone"}'}, "user is one of ref, email"),
        ({"OPTIONS": '{"members": []}'}, "members is a JSON object with none of body, case, category, header, id"),
        ({"OPTIONS": '{"members": {"link": "https://other.example"}}'}, "members is a JSON object with none of"),
        ({"OPTIONS": '{"members": {"type": 7}}'}, "type and displayType among the members are text"),
        ({"OPTIONS": '{"members": {"a": NaN}}'}, "a number that JSON does not know"),
        ({"OPTIONS": json.dumps({"members": {"a": "b" * 1000}})}, "more than 1000 characters"),
    ],
)
def test_a_wrong_value_refuses_to_start_and_says_what_to_write(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**ADDRESS | {f"APPWORKS_GATEWAY_{name}": value for name, value in changes.items()})

    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)
