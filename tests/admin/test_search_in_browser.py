"""The search in Chromium: by keyboard alone, on a phone, and what axe finds of it: nothing."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from notifications.models import Case, Event, Task
from tests.admin.desk import Visit
from tests.admin.pages import list_of, page_of
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}


def faults(page: Page) -> list[str]:
    found: dict[str, Any] = Axe().run(page, context="#search", options=RULES).response
    assert len(found["passes"]) > 5
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


def marked(page: Page) -> str:
    """The option that a screen reader is at."""
    option = page.locator(f"#{page.locator('#search-words').get_attribute('aria-activedescendant')}")
    assert option.get_attribute("aria-selected") == "true"
    assert page.locator("[aria-selected=true]").count() == 1
    return option.locator(".desk-hit-name").inner_text()


def search(page: Page, words: str) -> None:
    """Type, and wait for the answer to all of it."""
    page.keyboard.type(words)
    with page.expect_response(lambda answer: answer.url.endswith(f"?q={words}")):
        pass
    page.locator("[role=option]").first.wait_for()


def test_keys_alone_lead_there(day: World, browse: Callable[[Visit], Any]) -> None:
    there = page_of(Task.objects.get(task_id="T-102"))

    def visit(page: Page) -> list[Any]:
        page.goto(list_of(Event))
        page.locator("#searchbar").focus()
        page.keyboard.press("Control+k")
        page.wait_for_function("document.getElementById('search-status').textContent.includes('people')")
        found: list[Any] = [faults(page)]
        search(page, "4712")
        found += [marked(page), faults(page)]
        page.keyboard.press("ArrowDown")
        found.append(marked(page))
        page.keyboard.press("ArrowDown")
        found.append(marked(page))
        page.keyboard.press("ArrowUp")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        return [*found, urlsplit(page.url).path]

    task, case = "Approve invoice 4712", "Invoice 4712"
    assert browse(visit) == [[], case, [], task, case, there], "after the last comes the first"


def test_enter_waits_for_the_answer_and_escape_leads_back(day: World, browse: Callable[[Visit], Any]) -> None:
    task = page_of(Task.objects.get(task_id="T-103"))

    def visit(page: Page) -> list[Any]:
        page.goto(list_of(Event))
        page.locator("#searchbar").focus()
        page.keyboard.press("Control+k")
        page.keyboard.press("Escape")
        page.locator("#search").wait_for(state="hidden")
        found = [page.evaluate("document.activeElement.id")]
        page.keyboard.press("Control+k")
        page.locator("#search").wait_for()
        page.keyboard.type("T-103")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        return [*found, urlsplit(page.url).path]

    assert browse(visit) == ["searchbar", task]


def test_it_fits_a_phone_in_the_dark(day: World, browse: Callable[[Visit], Any]) -> None:
    Case.objects.filter(case_id="4712").update(title="4712 Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrik" * 3)

    def visit(page: Page) -> list[Any]:
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto("/admin/")
        page.get_by_role("button", name="Search").click()
        search(page, "4712")
        wide = page.evaluate("['search', 'search-hits'].some(id => document.getElementById(id).scrollWidth > 390)")
        found = [wide, faults(page)]
        page.get_by_role("button", name="Close").click()
        return [*found, page.locator("#search").is_visible()]

    assert browse(visit) == [False, [], False]
