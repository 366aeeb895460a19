"""An engine that really runs, the demo's own, is connected by the steps at the desk until its light is green."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.admin.chromium import Chromium
from tests.browsers.installation import Installation
from tests.support.processes import ROOT, free_ports

PATIENCE = 60_000
"""Milliseconds."""
SECRET = "whsec_" + "YSBzZWNyZXQgb2YgdGhlIHRlc3RzIGFuZCBvZiB0aGVtIGFsb25l"

ALSO_PEOPLE = """
from notifications.models import ApiKey, Scope
print(ApiKey.objects.filter(engine__name="Workshop").update(scopes=Scope.values))
"""
"""The demo names its customers before it sends events, which takes more than a key for events."""


@contextmanager
def demo_engine(installation: Installation, key: str, folder: Path) -> Iterator[None]:
    """It starts processes of its own, and sends their events."""
    told = {
        "DEMO_PORT": str(free_ports(1)),
        "DEMO_DATA": str(folder),
        "WFPUSH_URL": installation.url,
        "WFPUSH_API_KEY": key,
        "WFPUSH_SIGNING_SECRET": SECRET,
    }
    process = subprocess.Popen([sys.executable, "-m", "demo"], cwd=ROOT, env=os.environ | told)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def chromium() -> Iterator[Chromium]:
    found = Chromium()
    yield found
    found.quit()


@pytest.fixture
def installation() -> Iterator[Installation]:
    """Of its own: what the second demo engine sends would stand in the way of others."""
    found = Installation()
    try:
        found.start()
        yield found
    finally:
        found.house.clear()


@pytest.mark.browser
@pytest.mark.processes
def test_the_light_of_a_running_engine_turns_green_by_itself(
    chromium: Chromium, installation: Installation, tmp_path: Path
) -> None:
    def visit() -> None:
        with chromium.browser.new_context(base_url=installation.url) as context:
            page = context.new_page()
            page.goto("/admin/login/?next=/admin/notifications/engine/connect/")
            page.fill("[name=username]", "admin")
            page.fill("[name=password]", installation.passwords["admin"])
            page.click("[type=submit]")
            page.select_option("#id_kind", "webhook")
            page.fill("#id_name", "Workshop")
            page.get_by_role("button", name="Next", exact=True).click()
            page.get_by_role("button", name="Make the key").click()
            key = page.locator("#shown-once").inner_text()
            page.get_by_role("link", name="Next: wait for the first event").click()
            light = page.locator("[data-light]")
            expect(light).to_contain_text("Waiting for the first event of Workshop")
            installation.set_up(ALSO_PEOPLE)
            with demo_engine(installation, key, tmp_path / "demo"):
                expect(light).to_contain_text("An event of Workshop came.", timeout=PATIENCE)

    chromium.thread.submit(visit).result()
