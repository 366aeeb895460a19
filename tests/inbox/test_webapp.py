"""The service worker's script, the manifest, and the page that is kept for being offline."""

import json
import re
import shutil
import struct
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from notifications.inbox import webapp
from notifications.wording.sentences import TEXTS, WORKER
from tests.factories import BrandFactory
from tests.inbox.browser import get, signed_in
from tests.support.story import Story
from wfpush.web import page_scripts
from wfpush.web.javascript import read_modules

pytestmark = pytest.mark.django_db


def worker_modules() -> dict[str, str]:
    """Their sources, by name."""
    modules = read_modules(page_scripts.folders(), [webapp.ENTRY])
    return {name: module.source.decode() for name, module in modules.items()}


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of static files, to be changed."""
    folder = tmp_path / "wfpush"
    shutil.copytree(page_scripts.FOLDER, folder)
    monkeypatch.setattr(page_scripts, "FOLDER", folder)
    monkeypatch.setattr(page_scripts, "page_scripts", page_scripts.assembled)
    return folder


@pytest.mark.parametrize("icon", ["192.png", "badge.png"])
def test_browsers_never_ask_for_an_icon_again(client: Client, icon: str) -> None:
    """They load icons before they show a notification, which must not wait for a server that hangs."""
    assert "immutable" in client.get(f"/static/wfpush/icons/{icon}")["Cache-Control"]
    assert "immutable" not in client.get("/static/wfpush/favicon.svg")["Cache-Control"]


# --- the worker -------------------------------------------------------------------------------------
def test_the_worker_is_one_script_for_the_whole_site_that_no_cache_keeps(client: Client) -> None:
    response = client.get("/sw.js")

    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Service-Worker-Allowed"] == "/"
    assert response["Cache-Control"] == "no-cache"
    assert "connect-src 'self' https: http:" in response["Content-Security-Policy"]
    assert not re.search(r"^\s*(?:import|export)\b", response.content.decode(), re.MULTILINE)


def test_the_worker_is_all_that_its_first_module_imports() -> None:
    source = webapp.assembled().source

    assert re.findall(r'^"([\w/-]+\.js)": \(\) => \{$', source, re.MULTILINE) == list(worker_modules())
    assert {"store.js", "worker.js", "worker/pages.js"} <= set(worker_modules())
    assert source.endswith('\nloadModule("worker.js");\n')


@pytest.mark.parametrize("name", ["worker/showing.js", "worker.js", "cards.js", "inbox.css", "icons.svg"])
def test_any_change_is_another_version(copied: Path, name: str) -> None:
    before = webapp.assembled()
    assert webapp.assembled() == before

    path = copied / name
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")

    assert webapp.assembled().version != before.version


def test_the_worker_knows_every_file_of_the_pages_to_the_byte() -> None:
    source = webapp.assembled().source
    known = json.loads(re.search(r"^const SHELL_FILES = (.*);$", source, re.MULTILINE)[1])  # type: ignore[index]

    assert {"pages.js", "inbox.css", "tokens.css", "icons.svg", "favicon.svg"} <= set(known)
    assert sorted(name for name in known if name.endswith(".js")) == ["later.js", "pages.js"]
    for name, integrity in known.items():
        assert integrity == webapp.integrity(b"".join(Client().get(f"/static/wfpush/{name}")))


def test_the_worker_speaks_every_language() -> None:
    source = webapp.assembled().source
    words = json.loads(re.search(r"^const WORDS = (.*);$", source, re.MULTILINE)[1])  # type: ignore[index]

    assert set(words) == {code for code, _ in settings.LANGUAGES}
    assert set(words["en"]) == set(words["de"]) == set(WORKER) <= set(TEXTS)
    assert words["de"]["done_approve"] != words["en"]["done_approve"] == "Approved."


def test_the_worker_says_nothing_that_it_was_not_given() -> None:
    said = set()
    for source in worker_modules().values():
        said |= set(re.findall(r'(?:say|words)\("(\w+)"', source))

    assert "something_waits" in said
    assert said <= set(WORKER)


def test_a_browser_is_asked_what_it_shows_only_while_nothing_is_about_to_appear() -> None:
    """Chromium forgets what is: half of 150 notifications were lost when it was asked at once."""
    asks = worker_modules()
    found = {name: len(re.findall(r"\.(?:get|show)Notifications?\(", source)) for name, source in asks.items()}

    assert {name: count for name, count in found.items() if count} == {"forget.js": 1, "worker/showing.js": 1}
    assert "locks.request(SHOWING, { signal" in asks["forget.js"]
    assert 'locks.request(SHOWING, { mode: "shared" }' in asks["worker/showing.js"]


# --- the manifest -----------------------------------------------------------------------------------
def test_the_app_has_the_name_of_its_brand_and_speaks_the_readers_language(client: Client) -> None:
    BrandFactory(slug="acme", name="Acme")

    plain = client.get("/manifest.webmanifest").json()
    acme = client.get("/manifest.webmanifest?language=de&brand=acme").json()

    assert (plain["name"], plain["lang"]) == ("wfpush", "en")
    assert (acme["name"], acme["lang"]) == ("Acme", "de")
    assert acme["description"] != plain["description"]
    assert plain["id"] == plain["start_url"] == plain["scope"] == "/"
    assert plain["display"] == "standalone"


def test_every_page_leads_to_the_manifest_of_its_brand(story: Story) -> None:
    story.bob.brand = BrandFactory(slug="acme", name="Acme")
    story.bob.save()

    tree = get(signed_in(story.bob), "/").tree

    assert tree.xpath("//link[@rel='manifest']/@href") == ["/manifest.webmanifest?language=en&brand=acme"]
    assert tree.xpath("//link[@rel='apple-touch-icon']")


def test_the_icons_are_as_large_as_they_say(client: Client) -> None:
    icons = client.get("/manifest.webmanifest").json()["icons"]

    assert {(icon["sizes"], icon["purpose"]) for icon in icons} == {
        (size, purpose) for size in ("192x192", "512x512") for purpose in ("any", "maskable")
    }
    for icon in icons:
        content = (settings.BASE_DIR / icon["src"].lstrip("/")).read_bytes()
        width, height = struct.unpack(">II", content[16:24])  # of the PNG's IHDR
        assert f"{width}x{height}" == icon["sizes"]


def test_the_bar_of_the_window_has_the_colour_of_the_pages_bar(client: Client) -> None:
    (surface,) = re.findall(r"--surface: (.+);", (page_scripts.FOLDER / "tokens.css").read_text("utf-8"))
    light, dark = re.findall(r"#\w+", surface)
    tree = get(client, "/sign-in").tree

    assert (light, dark) == (webapp.THEME, webapp.DARK_THEME)
    for scheme, colour in (("light", light), ("dark", dark)):
        assert tree.xpath(f"//meta[@name='theme-color'][contains(@media, '{scheme}')]/@content") == [colour]


# --- offline ----------------------------------------------------------------------------------------
def test_the_page_for_being_offline_holds_no_item_and_knows_whose_it_is(story: Story) -> None:
    story.assign()

    page = get(signed_in(story.bob), "/offline")

    assert page.titles("waiting") == []
    assert "Signed in as Bob" in page.text
    assert page.tree.xpath("//body/@data-offline") == [""]
    assert page.tree.xpath("//form[contains(@action, 'setlang')]/input[@name='next']/@value") == ["/"]


def test_the_page_for_being_offline_is_for_who_is_signed_in(client: Client) -> None:
    assert client.get("/offline").url == "/sign-in?next=%2Foffline"  # type: ignore[attr-defined]


def test_pages_name_the_version_that_the_worker_has(story: Story) -> None:
    (block,) = get(signed_in(story.bob), "/").tree.xpath("//script[@id='settings']/text()")

    assert json.loads(block)["version"] == webapp.worker().version
    assert f'const PAGE_VERSION = "{webapp.worker().version}";' in webapp.worker().source
