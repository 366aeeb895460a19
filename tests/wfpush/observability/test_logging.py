"""Log lines carry ids and no secrets: not in values, not in messages, not in tracebacks, whoever wrote them."""

import json
import logging
import logging.config
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from django.conf import LazySettings, settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from hypothesis import given
from hypothesis import strategies as st

from notifications.connectors.signatures import new_secret
from wfpush.crypto import new_action_token, new_api_key, new_link_token, new_recipient_token
from wfpush.observability.logging import QuietStreamHandler, configure
from wfpush.security.redaction import redact, redact_text

KEY = new_api_key().key
TOKENS = [KEY, new_recipient_token(), new_action_token(), new_link_token(), new_secret()]


class Log:
    """What a logger has written since the last look."""

    def __init__(self, stream: StringIO) -> None:
        self.stream = stream

    def text(self) -> str:
        text = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return text

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    stream = StringIO()
    hooks = sys.excepthook, threading.excepthook
    monkeypatch.setattr(sys, "stderr", stream)
    yield stream
    monkeypatch.undo()
    logging.config.dictConfig(settings.LOGGING)
    sys.excepthook, threading.excepthook = hooks


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest, stderr: StringIO) -> Log:
    logging.config.dictConfig(configure("INFO", request.param))
    return Log(stderr)


@pytest.fixture
def json_log(stderr: StringIO) -> Log:
    logging.config.dictConfig(configure("INFO", "json"))
    return Log(stderr)


# --- What is a secret -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.partition("_")[0])
@given(before=st.text(max_size=30), after=st.text(max_size=30).map(lambda text: " " + text))
def test_a_token_is_hidden_wherever_it_stands(token: str, before: str, after: str) -> None:
    assert token[-20:] not in redact_text(before + token + after)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer geheim-123",
        "authorization: geheim-123",
        "{'Authorization': 'Basic Z2VoZWltLTEyMw=='}",
        "{'HTTP_X_API_KEY': 'geheim-123'}",
        "X-API-Key: geheim-123",
        "Cookie: sessionid=geheim-123; csrftoken=geheim-123",
        "Set-Cookie: a=b; geheim-123",
        "webhook-signature: v1,geheim-123",
        "{'password': 'geheim-123'}",
        '{"password": "geheim-123"}',
        "password=geheim-123",
        "signing_secret='geheim-123'",
        "SECRET_KEY=geheim-123",
        "GET /answer?token=geheim-123&x=1",
        "https://engine.example/hook?x=1&api_key=geheim-123#frag",
        "https://engine.example/hook?sig=geheim-123",
        "POST /link/geheim-123-geheim-123 HTTP/1.1",
        "https://push.example/portal/geheim-123-geheim-123/",
        "postgres://wfpush:geheim-123@db/wfpush",
        "redis://:geheim-123@redis:6379/0",
        "b'password=geheim-123'",
    ],
)
def test_a_secret_is_known_by_its_surroundings(text: str) -> None:
    assert "geheim" not in redact_text(text)
    assert "Z2VoZWlt" not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "request_finished",
        "POST /api/v1/events",
        "GET /api/v1/notifications?state=open&after=17",
        "https://engine.example/tasks/42",
        "https://engine.example:8443/a@b",
        "Alice approved T-42",
        "time: 12:00",
        "basic",
        "/links/short",
        "wfp_",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("550 5.1.1 <Alice.Adams+x@mail.example.com> unknown", "550 5.1.1 <***@mail.example.com> unknown"),
        ("PUT /api/v1/recipients/alice/b", "PUT /api/v1/recipients/***"),
        ("POST /api/v1/recipients/alice/b/tokens?x", "POST /api/v1/recipients/***/tokens?x"),
        ("DETAIL:  Key (ref)=(alice) already exists.", "DETAIL:  Key (ref)=(***) already exists."),
        ("DETAIL:  Failing row contains (1, Alice, null).", "DETAIL:  Failing row contains (***"),
    ],
)
def test_people_are_not_named(text: str, logged: str) -> None:
    assert redact_text(text) == logged


def test_data_is_searched_by_key_and_by_value_however_deep() -> None:
    class Engine:
        def __repr__(self) -> str:
            return f"<Engine key={KEY}>"

    found = redact(
        {
            "engine": "acme",
            "count": 3,
            "token": None,
            "X-API-Key": 17,
            "headers": [{"Authorization": "geheim", "Accept": "*/*"}, ("x", KEY)],
            "body": f"key {KEY}".encode(),
            "object": Engine(),
            KEY: "as a key",
            "deep": {"a": {"b": {"c": {"d": {"e": {"f": {"g": KEY}}}}}}},
        }
    )

    assert KEY not in repr(found)
    assert "geheim" not in repr(found)
    assert found["engine"] == "acme"
    assert found["count"] == 3
    assert found["token"] is None
    assert found["headers"][0]["Accept"] == "*/*"


def test_long_hostile_text_is_searched_in_no_time() -> None:
    for unit in ("_.", "token", "?", "://a:", "sig_", "secret_", "bearer ", "token='"):
        text = "key " + unit * (100_000 // len(unit))
        done = threading.Event()
        worker = threading.Thread(target=lambda text=text, done=done: (redact_text(text), done.set()), daemon=True)
        worker.start()
        assert done.wait(10), unit


# --- What is written --------------------------------------------------------------------------------------------------


def test_no_key_is_written_by_our_own_code(log: Log) -> None:
    logger = structlog.get_logger("notifications.engines.callback")
    try:
        raise ValueError(f"the engine refused {KEY}")
    except ValueError:
        logger.exception("callback_failed", url=f"https://engine.example/?token={KEY}", headers={"X-API-Key": KEY})
    logger.warning(f"message with {KEY}", stack_info=True)
    logger.warning("engine_saved", secret=["geheim"], engine={"slug": "acme", "signing_secret": {"new": "geheim"}})

    written = log.text()
    assert "callback_failed" in written
    assert "ValueError: the engine refused wfp_***" in written
    assert "acme" in written
    assert KEY[-20:] not in written
    assert "geheim" not in written


@pytest.mark.parametrize(
    "name",
    ["django", "django.request", "django.server", "daphne", "django-q", "aiohttp.client", "channels", "asyncio"],
)
def test_no_key_is_written_by_a_library(log: Log, name: str) -> None:
    logger = logging.getLogger(name)
    try:
        raise RuntimeError(f"lost {KEY}") from ValueError(KEY)
    except RuntimeError:
        logger.exception("failed for %s with %r", f"/link/{TOKENS[3]}", {"Authorization": f"Bearer {KEY}"})

    written = log.text()
    assert written.count("failed for /link/") == 1, "one line, by our one handler"
    assert name in written
    assert "RuntimeError: lost wfp_***" in written
    for token in TOKENS:
        assert token[-20:] not in written


def test_a_record_that_cannot_be_formatted_does_not_print_its_arguments(log: Log) -> None:
    ours = next(handler for handler in logging.getLogger().handlers if isinstance(handler, QuietStreamHandler))
    ours.handle(logging.LogRecord("channels", logging.ERROR, "consumers.py", 7, "%d", (KEY,), None))

    written = log.text()
    assert "A log record of channels (consumers.py:7) failed: TypeError" in written
    assert KEY[-20:] not in written


def test_a_line_is_dropped_where_nobody_reads_it_any_more() -> None:
    """As between the death of `manage.py up` and that of its children, who have work to finish."""
    read, write = os.pipe()
    os.close(read)
    nobody = os.fdopen(write, "w", buffering=1)
    handler = QuietStreamHandler()
    handler.setStream(nobody)

    handler.handle(logging.LogRecord("channels", logging.ERROR, "consumers.py", 7, "a line", (), None))

    with pytest.raises(BrokenPipeError):
        nobody.close()


def test_a_python_warning_goes_the_same_way(log: Log) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # pytest has put its own recorder in the way since `configure`
        logging.captureWarnings(True)
        warnings.warn(f"old option used with {KEY}", DeprecationWarning, stacklevel=1)

    assert "old option used with wfp_***" in log.text()


def test_a_line_names_its_logger_level_time_request_and_event(json_log: Log) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1", event_id="e-1"):
        structlog.get_logger("notifications.routing.route").info("routed", matched=2)
        logging.getLogger("django.request").warning("Not Found: %s", "/x")
    structlog.get_logger("notifications.routing.route").info("idle")

    routed, not_found, idle = json_log.lines()
    assert (
        routed.items()
        >= {
            "event": "routed",
            "matched": 2,
            "logger": "notifications.routing.route",
            "level": "info",
            "request_id": "r-1",
            "event_id": "e-1",
        }.items()
    )
    assert routed["timestamp"].endswith("Z")
    assert (not_found["event"], not_found["request_id"], not_found["event_id"]) == ("Not Found: /x", "r-1", "e-1")
    assert "event_id" not in idle


def test_lines_below_the_level_are_not_written(stderr: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    logging.config.dictConfig(configure("WARNING", "json"))
    structlog.get_logger("quiet").info("too low")
    logging.getLogger("django.server").info("too low")
    structlog.get_logger("quiet").warning("high enough")
    logging.getLogger("django.server").warning("high enough")

    assert [line["event"] for line in Log(stderr).lines()] == ["high enough", "high enough"]


# --- A request that fails ---------------------------------------------------------------------------------------------


def broken_page(request: HttpRequest, token: str) -> HttpResponse:
    authorization = request.headers["Authorization"]
    raise LookupError(f"nobody knows {authorization} or {token} or {request.headers['X-API-Key']}")


def refused_page(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def odd_page(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("This is odd: " + "x" * 10_000)


urlpatterns = [path("link/<str:token>", broken_page), path("refused", refused_page), path("odd", odd_page)]


def test_an_unhandled_error_in_a_page_tells_no_secret(log: Log) -> None:
    with override_settings(
        ROOT_URLCONF=__name__, MIDDLEWARE=["django_structlog.middlewares.RequestMiddleware"], DEBUG=False
    ):
        client = Client(raise_request_exception=False)
        answer = client.get(
            f"/link/{TOKENS[3]}?token={TOKENS[2]}",
            headers={"Authorization": f"Bearer {KEY}", "X-API-Key": "geheim", "Cookie": "sessionid=geheim"},
        )

    written = log.text()
    assert answer.status_code == 500
    assert "request_failed" in written
    assert "LookupError: nobody knows Bearer wfp_*** or wfl_***" in written
    assert "request_id" in written
    for token in TOKENS:
        assert token[-20:] not in written


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "host", "status", "reason"),
    [
        ("/refused", "testserver", 403, "Forbidden (Permission denied): /refused"),
        ("/refused", "evil.example", 400, "Invalid HTTP_HOST header: 'evil.example'."),
        ("/nowhere", "testserver", 404, ""),
        ("/odd", "testserver", 400, "This is odd: xxx"),
    ],
)
def test_what_a_client_does_wrong_is_one_line_without_a_traceback(
    json_log: Log, settings: LazySettings, address: str, host: str, status: int, reason: str
) -> None:
    settings.ROOT_URLCONF, settings.ALLOWED_HOSTS = __name__, ["testserver"]
    answer = Client(raise_request_exception=False).get(address, headers={"Host": host})

    (line,) = json_log.lines()
    assert answer.status_code == status
    assert (line["event"], line["code"], line["level"]) == ("request_finished", status, "warning")
    assert line.get("reason", "").startswith(reason)
    assert len(line.get("reason", "")) <= 200
    assert "exception" not in line
    assert "reason" not in structlog.contextvars.get_contextvars()


@pytest.mark.parametrize("where", ["raise_it()", "t = threading.Thread(target=raise_it); t.start(); t.join()"])
def test_an_error_that_nobody_catches_tells_no_secret_either(where: str) -> None:
    script = f"""
import logging.config, threading
from wfpush.observability.logging import configure

logging.config.dictConfig(configure("INFO", "json"))

def raise_it():
    raise ValueError("bad key {KEY}")

{where}
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    line = json.loads(ended.stderr)
    assert (line["event"], line["level"]) == ("uncaught_error", "critical")
    assert "ValueError: bad key wfp_***" in line["exception"]
    assert KEY not in ended.stderr + ended.stdout


def test_an_error_before_django_has_started_tells_no_secret_either() -> None:
    configured = "from wfpush.observability.logging import configure\nconfigure('INFO', 'json')"
    script = f"{configured}\nraise ValueError('bad key {KEY}')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert ended.stderr.strip().endswith("ValueError: bad key wfp_***")
    assert KEY not in ended.stderr + ended.stdout


def test_control_c_is_no_error() -> None:
    script = "from wfpush.observability.logging import configure\nconfigure('INFO', 'json')\nraise KeyboardInterrupt"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert "uncaught_error" not in ended.stderr
    assert ended.stderr.strip().endswith("KeyboardInterrupt")
