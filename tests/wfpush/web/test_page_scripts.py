"""All scripts of pages are in two files. That it works is seen by every test with a browser."""

import re
import shutil
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from wfpush.web import page_scripts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The modules, to be changed."""
    folder = tmp_path / "modules"
    shutil.copytree(page_scripts.FOLDER, folder)
    monkeypatch.setattr(page_scripts, "FOLDER", folder)
    return folder


def test_every_module_of_pages_is_in_it_and_those_of_the_worker_alone_are_not() -> None:
    there = {path.name for folder in page_scripts.folders() for path in folder.glob("*.js")}
    first, later = page_scripts.assembled().values()
    modules = re.compile(r'^"([\w-]+\.js)": (?:async )?\(\) => \{$', re.MULTILINE)
    needed = re.compile(r'loadModule\("([\w-]+\.js)"\)')

    assert sorted([*modules.findall(first), *modules.findall(later)]) == sorted(there - {"worker.js"})
    assert set(needed.findall(first)) <= set(modules.findall(first))
    assert set(re.findall(r'loadModuleLater\("([\w-]+\.js)"\)', first + later)) <= there
    assert not re.search(r"^\s*(?:import|export)\b", first, re.MULTILINE)
    assert {"keys.js", "push.js", "inbox.js"} <= set(modules.findall(first))
    assert {"forms.js", "answering.js", "devices.js"} <= set(modules.findall(later))


def test_both_files_know_that_they_belong_together() -> None:
    first, later = page_scripts.assembled().values()
    assert re.findall(r'OF = "(\w{16})"', first) == re.findall(r'OF = "(\w{16})"', later)


def test_it_is_served_small_and_its_copy_can_be_renewed(client: Client) -> None:
    answer = client.get("/static/wfpush/pages.js", headers={"Accept-Encoding": "gzip"})

    assert (answer["Content-Encoding"], answer["Content-Type"]) == ("gzip", 'text/javascript; charset="utf-8"')
    assert len(b"".join(answer)) < 25_000  # what is only needed after a press is in later.js
    again = client.get("/static/wfpush/pages.js", headers={"If-None-Match": answer["ETag"], "Accept-Encoding": "gzip"})
    assert again.status_code == 304


def test_while_developing_each_request_has_the_modules_as_they_are(folder: Path, settings: Settings) -> None:
    settings.DEBUG = True
    path = f"wfpush/{page_scripts.LATER_NAME}"
    before = finders.find(path)
    (folder / "several.js").write_text("nothing();\n")

    after = finders.find(path)

    assert before != after
    assert "nothing();" in Path(str(after)).read_text()
    assert finders.find("wfpush/other.js") is None


def test_with_a_data_folder_that_takes_no_files_it_is_elsewhere(
    folder: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("not a folder")
    settings.DATA_DIR, settings.DEBUG = taken, True

    found = [Path(str(finders.find(f"wfpush/{name}"))) for name in (page_scripts.NAME, page_scripts.LATER_NAME)]

    assert [path.read_text() for path in found] == list(page_scripts.assembled().values())
