"""What a page of the desk weighs on the way to a browser, compressed as browsers ask for it."""

import gzip
import re

import pytest
from django.http import HttpResponse
from django.test import Client

from notifications.models import Engine, Event, Route
from tests.admin.pages import adding, list_of
from tests.admin.world import World

FONT = "/static/unfold/fonts/material-symbols/Material-Symbols-Outlined.woff2"
GZIP = {"accept-encoding": "gzip"}


def sent(response: HttpResponse) -> int:
    """Bytes of its body."""
    return len(b"".join(response.streaming_content)) if response.streaming else len(response.content)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("page", "first", "after"), [("overview", 150, 25), ("events", 190, 30), ("route", 220, 30)])
def test_a_page_is_light(day: World, root: Client, page: str, first: int, after: int) -> None:
    """In kB: with all files that it names, and with none of them."""
    address = {"overview": "/admin/", "events": list_of(Event), "route": adding(Route)}[page]
    response = root.get(address, headers=GZIP)
    assert response["Content-Encoding"] == "gzip"
    assert sent(response) < after * 1_000

    html = gzip.decompress(response.content).decode()
    files = {FONT, *re.findall(r'(?:src|href)="(/static/[^"]+)"', html)}
    assert len(files) > 10
    assert sent(response) + sum(sent(root.get(file, headers=GZIP)) for file in files) < first * 1_000


def test_no_page_loads_a_font_for_text_a_library_of_charts_or_one_that_drags_rows(day: World, root: Client) -> None:
    style = b"".join(root.get("/static/wfpush/admin/desk.css").streaming_content).decode()  # type: ignore[attr-defined]
    assert "--font-sans: system-ui" in style
    for replaced in ("chart/chart.js", "alpine/alpine.sort.js"):
        assert sent(root.get(f"/static/unfold/js/{replaced}")) < 300


def test_the_script_that_fills_in_slugs_is_where_a_slug_is_filled_in(day: World, root: Client) -> None:
    pages = {page: root.get(page).content.decode() for page in (adding(Engine), adding(Route), list_of(Engine))}
    assert [page for page, html in pages.items() if "slugs.js" in html] == [adding(Engine)]
    assert [page for page, html in pages.items() if "prepopulate" in html or "xregexp" in html] == []


def test_nothing_else_is_compressed(day: World, root: Client) -> None:
    assert "Content-Encoding" not in root.get("/api/schema", headers=GZIP)
    assert "Content-Encoding" not in root.get("/admin/", headers={"accept-encoding": "identity"})
