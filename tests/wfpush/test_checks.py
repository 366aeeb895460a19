"""What `manage.py check --deploy` says, and what an installation behind https does by itself."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from tests.support.length import some
from wfpush import apps
from wfpush.config.env import Environment
from wfpush.embedded.datafolder import new_secret

ROOT = Path(__file__).resolve().parents[2]
HTTPS = {"BASE_URL": "https://push.example.com", "ALLOWED_HOSTS": "push.example.com"}


@pytest.mark.parametrize(("hosts", "ids"), [(["*"], ["wfpush.E001"]), (["push.example.com"], [])])
def test_any_host_is_an_error(settings: LazySettings, hosts: list[str], ids: list[str]) -> None:
    settings.ALLOWED_HOSTS = hosts
    assert [found.id for found in apps.check_hosts(None)] == ids


@pytest.mark.parametrize(("address", "ids"), [("http://push.example.com", ["wfpush.W002"]), (HTTPS["BASE_URL"], [])])
def test_plain_http_is_warned_of(settings: LazySettings, address: str, ids: list[str]) -> None:
    settings.BASE_URL = address
    assert [found.id for found in apps.check_address(None)] == ids


@pytest.mark.parametrize(
    ("address", "proxies", "ids"),
    [
        (HTTPS["BASE_URL"], 0, ["wfpush.W003"]),
        (HTTPS["BASE_URL"], 1, []),
        ("http://127.0.0.1:8000", 0, []),
    ],
)
def test_a_proxy_that_is_not_counted_is_warned_of(
    settings: LazySettings, address: str, proxies: int, ids: list[str]
) -> None:
    settings.BASE_URL, settings.PROXY_COUNT = address, proxies
    assert [found.id for found in apps.check_proxies(None)] == ids


@pytest.mark.parametrize("token", ["a", "secret", "0123456789abcde"])
def test_a_token_that_can_be_guessed_refuses_to_start(token: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="METRICS_TOKEN is shorter than 16 characters"):
        Environment({"METRICS_TOKEN": token}, Path()).token("METRICS_TOKEN", default="")


def test_no_token_and_a_long_one_are_good() -> None:
    assert Environment({}, Path()).token("METRICS_TOKEN", default="") == ""
    assert Environment({"METRICS_TOKEN": "0123456789abcdef"}, Path()).token("METRICS_TOKEN", default="")


@pytest.mark.parametrize("number", ["0", "101", "-1", "many"])
def test_a_number_out_of_its_bounds_refuses_to_start(number: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"EVENT_BATCH='{number}' is"):
        Environment({"EVENT_BATCH": number}, Path()).integer("EVENT_BATCH", default=7, minimum=1, maximum=100)


@pytest.mark.parametrize("number", [1, 100])
def test_the_bounds_themselves_are_good(number: int) -> None:
    given = Environment({"EVENT_BATCH": str(number)}, Path())
    assert given.integer("EVENT_BATCH", default=7, minimum=1, maximum=100) == number


def said(*arguments: str, **environment: str) -> str:
    """What a command of its own process says: settings are read once a process."""
    command = [sys.executable, "manage.py", *arguments]
    found = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    return found.stdout + found.stderr


DEPLOYMENTS = [
    ({**HTTPS, "PROXY_COUNT": "1"}, []),
    (HTTPS, ["wfpush.W003"]),
    ({**HTTPS, "ALLOWED_HOSTS": "*", "PROXY_COUNT": "1"}, ["wfpush.E001"]),
    ({"BASE_URL": "http://push.example.com"}, ["wfpush.W002"]),
]


@pytest.mark.parametrize(("environment", "ids"), some(DEPLOYMENTS, 2))
def test_check_deploy_says_what_matters_and_nothing_else(environment: dict[str, str], ids: list[str]) -> None:
    assert re.findall(r"\((\w+\.[EW]\d+)\)", said("check", "--deploy", **environment)) == ids


def test_an_installation_as_operations_describes_it_has_no_issues(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing else beside it, such as warnings about the API's schema."""
    for name in ("WFPUSH_DATA", "DJANGO_SETTINGS_MODULE", "UNDO_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    secrets = {name: new_secret(name) for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "VAPID_PRIVATE_KEY")}
    servers = {"DATABASE_URL": "postgres://wfpush:x@127.0.0.1:1/wfpush", "REDIS_URL": "redis://127.0.0.1:1/0"}
    more = {"EMAIL_URL": "smtp+tls://user:password@mail.example:587", "LOG_FORMAT": "json", "PROXY_COUNT": "1"}
    output = said("check", "--deploy", "--fail-level", "WARNING", **secrets, **servers, **HTTPS, **more)
    assert output == "System check identified no issues (3 silenced).\n"


LOOK = "from django.conf import settings as s; print(s.SECURE_HSTS_SECONDS, s.SECURE_PROXY_SSL_HEADER)"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({**HTTPS, "PROXY_COUNT": "1"}, "31536000 ('HTTP_X_FORWARDED_PROTO', 'https')"),
        (HTTPS, "31536000 None"),
        ({**HTTPS, "HSTS": "no"}, "0 None"),
        ({"PROXY_COUNT": "1"}, "0 None"),
    ],
)
def test_https_is_held_to_and_a_proxys_word_counts_only_with_a_proxy(
    environment: dict[str, str], expected: str
) -> None:
    assert said("shell", "--no-imports", "-c", LOOK, **environment).strip().endswith(expected)
