"""The style page: everybody who changes templates sees each component, and axe finds nothing in either scheme."""

import os
from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page

from tests.admin.desk import Browse
from tests.admin.test_accessible import AA

FOLDER = os.environ.get("WFPUSH_LOOKS")
"""Where `make looks` keeps the pictures."""
ADDRESSES = {"desk": "/admin/style", "inbox": "/admin/style/inbox"}


def test_it_shows_each_state_of_a_row(root: Client, db: None) -> None:
    page = root.get(ADDRESSES["inbox"]).content.decode()
    for part in ("data-unread", "16 d late", "badge-urgent", 'data-mood="bad"', 'name="n"', "aria-invalid"):
        assert part in page, part


@pytest.mark.browser
@pytest.mark.ci
def test_axe_finds_nothing(root: Client, browse: Browse, db: None) -> None:
    def visit(page: Page) -> dict[str, object]:
        found: dict[str, object] = {}
        for (name, address), width, scheme in product(ADDRESSES.items(), (390, 1_280), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto(address, wait_until="networkidle")
            place = f"style-{name}-{width}-{scheme}"
            if FOLDER:
                page.screenshot(path=Path(FOLDER) / f"{place}.png", full_page=True)
            wrong = [
                (each["id"], each["nodes"][0]["html"][:200])
                for each in Axe().run(page, options=AA).response["violations"]
            ]
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            found |= {place: (wide, wrong)} if wide or wrong else {}
        return found

    assert browse(visit) == {}
