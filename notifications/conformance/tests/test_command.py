"""The command: the blocks of docs/engines/conformance.md as they are, and its end when somebody stops it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from notifications.conformance.tests.engines import SERVERS, Accounts, Runs
from tests.engines.guards import SECRET, SERVICE
from tests.engines.server import Fault
from tests.pushlab.background import Background
from tests.support.documentation import ROOT, blocks
from tests.support.waiting import eventually

PAGE = "docs/engines/conformance.md"
ENVIRONMENT = {"OUTBOUND_ALLOWED_CIDRS": "127.0.0.0/8", "PYTHONUNBUFFERED": "1", "PASSWORD": SECRET}
NO_INSTALLATION = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "VAPID_PRIVATE_KEY")


@pytest.fixture
def engine() -> Iterator[Runs]:
    background, made = Background(), SERVERS["camunda7"](Accounts())
    background.run(made.start())
    yield made
    background.run(made.stop())
    background.stop()


def page_block(words: str, **replaced: str) -> str:
    """The block of the page with these words, for this machine."""
    (block,) = [block for block in blocks(PAGE, "sh") if words in block]
    for text, value in {".venv/bin/python manage.py": f"exec {sys.executable} {ROOT}/manage.py", **replaced}.items():
        assert text in block
        block = block.replace(text, value)
    return block


def started(block: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """A shell with no installation of wfpush around it."""
    bare = {name: value for name, value in os.environ.items() if name not in NO_INSTALLATION}
    return subprocess.Popen(
        ["bash", "-euc", block],
        cwd=folder,
        env=bare | ENVIRONMENT | {"WFPUSH_DATA": str(folder / "data")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def rest_block(engine: Runs) -> str:
    return page_block("--kind camunda7", **{"https://host/engine-rest": engine.base, "wfpush-service": SERVICE})


@pytest.mark.processes
def test_the_commands_of_the_page_prove_an_engine(engine: Runs, tmp_path: Path) -> None:
    with started(rest_block(engine), tmp_path) as kit:
        printed, _ = kit.communicate(timeout=120)

    assert kit.returncode == 0, printed
    assert printed.splitlines()[-1] == "works: 34, not tried: 1"
    report = (tmp_path / "report.json").read_text()
    assert json.loads(report)["conforms"] is True
    assert SECRET not in report + printed
    assert not engine.book.models
    assert not (tmp_path / "data").exists(), "it needs no servers of its own"


@pytest.fixture
def sigint() -> Iterator[Callable[[Any], None]]:
    """Sets what processes that are started do with SIGINT. A shell ignores it for those in the background."""
    before = signal.getsignal(signal.SIGINT)
    yield lambda handler: signal.signal(signal.SIGINT, handler)
    signal.signal(signal.SIGINT, before)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("stop", "in_background"), [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)]
)
def test_it_cleans_up_when_somebody_stops_it(
    engine: Runs, tmp_path: Path, sigint: Callable[[Any], None], stop: signal.Signals, in_background: bool
) -> None:
    engine.break_next(Fault(slow=True, roles=("comment",)))
    sigint(signal.SIG_IGN if in_background else signal.default_int_handler)
    with started(rest_block(engine), tmp_path) as kit:
        eventually(lambda: not engine.faults and engine.book.models, "it waits for the engine")
        kit.send_signal(stop)
        printed, _ = kit.communicate(timeout=60)

    assert kit.returncode == 1
    assert "The kit was stopped." in printed
    assert not engine.book.models
    assert json.loads((tmp_path / "report.json").read_text())["aborted"] == "The kit was stopped."


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ENGINE_AUTH": "magic"}, "ENGINE_AUTH is one of none, basic"),
        ({"ENGINE_NAME": "kit"}, "ENGINE_SECRET is not set"),
        ({"ENGINE_AUTH": "oauth2", "ENGINE_NAME": "kit", "ENGINE_SECRET": "s"}, "ENGINE_TOKEN_URL is not set"),
    ],
)
def test_a_missing_variable_is_named(variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=words):
        call_command("conformance", "https://engine.example/engine-rest", "--kind", "camunda7")


def test_a_private_address_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(CommandError, match="OUTBOUND_ALLOWED_CIDRS"):
        call_command("conformance", "http://127.0.0.1:9/engine-rest", "--kind", "camunda7")
