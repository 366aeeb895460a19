"""The documentation says what the code does: settings, commands, paths, codes, states and samples are compared."""

import ast
import base64
import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import DjangoHelpFormatter

from notifications import cloudevents, eventdata, mapping, render, respond, signing, strictjson
from notifications.api.schema import document
from notifications.api.throttling import LIMITS
from notifications.errors import Failure
from notifications.models import (
    CallbackState,
    DeliveryState,
    EventStatus,
    NotificationState,
    Scope,
    TaskState,
    Via,
)
from notifications.models.validators import MAX_ID
from notifications.starter.actions import ACTIONS
from notifications.types import BEHAVIOURS
from wfpush import bodylimit, metrics, problems

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = ("wfpush", "notifications")
FENCED = re.compile(r"```.*?```", re.S)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level."""
    found = re.search(rf"^(#+) {re.escape(heading)}$\n(.*?)(?=^\1 |^#{{1,2}} |\Z)", read(page), re.M | re.S)
    assert found, f"{page} has no heading “{heading}”"
    return found[2]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headings included."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    tables = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [cells for line, cells in zip(lines, tables, strict=True) if not re.fullmatch(r"[|\s-]+", line)]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", FENCED.sub("", text))


def first_words(text: str) -> dict[str, list[str]]:
    """The name in code that begins a row, and the row's other cells."""
    return {name: cells[1:] for cells in rows(text) for name in code(cells[0])}


def blocks(page: str, language: str, mark: str = "") -> list[str]:
    """Code blocks of a language; `mark`: those after the comment of that name."""
    before = rf"<!-- {mark} -->\n" if mark else ""
    return re.findall(rf"{before}```{language}\n(.*?)```", read(page), re.S)


# --- settings -------------------------------------------------------------------------------------
TYPES = {
    "text": "text",
    "flag": "yes or no",
    "integer": "whole number",
    "choice": "word",
    "words": "list",
    "url": "address",
    "networks": "networks",
    "secret": "secret",
    "secrets": "secrets",
}
"""How the page calls what each method of `Environment` reads."""


def read_settings() -> dict[str, tuple[str, str | None]]:
    """Name to type and default, as settings.py and env.py read them."""
    found: dict[str, tuple[str, str | None]] = {}
    for module in ("wfpush/settings.py", "wfpush/env.py"):
        for call in (node for node in ast.walk(ast.parse(read(module))) if isinstance(node, ast.Call)):
            if not isinstance(call.func, ast.Attribute) or call.func.attr not in TYPES or not call.args:
                continue
            name = call.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isupper():
                found.setdefault(name.value, (TYPES[call.func.attr], default_of(call)))
    return found


def default_of(call: ast.Call) -> str | None:
    """As the page writes it; None: there is none, or it is required."""
    default = next((keyword.value for keyword in call.keywords if keyword.arg == "default"), None)
    value = ast.literal_eval(default) if default is not None else None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value) if value not in (None, "") else None


def documented_settings() -> dict[str, list[str]]:
    text = section("docs/settings.md", "Settings")
    return {name: cells for name, cells in first_words(text).items() if len(cells) == 3}


def test_every_setting_is_documented_with_its_type_and_default() -> None:
    documented = documented_settings()

    assert set(read_settings()) | {"WFPUSH_DATA"} == set(documented)
    for name, (kind, default) in read_settings().items():
        assert documented[name][0] == kind, name
        assert code(documented[name][1])[:1] == ([default] if default else []), name


def test_every_setting_of_the_demo_is_documented() -> None:
    table = first_words(section("docs/settings.md", "Settings"))
    documented = {name for name, cells in table.items() if len(cells) == 2}
    in_code = set(re.findall(r'environ, "([A-Z_]+)"', read("demo/config.py")))

    assert documented == in_code


def test_the_reason_of_every_setting_of_django_q2_is_documented() -> None:
    assert set(first_words(section("docs/architecture.md", "django-q2"))) - {"CLUSTER_WORKERS"} == set(
        settings.Q_CLUSTER
    )


# --- commands -------------------------------------------------------------------------------------
def our_commands() -> dict[str, Any]:
    found = {name: app for name, app in get_commands().items() if app in OURS}
    return {name: load_command_class(app, name) for name, app in found.items()}


def own_options(command: Any) -> set[str]:
    """Options that the command adds to Django's own."""
    parser = command.create_parser("manage.py", "command")
    assert issubclass(parser.formatter_class, DjangoHelpFormatter)
    late = DjangoHelpFormatter.show_last
    flags = {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}
    return flags - late - {"--help"}


def test_every_command_is_documented_with_its_options() -> None:
    headings = re.findall(r"^### (`manage\.py .+)$", read("docs/settings.md"), re.M)
    documented = {name: heading for heading in headings for name in re.findall(r"`manage\.py (\w+)", heading)}

    assert set(documented) == set(our_commands())
    for name, command in our_commands().items():
        text = section("docs/settings.md", documented[name])
        options = {option for row in rows(text) for option in re.findall(r"--[a-z-]+", row[0])}
        assert options == own_options(command), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_command_that_is_not_there(page: Path) -> None:
    named = re.findall(r"manage\.py ([a-z_]+)((?: --[a-z-]+)*)", page.read_text(encoding="utf-8"))

    for name, options in named:
        assert name in get_commands(), name
        if name in our_commands():
            assert set(options.split()) <= own_options(our_commands()[name]), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_a_page_runs_is_there(page: Path) -> None:
    for name in re.findall(r"python -m ([a-z_.]+)", page.read_text(encoding="utf-8")):
        assert find_spec(name), name


def test_make_has_the_targets_that_are_documented_and_no_others() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M)) - {"lint test bench soak"}
    documented = {name.removeprefix("make ") for name in first_words(section("docs/settings.md", "Make"))}
    named = {name for page in PAGES for name in re.findall(r"`?\bmake ([a-z]+(?:-dev)?)`", page.read_text("utf-8"))}
    in_readme = set(re.findall(r"^make ([a-z-]+)$", read("README.md"), re.M))

    assert documented == targets
    assert named <= targets
    assert in_readme == {"run", "test"}


# --- the API --------------------------------------------------------------------------------------
def operations() -> set[tuple[str, str]]:
    paths: dict[str, dict[str, Any]] = json.loads(document())["paths"]
    described = {(method.upper(), shape(path)) for path, each in paths.items() for method in each}
    return described | {("GET", "/api/schema"), ("GET", "/api/docs")}


def shape(path: str) -> str:
    """A path whatever its parameters are called."""
    return re.sub(r"\{[^}]*\}|<[^>]*>", "{}", path)


def test_the_list_of_paths_is_that_of_the_api() -> None:
    listed = first_words(section("docs/api.md", "General"))
    documented = {
        (method, shape(path)) for path, cells in listed.items() if path.startswith("/api/") for method in code(cells[0])
    }

    assert documented == operations()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_path_that_is_not_there(page: Path) -> None:
    named = re.findall(r"`(GET|PUT|POST|DELETE) (/api/[^\s`?]+)", page.read_text(encoding="utf-8"))

    assert {(method, shape(path)) for method, path in named} <= operations()


def test_every_path_is_told_of_and_not_only_listed() -> None:
    told = re.findall(r"`(GET|PUT|POST|DELETE) (/api/v1/[^\s`?]+)", read("docs/api.md"))

    assert {(method, shape(path)) for method, path in told} == {each for each in operations() if "/v1/" in each[1]}


def failures() -> Iterator[type[Failure]]:
    waiting = [Failure]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        yield kind


def codes_in_code() -> set[tuple[str, int]]:
    ours = {(kind.code, kind.status) for kind in failures()}
    plain = {(name, status) for status, (name, _detail) in problems._BY_STATUS.items()}
    literal = re.findall(r'problem\(\s*(\d{3}), "([a-z_]+)"', read("wfpush/problems.py"))
    return ours | plain | {(name, int(status)) for status, name in literal}


def test_every_problem_code_is_documented_with_its_status() -> None:
    table = first_words(section("docs/api.md", "Errors"))
    documented = {(name, int(cells[0])) for name, cells in table.items() if cells[0].isdecimal()}

    assert documented == codes_in_code()
    assert set(problems._TITLES) == {name for name, _status in documented}


def test_every_type_of_event_is_documented_with_what_it_needs() -> None:
    table = first_words(section("docs/api.md", "What an event's data holds"))
    documented = {name: set(code(cells[1])) for name, cells in table.items() if name in BEHAVIOURS}
    needed = {
        name: {path.replace("/", ".") for path in (*eventdata.NEEDS[name], *eventdata.NEEDS_ONE_OF.get(name, ()))}
        for name in BEHAVIOURS
    }

    assert documented == needed


@pytest.mark.parametrize(
    ("heading", "title", "choices"),
    [
        ("How events meet tasks", "Task `state`", TaskState),
        ("Inbox", "Notification `state`", NotificationState),
        ("The trace and a task", "Event `status`", EventStatus),
        ("The trace and a task", "Delivery `state`", DeliveryState),
        ("Who may call", "Scope", Scope),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_every_state_is_documented(heading: str, title: str, choices: Any) -> None:
    text = section("docs/api.md", heading)
    table = text[text.index(f"| {title} |") :].split("\n\n")[0]
    documented = {name for cells in rows(table)[1:] for cell in cells[:2] for name in code(cell)}

    assert documented & set(choices.values) == set(choices.values)
    if choices is not TaskState:  # whose table names actions and events, too
        assert {name for cells in rows(table)[1:] for name in code(cells[0])} == set(choices.values)


def test_callback_states_and_ways_of_answering_are_documented() -> None:
    out, answers = section("docs/api.md", "Answers out to the engine"), section("docs/api.md", "Answers")

    assert set(CallbackState.values) <= set(code(out))
    assert set(Via.values) <= set(code(answers))


def test_the_limits_are_those_of_the_code() -> None:
    limits = {cells[0]: cells[1] for cells in rows(section("docs/api.md", "Limits"))[1:]}

    assert limits == {
        "Body of a request": f"{bodylimit.BODY_LIMIT // 2**20} MiB",
        "Body of a batch": f"{bodylimit.BATCH_LIMIT // 2**20} MiB",
        "Events of a batch": f"{cloudevents.MAX_BATCH:,}",
        "`data` of an event": f"{eventdata.MAX_DATA_BYTES // 1024} KiB",
        "Levels of nesting": f"{strictjson.MAX_DEPTH}",
        "People an event may name (teams and followers may be larger)": f"{eventdata.MAX_PEOPLE:,}",
        "Id or ref": f"{MAX_ID} characters",
        "Title after filling in": f"{render.MAX_TITLE} characters",
        "Comment": f"{respond.MAX_COMMENT:,} characters",
        "Calls a minute of one API key": f"{LIMITS['engine']:,}",
        "Calls a minute of one person": f"{LIMITS['person']:,}",
        "Failed calls a minute from one address": f"{LIMITS['stranger']:,}",
    }


def test_every_metric_is_documented() -> None:
    in_code = set(re.findall(r'"(wfpush_\w+)"', read(metrics.__file__)))

    assert set(first_words(section("docs/operations.md", "Metrics and alerts"))) == in_code


def test_the_buttons_with_labels_of_their_own_are_documented() -> None:
    told = code(section("docs/engines.md", "Tell the whole story of a task"))

    assert {action.action for action in ACTIONS} <= set(told)


# --- samples --------------------------------------------------------------------------------------
def sample_events() -> Iterator[tuple[str, Any]]:
    """Every CloudEvent on a page, in JSON blocks and in `curl -d '…'`."""
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        bodies = [*blocks(name, "json"), *re.findall(r"-d '(.*?)'", page.read_text(encoding="utf-8"), re.S)]
        for body in bodies:
            found = json.loads(body)
            for each in found if isinstance(found, list) else [found]:
                if "specversion" in each:
                    yield f"{name}: {each['type']}", each


@pytest.mark.parametrize("event", [pytest.param(event, id=name) for name, event in sample_events()])
def test_a_sample_event_is_one_that_is_taken(event: Any) -> None:
    assert cloudevents.structured(event).id == event["id"]


def test_the_sample_of_binary_mode_is_taken() -> None:
    command = next(block for block in blocks("docs/engines.md", "sh") if "ce-specversion" in block)
    headers = dict(re.findall(r"'(ce-[a-z]+): ([^']+)'", command))
    body = re.search(r"-d '(.*?)'", command, re.S)

    assert body
    assert cloudevents.binary(headers, body[1].encode()).type == "task.completed"


@pytest.mark.parametrize("preset", ["flowable", "opentext", "camunda7"])
def test_a_preset_makes_an_event_of_the_sample_of_its_engine(preset: str) -> None:
    marked = re.search(rf"<!-- preset: [^>]*{preset}[^>]*-->\n```json\n(.*?)```", read("docs/engines.md"), re.S)
    assert marked
    event = cloudevents.structured(
        mapping.translate(mapping.PRESETS[preset].items(), json.loads(marked[1]), source="/engines/x")
    )

    assert event.type == "task.assigned"
    assert event.data["task"]["assignee"] == "bob"
    assert event.data["task"]["priority"] == {"camunda7": "urgent"}.get(preset, "high")
    assert event.data["variables"]["amount"] == 1200.5


def test_every_preset_is_documented() -> None:
    assert all(f"{preset}" in read("docs/engines.md") for preset in mapping.PRESETS)


def test_every_json_block_is_json() -> None:
    for page in PAGES:
        for block in blocks(str(page.relative_to(ROOT)), "json"):
            json.loads(block)


def run_sample(mark: str) -> dict[str, Any]:
    (source,) = blocks("docs/engines.md", "python", mark)
    namespace: dict[str, Any] = {"__name__": mark}
    exec(compile(source, f"docs/engines.md ({mark})", "exec"), namespace)
    return namespace


NOW = 1_780_000_000
BODY = b'{"data": {}}'


def signed(*secrets: str, body: bytes = BODY, at: int = NOW) -> dict[str, str]:
    signature = signing.sign(secrets, "a-1", at, body)
    return {"webhook-id": "a-1", "webhook-timestamp": str(at), "webhook-signature": signature}


def test_the_sample_receiver_takes_what_we_sign() -> None:
    verify, secret, other = run_sample("receiver")["verify"], signing.new_secret(), signing.new_secret()

    assert verify([secret], signed(secret), BODY, NOW) == "a-1"
    assert verify([secret], signed(other, secret), BODY, NOW) == "a-1"
    assert verify([other, secret], signed(secret), BODY, NOW) == "a-1"


@pytest.mark.parametrize(
    ("change", "body", "now"),
    [
        ({"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()}, BODY, NOW),
        ({"webhook-signature": "ä"}, BODY, NOW),
        ({"webhook-signature": ""}, BODY, NOW),
        ({"webhook-id": "a-2"}, BODY, NOW),
        ({"webhook-timestamp": "soon"}, BODY, NOW),
        ({}, b"another body", NOW),
        ({}, BODY, NOW + 301),
        ({}, BODY, NOW - 301),
    ],
)
def test_the_sample_receiver_refuses_what_we_did_not_sign(change: dict[str, str], body: bytes, now: int) -> None:
    secret = signing.new_secret()

    with pytest.raises(ValueError):
        run_sample("receiver")["verify"]([secret], signed(secret) | change, body, now)


def test_the_sample_receiver_runs_and_takes_an_answer_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = signing.new_secret()
    monkeypatch.setenv("WFPUSH_SIGNING_SECRET", secret)
    sample = run_sample("receiver")
    (body,) = [block.encode() for block in blocks("docs/api.md", "json") if "task.responded" in block]
    with serving(sample["Receiver"]) as address:
        now = int(sample["time"].time())
        first = post(address, body, signed(secret, body=body, at=now))
        again = post(address, body, signed(secret, body=body, at=now))
        forged = post(address, body + b" ", signed(secret, body=body, at=now))

    assert (first, again, forged) == (200, 200, 401)
    assert capsys.readouterr().out == "T-42: Bob says approved. Fine.\n"


@contextmanager
def serving(handler: Any) -> Iterator[str]:
    handler.log_message = lambda *said: None
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/callback"
        finally:
            server.shutdown()
            thread.join()


def post(address: str, body: bytes, headers: dict[str, str]) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(address, body, headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


def test_the_sample_sender_signs_as_we_verify() -> None:
    sample, secret = run_sample("sender"), signing.new_secret()

    headers = sample["signature_headers"](secret, "e-1", BODY)

    assert signing.verify([secret], headers, BODY, sample["time"].time()) == "e-1"


# --- links and pictures ---------------------------------------------------------------------------
def anchors(page: Path) -> set[str]:
    """The anchors that headings get: small letters, hyphens for spaces, without other marks."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page() -> None:
    linked = {(ROOT / link).resolve() for link in links(ROOT / "README.md")}

    assert set(PAGES) - {ROOT / "README.md"} <= linked


def test_every_picture_is_shown_and_small() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page) if link.endswith(".png")}
    there = set((ROOT / "docs" / "images").iterdir())

    assert shown == there
    assert all(picture.stat().st_size < 150_000 for picture in there)
