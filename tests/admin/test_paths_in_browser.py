"""A path is picked from a list in Chromium: by keyboard, in rows that are added, on a phone; and axe finds nothing."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from notifications.models import Route
from tests.admin.desk import Browse
from tests.admin.pages import page_of
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci]

AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
NOTES = """
document.addEventListener("path:chosen", ({target, detail}) => { window.chosen = [target.name, detail]; });
document.addEventListener("change", ({target}) => { window.changed = target.name; });
"""

MARKED_IS_SEEN = """(() => {
  const list = document.getElementById("known-paths").getBoundingClientRect();
  const marked = document.querySelector("#known-paths [aria-selected=true]").getBoundingClientRect();
  return marked.top >= list.top && marked.bottom <= list.bottom;
})()"""


def faults(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page, options=AA).response["violations"]
    return [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]]


def open_new_condition(page: Page) -> Any:
    page.get_by_text("Add another Condition").click()
    field = page.locator("[name^=conditions-][name$=-path]:not([name*=__prefix__])").last
    field.click()
    page.locator("#known-paths [role=option]").first.wait_for()
    return field


def test_keys_alone_pick_a_path_in_a_row_that_was_added(day: World, browse: Browse) -> None:
    form = page_of(Route.objects.get(name="Tasks"))

    def visit(page: Page) -> list[Any]:
        page.goto(form)
        page.evaluate(NOTES)
        field = open_new_condition(page)
        found: list[Any] = [field.get_attribute("role"), field.get_attribute("aria-expanded"), faults(page)]
        found.append(page.locator(".desk-paths-status").inner_text())
        page.keyboard.type("amou")
        page.keyboard.press("ArrowDown")
        option = page.locator(f"#{field.get_attribute('aria-activedescendant')}")
        found += [option.get_attribute("aria-selected"), option.inner_text()]
        page.keyboard.press("Enter")
        found += [field.input_value(), page.locator(".desk-paths").is_visible(), page.evaluate("chosen")]
        found.append(page.evaluate("changed") == field.get_attribute("name"))
        page.keyboard.press("ArrowDown")
        page.locator("#known-paths [aria-selected=true]").wait_for()
        found.append(page.evaluate(MARKED_IS_SEEN))
        page.keyboard.press("Escape")
        found += [page.locator(".desk-paths").is_visible(), field.input_value()]
        field.fill("task.anything")
        page.locator(".desk-paths-status", has_text="You can enter any path").wait_for()
        page.keyboard.press("Tab")
        return [*found, field.input_value(), page.locator(".desk-paths").is_visible()]

    assert browse(visit) == [
        *("combobox", "true", [], "Values of the last 4 events."),
        *("true", "variables.amount\nnumber · 100%\nAmount · last: 1,200.5"),
        *("variables.amount", False),
        ["conditions-0-path", {"path": "variables.amount", "kind": "number", "last": "1,200.5"}],
        *(True, True, False, "variables.amount"),
        *("task.anything", False),
    ]


def test_a_finger_picks_one_on_a_phone_in_the_dark(day: World, browse: Browse) -> None:
    form = page_of(Route.objects.get(name="Tasks"))

    def visit(page: Page) -> list[Any]:
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(form)
        field = open_new_condition(page)
        box = page.locator(".desk-paths").bounding_box()
        wide = page.evaluate("document.documentElement.scrollWidth")
        found: list[Any] = [box["x"] >= 0 and box["x"] + box["width"] <= 390, wide, faults(page)]
        page.locator("[role=option]", has_text="task.kind").click()
        return [
            *found,
            field.input_value(),
            page.evaluate("document.activeElement.name") == field.get_attribute("name"),
        ]

    assert browse(visit) == [True, 390, [], "task.kind", True]
