"""A wrong value of any setting refuses to start with one sentence that names the setting, and never with a secret."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.support.length import some
from tests.test_docs import read_settings
from wfpush.config import env
from wfpush.embedded.datafolder import new_secret
from wfpush.embedded.servers import EmbeddedError

ROOT = Path(__file__).resolve().parents[3]
SECRET = "Zq7-hidden-secret-Vx9"
RIGHT = {
    "SECRET_KEY": "k" * 40,
    "ENCRYPTION_KEYS": "e" * 40,
    "VAPID_PRIVATE_KEY": new_secret("VAPID_PRIVATE_KEY"),
    "DATABASE_URL": "postgres://wfpush:x@db.example:5432/wfpush",
    "REDIS_URL": "redis://redis.example:6379/0",
}
REFUSED = {
    "DATABASE_URL": [
        f"postgres://wfpush:{SECRET}@db.example:port/wfpush",
        f"postgres://wfpush:{SECRET}@db.example:70000/wfpush",
        f"postgres://wfpush:{SECRET}@db.example:0/wfpush",
        f"postgres://wfpush:{SECRET}@db.example,two.example:x/wfpush",
        f"postgres://wfpush:{SECRET}@[::1/wfpush",
        f"postgres://wfpush:{SECRET}@db.example",
        f"postgres://wfpush:{SECRET}@db.example/",
        f"postgres://wfpush:{SECRET}%zz@db.example/wfpush",
        f"postgres://wfpush:{SECRET}%00@db.example/wfpush",
        f"postgres://wfpush:{SECRET}@db example/wfpush",
        f"postgres://wfpush:{SECRET}/x@db.example/wfpush",
        f"postgres://wfpush:x@db.example/wfpush?pasword={SECRET}",
        f"mysql://wfpush:{SECRET}@db.example/wfpush",
        f"wfpush:{SECRET}@db.example/wfpush",
        SECRET,
    ],
    "REDIS_URL": [
        f"redis://:{SECRET}@[::1",
        f"redis://:{SECRET}@redis.example:port/0",
        f"redis://:{SECRET}@redis.example:6379/zero",
        f"redis://:{SECRET}@redis.example:6379/0?socket_timeout=long",
        f"redis://:{SECRET}@redis.example:6379/0?pasword=x",
        f"rediss://:{SECRET}@redis.example:6379/0?ssl_cert_reqs=perhaps",
        f"redis://:{SECRET}%@redis.example:6379/0",
        f"redis://:{SECRET}@one.example:26379,two.example:26379/mymaster",
        f"redis+sentinel://:{SECRET}@one.example:26379/mymaster",
        "redis://",
        "unix://",
        SECRET,
    ],
    "EMAIL_URL": [
        "smtp://bad:port:x",
        f"smtp://user:{SECRET}@mail.example:port",
        f"smtp://user:{SECRET}@[::1:25",
        f"smtp://user:{SECRET}%@mail.example:25",
        f"smtp://user:{SECRET}@mail.example:99999",
        f"smtp+ssl://user:{SECRET}@mail.example:465?EMAIL_USE_TLS=True",
        f"imap://user:{SECRET}@mail.example",
        "smtp://",
        SECRET,
    ],
    "BASE_URL": [
        "push.example.com",
        "https://",
        "https://push.example.com:port",
        "https://[::1",
        "https://push example.com",
        f"https://user:{SECRET}@push.example.com",
        "https://push.example.com/?a=b",
        "ftp://push.example.com",
    ],
    "ALLOWED_HOSTS": ["https://push.example.com", "push.example.com:8000", "push example.com", "[::1", "a/b"],
    "VAPID_SUBJECT": ["mailto:", "mailto:nobody", "mailto:a b@example.com", "https://[::1", "ops@example.com"],
    "DEFAULT_FROM_EMAIL": ["Acme", "Acme <no-reply", "a@example.com\nBcc: x@example.com"],
    "METRICS_TOKEN": ["short", f"{SECRET} with a space", f"{SECRET}ü"],
    "SMS_URL": [f"smpp://user:{SECRET}@[::1", "smpp://smsc.example:port", "ftp://x", "https://[::1", "https://a b"],
    "APPWORKS_GATEWAY_URL": ["https://[::1", "https://gateway.example:port", "gateway.example"],
    "FIREBASE_CREDENTIALS": ["~nobody-here/key.json", "/nowhere/key.json", "{", "x" * 5000, f'{{"a": "{SECRET}"}}'],
    "PUSH_ALLOWED_HOSTS": ["https://push.example", "push.example:port", "*.com"],
    "PROXY_COUNT": ["-1", "9" * 5000, "1.5", "٣x", "²"],
    "DATABASE_TIMEOUT": ["0", "9999999999"],
    "HSTS": ["perhaps"],
    "LOG_LEVEL": ["loud"],
    "OUTBOUND_ALLOWED_CIDRS": ["10.0.0.0/99", "10.1.0.5/16", "everything"],
    "VAPID_PRIVATE_KEY": [SECRET, "ü" * 43],
    "SECRET_KEY": [SECRET],
    "ENCRYPTION_KEYS": [SECRET, f"{SECRET},a,{'b' * 40}"],
}
ALSO_NEEDED = {
    "SMS_URL": {"SMS_USER": "u", "SMS_PASSWORD": "p", "SMS_SENDER": "Acme"},
    "APPWORKS_GATEWAY_URL": {"APPWORKS_GATEWAY_KEY": "k"},
}
ACCEPTED = {
    "DATABASE_URL": [
        "postgresql://postgres@/wfpush?host=%2Frun%2Fpostgresql",
        "postgres://wfpush:a%2Fb%25@one.example:5432,two.example:5433/wfpush?target_session_attrs=read-write",
        "postgres://wfpush:x@[2001:db8::1]:5432/wfpush?sslmode=verify-full&connect_timeout=3",
        "postgres://wfpush:x@db.example/wfpush?prepare_threshold=5&conn_max_age=0",
    ],
    "REDIS_URL": [
        "unix:///run/redis/redis.sock?db=1",
        "rediss://user:a%2Fb@redis.example:6379/3?ssl_cert_reqs=required",
        "redis://[::1]:6379/0",
        "redis://redis.example",
    ],
    "EMAIL_URL": ["smtp+tls://user:a%40b@mail.example:587", "smtp://mail.example", "consolemail://"],
    "BASE_URL": ["https://push.example.com/", "http://[::1]:8000", "https://bücher.example"],
    "ALLOWED_HOSTS": ["*", ".example.com,push.example.com", "[::1],10.0.0.1", "bücher.example"],
    "VAPID_SUBJECT": ["mailto:ops@example.com", "https://example.com/contact"],
    "DEFAULT_FROM_EMAIL": ["a@example.com", "Äpfel & Co <no-reply@example.com>"],
}


def cases(values: dict[str, list[str]]) -> list[Any]:
    return [pytest.param(name, value, id=f"{name}-{number}")
            for name, listed in values.items() for number, value in enumerate(listed)]  # fmt: skip


SECRETIVE = ("text", "address", "contact", "secret", "secrets", "keys")
"""Types of settings, as docs/settings.md calls them, whose values are never shown."""
UGLY = ["", "%zz", "[::1", "://", "a:b:c", "\n", "\x7f", "\udcff", "²", "é", "-1", "9" * 5000, "{}", "{", "[" * 2000,
        "~x/", ",", "https://[", "https://x:y", "mailto:", "a@b@c", f"https://u:{SECRET}@[::1",
        f"smpp://u:{SECRET}@x:y"]  # fmt: skip


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Returns the settings as a process reads them at its start, or raises what it would end with."""

    def read(name: str, value: str) -> dict[str, Any]:
        values = RIGHT | ALSO_NEEDED.get(name, {}) | {"WFPUSH_DATA": str(tmp_path), name: value}
        for other in read_settings():
            monkeypatch.setenv(other, values.get(other, ""))
        monkeypatch.setenv("WFPUSH_DATA", values["WFPUSH_DATA"])
        return runpy.run_path(str(ROOT / "wfpush" / "settings.py"), run_name="wfpush.settings")

    return read


def refusal(start: Any, name: str, value: str) -> str:
    """The sentence. Empty if the value is accepted."""
    try:
        start(name, value)
    except (ImproperlyConfigured, EmbeddedError) as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize(("name", "value"), cases(REFUSED))
def test_a_wrong_value_is_refused_by_the_name_of_its_setting(start: Any, name: str, value: str) -> None:
    sentence = refusal(start, name, value)
    assert sentence.startswith(name)
    assert len(sentence.splitlines()) == 1
    assert SECRET not in sentence


@pytest.mark.parametrize(("name", "value"), cases(ACCEPTED))
def test_what_works_is_accepted(start: Any, name: str, value: str) -> None:
    assert refusal(start, name, value) == ""


@pytest.mark.parametrize("name", some(sorted(read_settings()), 8))
def test_no_value_of_any_setting_ends_in_a_traceback_or_shows_a_secret(start: Any, name: str) -> None:
    for value in UGLY:
        sentence = refusal(start, name, value)
        assert not sentence or name.partition("_")[0] in sentence  # settings of a gateway need each other
        assert SECRET not in sentence or read_settings()[name][0] not in SECRETIVE
        assert len(sentence) < 1000


def test_a_file_of_settings_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SECRET_KEY=\xff\n")
    with pytest.raises(ImproperlyConfigured, match=r"\.env cannot be read: 'utf-8' codec"):
        env.load(tmp_path)


@pytest.mark.processes
def test_a_command_ends_with_that_sentence_alone() -> None:
    environment = os.environ | {"EMAIL_URL": "smtp://bad:port:x"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("manage.py check: EMAIL_URL: ")
    assert "smtp+tls://user:password@host:587" in sentence
