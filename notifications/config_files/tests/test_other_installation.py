"""`config compare` with an address: another installation is read by its API."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django.live_server_helper import LiveServer

from notifications.config_files import applying, documents
from notifications.config_files.models import OperatorKey
from notifications.config_files.other_installation import KEY
from notifications.config_files.tests.operators import administrator
from notifications.config_files.tests.test_command import run
from notifications.models import Route
from tests.support.story import Story

PROBLEM = "application/problem+json"
Answer = tuple[int, str, bytes]


@pytest.fixture(autouse=True)
def may_call_loopback(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    monkeypatch.setenv(KEY, "wfo_some_key")


@pytest.mark.django_db(transaction=True)
def test_two_installations_are_compared(live_server: LiveServer, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are this one: the other one is asked before the difference is made here."""
    user, caller = administrator()
    monkeypatch.setenv(KEY, caller.key)
    assert run("compare", live_server.url) == (0, "No differences.\n")
    assert run("compare", f"{live_server.url}/") == (0, "No differences.\n")

    OperatorKey.objects.update(revoked_at=user.date_joined)
    code, text = run("compare", live_server.url)
    assert (code, text.partition(" ")[2]) == (
        1, f"refuses the key in {KEY}: it may be wrong, revoked or expired, or its account closed."
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_an_account_with_less_rights_is_named(
    live_server: LiveServer, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, caller = administrator()
    monkeypatch.setenv(KEY, caller.key)
    user.groups.clear()

    assert "refuses: The account of this key may no longer" in run("compare", live_server.url)[1]
    assert User.objects.filter(pk=user.pk).exists()


@pytest.fixture
def other() -> Any:
    """`other(answer)` returns the address of a server that always gives this answer."""
    servers = []

    def serve(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = answer
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def in_json(document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.django_db
def test_differences_are_those_to_there(other: Callable[[Answer], str], story: Story) -> None:
    files = documents.files_of(applying.current())
    address = other((200, "application/json", in_json({"files": files})))
    Route.objects.filter(name="Tasks").update(priority=3)
    code, text = run("compare", address)

    assert code == 2
    assert text.splitlines()[:3] == ["Here → there:", "Rule “Tasks” changes:", "  Position: 3 → 920"]


@pytest.mark.django_db
def test_what_cannot_be_read_is_said_in_one_sentence(other: Callable[[Answer], str]) -> None:
    answers: list[tuple[Answer, str]] = [
        ((200, "text/html", b"<h1>Hello</h1>"), "does not answer as wfpush does (status 200): enter its BASE_URL."),
        ((200, "application/json", b'{"files": ["a"]}'), "does not answer as wfpush does (status 200)"),
        ((200, "application/json", b'{"files": {"a": 1}}'), "does not answer as wfpush does (status 200)"),
        ((200, "application/json", b"[" * 100_000), "does not answer as wfpush does (status 200)"),
        ((302, "text/html", b""), "does not answer as wfpush does (status 302): enter its BASE_URL."),
        ((401, "text/html", b"no"), "does not answer as wfpush does (status 401)"),
        ((401, PROBLEM, in_json({"code": "unauthenticated"})), f"refuses the key in {KEY}: it may be wrong,"),
        ((404, PROBLEM, in_json({"code": "not_found"})), "runs another release, which does not give"),
        ((403, PROBLEM, in_json({"code": "not_allowed", "detail": "No."})), "refuses: No."),
        ((429, PROBLEM, in_json({"code": "too_many_requests", "detail": "Wait."})), "refuses: Wait."),
        (
            (200, "application/json", in_json({"files": {"a.yaml": "gadgets:\n  a: {}\n"}})),
            "seems to run another release, because its files cannot be read here: a.yaml:2: There is no kind “gadg",
        ),
        (
            (200, "application/json", in_json({"files": {"../a.yaml": "rules: {}\n"}})),
            "seems to run another release, because its files cannot be read here: ../a.yaml: Name it as an export does",
        ),
    ]  # fmt: skip
    for answer, sentence in answers:
        code, text = run("compare", other(answer))
        assert code == 1
        assert sentence in text
        assert "\n" not in text.strip()


@pytest.mark.django_db
def test_what_another_installation_says_does_not_control_the_terminal(other: Callable[[Answer], str]) -> None:
    problem = in_json({"code": "not_allowed", "detail": "\x1b[2J\r\nAll is well."})
    assert run("compare", other((403, PROBLEM, problem)))[1].isprintable()

    files = {"a.yaml": 'teams:\n  t: {name: "\\e[2JAll is well."}\n'}
    text = run("compare", other((200, "application/json", in_json({"files": files}))))[1]
    assert "All is well." in text
    assert "\x1b" not in text


@pytest.mark.django_db
def test_who_is_not_there_is_said(settings: Any) -> None:
    code, text = run("compare", "http://127.0.0.1:9")
    assert (code, text) == (1, "No connection to 127.0.0.1: connection refused.")

    settings.OUTBOUND_ALLOWED_CIDRS = []
    assert "unless OUTBOUND_ALLOWED_CIDRS allows its network" in run("compare", "http://127.0.0.1:9")[1]


@pytest.mark.django_db
def test_a_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("", "wfp_an_engines_key", "wfo_\u00e4", "wfo_a\nX-Header: b", "Bearer wfo_a"):
        monkeypatch.setenv(KEY, key)
        code, text = run("compare", "https://other.example")
        assert code == 1
        assert text.startswith(f"Set {KEY} to an operator's key"), key


@pytest.mark.django_db
def test_a_key_is_not_sent_where_others_can_read_it() -> None:
    assert "Enter an address with https://" in run("compare", "http://other.example")[1]
