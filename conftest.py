"""Before Django's settings exist: a data folder of the tests' own, whose servers end with the session."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from django.template import Context, RequestContext, Template
from django.test import TransactionTestCase
from django.test.signals import template_rendered
from django.test.utils import instrumented_test_render  # type: ignore[attr-defined]
from django.utils import translation
from pytest_django import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from tests.support import causes, flushing, isolation, left_out, length, migrated, parallel, unrendered
from wfpush import identifiers
from wfpush.config import env
from wfpush.embedded.servers import DATABASE

gc.disable()  # until all tests are loaded: a third of the time of it
isolation.choose_folder()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", os.environ.get("WFPUSH_TESTS_SETTINGS", "wfpush.settings"))
os.environ.setdefault("UNDO_SECONDS", "0")  # engines are told at once, but in tests of taking back
ENV = env.prepare(Path(__file__).resolve().parent)
if not length.LONG:
    hypothesis.settings.register_profile("short", max_examples=30, deadline=None)
    hypothesis.settings.load_profile("short")
MIGRATED = isolation.has_own_servers(ENV) and migrated.copy_to(ENV.data_dir)
isolation.forget(ENV)
django.setup()  # test modules import models at their top
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # in tests only: slow hashes are slow
if MIGRATED:
    settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = DATABASE


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        parallel.give_way(config.workerinput["workerid"])
    elif config.getoption("numprocesses", None):
        migrated.make()
        del os.environ["DJANGO_SETTINGS_MODULE"]  # or pytest-django would read the settings before a folder is chosen


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    is_module = collection_path.suffix == ".py" and collection_path.name.startswith("test_")
    return True if is_module and left_out.tells_of_what_is_missing(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    length.mark_soak(items)
    length.leave_out(config, items)
    put_lived_last(items)
    parallel.sort(items)


def put_lived_last(items: list[pytest.Item]) -> None:
    """In each file, tests that begin without the day of tests/admin/conftest.py come first: its rows are there until
    the file ends."""
    files: dict[Path, int] = {}
    for item in items:
        files.setdefault(item.path, len(files))
    items.sort(key=lambda item: (files[item.path], "lived" in getattr(item, "fixturenames", ())))


def pytest_collection_finish() -> None:
    gc.freeze()  # what stays for the whole run is not looked through again and again
    gc.set_threshold(700, 10, 200)  # nor all that lives longer, which takes a tenth of a second each time
    gc.enable()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    return parallel.processes()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return parallel.scheduler(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    for line in causes.causes(each for kind in ("failed", "error") for each in terminalreporter.stats.get(kind, ())):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Remove what transactional tests leave behind, and restore the rows of the migrations."""
    with django_db_blocker.unblock():
        flushing.shelter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flushing.flush)
        patch.setattr(TransactionTestCase, "_should_reload_connections", lambda test: not connection.is_usable())
        yield


@pytest.fixture(autouse=True, scope="session")
def long_turns() -> Iterator[None]:
    """Let `drain` work until nothing is due, however slow the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wfpush.queue.outbox.TURN_SECONDS", 60.0)
        yield


@pytest.fixture(autouse=True, scope="session")
def states_of_now() -> Iterator[None]:
    """Check at once what `/readyz` says, and not once in some seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wfpush.observability.write_checks.REMEMBERED_SECONDS", 0.0)
        yield


@pytest.fixture(autouse=True, scope="session")
def static_files_found_once() -> Iterator[None]:
    """Every `Client()` looks through all folders for static files, which takes longer than most tests."""
    known: dict[str, Any] = {}
    find = WhiteNoiseMiddleware.add_files_from_finders

    def remember(self: Any) -> None:
        if not known:
            find(self)
            known.update(self.files)
        self.files.update(known)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", remember)
        yield


@pytest.fixture(autouse=True, scope="session")
def contexts_of_pages_alone() -> Iterator[None]:
    """Clients keep a copy of the context of every template that is rendered, of which a form has hundreds. What tests
    ask of `response.context` is in that of the page."""

    def render(self: Template, context: Context) -> str:
        if isinstance(context, RequestContext) and context.template is self:
            if not unrendered.are_wanted():
                template_rendered.send(sender=self, template=self, context=context)
                return ""
            return instrumented_test_render(self, context)  # type: ignore[no-any-return]
        return self.nodelist.render(context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", render)
        yield


@pytest.fixture(autouse=True)
def in_english() -> None:
    """A request leaves its language behind in the thread, where the next test would find it."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def identifiers_of_now() -> None:
    """Reset the last identifier: a test that travels to the future would move all later ones there."""
    identifiers._generator = identifiers.Uuid7Generator()
