"""`make dev`: who saves a file sees its process start again, and no other."""

import ast
import shutil
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from watchfiles import Change

from tests.support import migrated
from tests.support.documentation import ROOT
from tests.support.processes import Command, House, command_line, free_ports
from tests.support.waiting import eventually
from tools.restarting import FOLDERS, file_filter

pytestmark = pytest.mark.soak

READY = "Ctrl-C stops everything."
NEEDED = ["manage.py", "wfpush", "notifications", "escalations", "demo", "tools", "templates", "static", "locale"]
PAGE = "templates/inbox/sign_in.html"


# --- which files are whose ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "whose"),
    [
        ("wfpush/queue/outbox.py", {"web", "worker"}),
        ("notifications/routing/pipeline.py", {"web", "worker"}),
        ("notifications/connectors/api.py", {"web", "worker"}),
        ("templates/email/message.txt", {"web", "worker"}),
        ("locale/de/LC_MESSAGES/django.mo", {"web", "worker"}),
        ("notifications/inbox/urls.py", {"web"}),
        ("notifications/api/events.py", {"web"}),
        ("notifications/admin/engines/engines.py", {"web"}),
        ("escalations/admin/policies.py", {"web"}),
        ("wfpush/web/server.py", {"web"}),
        (PAGE, {"web"}),
        ("static/wfpush/inbox.js", {"web"}),
        ("demo/pages.py", {"demo"}),
        ("demo/processes/invoice_approval.bpmn", {"demo"}),
        ("locale/de/LC_MESSAGES/django.po", set()),
        ("wfpush/__pycache__/outbox.cpython-311.pyc", set()),
        ("wfpush/.outbox.py.swp", set()),
        ("tests/wfpush/queue/test_outbox.py", set()),
        ("notifications/rotas/tests/test_turns.py", set()),
        ("docs/api.md", set()),
    ],
)
def test_a_file_belongs_to_the_processes_that_are_made_of_it(path: str, whose: set[str]) -> None:
    file = ROOT / path
    found = {
        name
        for name, folders in FOLDERS.items()
        if any(file.is_relative_to(ROOT / folder) for folder in folders)
        and file_filter(name)(Change.modified, str(file))
    }

    assert found == whose


def test_all_folders_that_are_watched_are_there() -> None:
    assert [folder for folders in FOLDERS.values() for folder in folders if not (ROOT / folder).is_dir()] == []


ONLY_WEB_LOADS = {
    "notifications.admin_site",
    "notifications.config_files.changes",
    "notifications.customers.customer_page",
    *(f"notifications.provisioning.{name}" for name in ("frame", "users")),
    *(f"notifications.second_factors.{name}" for name in ("adapters", "stages", "views")),
    *(f"notifications.second_factors.{name}" for name in ("password_pages", "sessions", "sessions_pages")),
    *(f"notifications.sign_on.{name}" for name in ("adapters", "limits", "saml_pages", "ways")),
}


def test_the_worker_runs_nothing_of_what_it_is_not_restarted_for() -> None:
    """The desk is loaded with the URLs, as web does."""
    of_the_worker = file_filter("worker")
    files = {
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__"): path
        for folder in ("wfpush", "notifications", "escalations")
        for path in (ROOT / folder).rglob("*.py")
    }
    without = {name for name, path in files.items() if not of_the_worker(Change.modified, str(path))}
    found = {
        f"{name} imports {each}"
        for name in files.keys() - without - ONLY_WEB_LOADS
        for each in imported(files[name]) & without
    }

    assert "notifications.inbox.sign_in.session" in without
    assert found == set()


def imported(path: Path) -> set[str]:
    """The modules that a file names in its imports, and their packages."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


# --- all of it ----------------------------------------------------------------------------------------------------
class Dev:
    """`make dev` in a copy of this checkout, in which files can be changed."""

    def __init__(self, house: House, *words: str) -> None:
        self.house, self.port = house, free_ports(2)
        self.up: Command = house.start("up", "--port", str(self.port), "--under", "tools.restarting", *words)
        self.up.says(READY, within=120)

    def pid(self, name: str) -> int:
        """Of a process of `manage.py up`; 0 while there is none."""
        found = [each for each in self.house.named(name) if "tools.restarting" not in command_line(each)]
        return min((each.pid for each in found), default=0)

    def page(self) -> str:
        """The page to sign in on; empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/sign-in", timeout=30) as answer:
                return str(answer.read().decode())
        except (URLError, OSError):
            return ""

    def change(self, path: str, old: str, new: str) -> None:
        file = self.house.checkout / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    house = House(copied(tmp_path_factory.mktemp("checkout")))
    migrated.copy_to(house.folder)  # the checkout is the same
    try:
        yield Dev(house, "--demo")
    finally:
        house.clear()


def copied(folder: Path) -> Path:
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.mark.processes
@pytest.mark.long
def test_a_saved_page_is_shown_and_only_web_starts_again(dev: Dev) -> None:
    web, worker, demo = dev.pid("web"), dev.pid("worker"), dev.pid("demo")
    assert dev.page(), "templates are read once, and this one is now"
    dev.change(PAGE, "</form>", "changed by hand</form>")

    eventually(lambda: "changed by hand" in dev.page(), "the page is shown as it was saved", every=0.3)
    dev.up.says(f"Saved: {PAGE}. Starting again.")
    assert dev.pid("web") != web
    assert (dev.pid("worker"), dev.pid("demo")) == (worker, demo)


@pytest.mark.long
@pytest.mark.processes
def test_a_mistake_is_said_and_mended_by_the_next_save_of_what_both_are_made_of(dev: Dev) -> None:
    web, worker, demo = dev.pid("web"), dev.pid("worker"), dev.pid("demo")
    dev.change("wfpush/__init__.py", "VERSION", "VERSION = (\nVERSION")
    eventually(lambda: dev.up.said.count("SyntaxError") == 2, "web and worker say so")
    assert dev.up.process.poll() is None, "the demo runs on"

    dev.change("wfpush/__init__.py", "VERSION = (\nVERSION", "VERSION")
    eventually(lambda: dev.pid("web") not in (0, web) and dev.pid("worker") not in (0, worker), "both start again")
    eventually(dev.page, "web answers")
    dev.house.beats_again()
    assert dev.pid("demo") == demo


@pytest.mark.processes
@pytest.mark.long
def test_if_what_restarts_a_process_is_killed_all_of_them_end(dev: Dev) -> None:
    (restarting,) = (each for each in dev.house.named("tools.restarting") if "web" in command_line(each))
    restarting.kill()

    assert dev.up.ends() == 1
    dev.house.leaves_nothing()


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_however_it_ends_nothing_is_left(dev: Dev, number: signal.Signals) -> None:
    """Told to end, it ends its processes as above."""
    again = Dev(dev.house)
    again.up.signal(number)

    assert again.up.ends() == (0 if number == signal.SIGINT else -number)
    again.house.leaves_nothing()
