"""Erin, a customer, follows her case on her phone: what is next, what is wanted, and what they write to each other."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, Route, expect

from tests.browsers.conftest import SignIn, is_live, new_page
from tests.browsers.installation import Installation
from tests.browsers.items import opened, values
from tests.browsers.keyboard import tab_to, type_into
from tests.browsers.test_accessible import faults
from tests.notifications.forms.rows import GIVEN, delivery_form
from tests.support.files import png

BRAND = """
from notifications.models import Brand
brand = Brand.objects.create(
    slug="homes", name="Acme Homes", accent="#7a1fa2", accent_dark="#d7a8ff",
    contact="Customer service, Monday to Friday", contact_phone="+49 89 5550 1234", contact_email="help@homes.example")
print(brand)
"""
CASE: dict[str, Any] = {"id": "R-88", "title": "Broken heating", "type": "repair"}
ERIN = {"ref": "C-88", "name": "Erin Lindner", "email": "erin@customer.example", "locale": "en"}
A_MINUTE_LATER = """() => {
  const now = performance.now.bind(performance);
  performance.now = () => now() + 60_000;
}"""
COUNT = "Count what you have got"
TITLE = "Confirm the appointment on Monday"


def moves(installation: Installation, status: str, **more: Any) -> None:
    installation.send("request.status_changed", {"case": {**CASE, "status": status}, "customer": ERIN, **more})


async def held(route: Route, until: asyncio.Event) -> None:
    await until.wait()
    await route.continue_()


MARK_ENDS = """row => {
  const box = (css) => row.querySelector(css).getBoundingClientRect();
  return box(".dot").right - box(".row-title").left;
}"""
"""By how many pixels the mark of what is unread lies over the title."""


async def test_erin_follows_her_case_on_her_phone(
    installation: Installation, browser: Browser, sign_in: SignIn, complaints: list[str]
) -> None:
    installation.set_up(BRAND)
    installation.person("C-88", name=ERIN["name"], email=ERIN["email"], brand="homes", external=True)
    moves(installation, "received")
    installation.hears("C-88")
    for task, name, who in (("R-1", TITLE, "C-88"), ("R-2", "Order the spare part", "carol")):
        installation.send("task.assigned", {"case": CASE, "task": {"id": task, "name": name, "assignee": who}})
    installation.waits_for("carol", "Order the spare part")
    place = {"timezone_id": "Europe/Berlin", "color_scheme": "dark"}
    erin, written = await new_page(browser, complaints, True, base_url=installation.url, **place), asyncio.Event()
    await erin.route("**/timezone", lambda route: held(route, written))

    await erin.goto(installation.link_for("C-88"))
    await expect(erin).to_have_title("Open your page · Acme Homes")
    assert await faults(erin) == []
    await erin.get_by_role("button", name="Open my page").click()
    await is_live(erin)
    here = erin.locator('.milestones [aria-current="step"]')
    await expect(here).to_contain_text("Received")
    await expect(erin.get_by_role("link", name="+49 89 5550 1234")).to_have_attribute("href", "tel:+498955501234")
    assert await erin.locator(".row", has_text=TITLE).evaluate(MARK_ENDS) <= 0
    heads = erin.locator("#list h2:visible")
    await expect(heads).to_have_text(["What we need from you", "Broken heating", "Contact us", "Messages"])
    assert await faults(erin) == []

    moves(installation, "assigned", message="Mr Huber comes on Monday.")
    await expect(here).to_contain_text("In progress")
    await expect(erin.locator("#thread")).to_contain_text("Mr Huber comes on Monday.")

    # The page would come again with times in her zone, but not over what she has written, however long ago.
    await tab_to(erin, erin.get_by_label("Write to us"))
    await erin.get_by_label("Write to us").fill("Please ring twice.")
    await erin.evaluate(A_MINUTE_LATER)
    written.set()
    await expect(erin.get_by_role("button", name="The list has changed")).to_be_visible()
    await expect(erin.get_by_label("Write to us")).to_have_value("Please ring twice.")
    heating: FilePayload = {"name": "heating.png", "mimeType": "image/png", "buffer": png(30, 20)}
    await erin.locator("#messages").get_by_label("Take a photo").set_input_files(heating)
    await expect(erin.locator("#messages .attached")).to_contain_text("heating.png")
    await tab_to(erin, erin.get_by_role("button", name="Send"))
    await erin.keyboard.press("Enter")
    await expect(erin.locator("#thread .mine")).to_contain_text("Please ring twice.")
    carol = await sign_in("carol", again=True)
    item = await opened(carol, "Order the spare part")
    await expect(item.locator(".line-text")).to_have_text(["Please ring twice."])
    await expect(item.locator(".line img")).to_have_js_property("naturalWidth", 30)
    await item.locator("summary", has_text="Write to your colleagues").click()
    await item.get_by_label("Message", exact=True).fill("We will.")
    await item.get_by_role("checkbox", name="Erin Lindner").check()
    assert await faults(carol) == []
    await item.get_by_role("button", name="Send").click()
    await is_live(erin)
    await expect(erin.locator("#thread")).to_contain_text("Carol wrote to you")

    await tab_to(erin, erin.get_by_role("link", name=TITLE, exact=True).first, back=True)
    await erin.keyboard.press("Enter")
    await expect(erin.locator("#item-heading")).to_have_text(TITLE)
    await expect(erin.locator("#item-heading")).to_be_focused()
    await expect(erin.locator("#item")).not_to_contain_text("engine")
    assert await faults(erin) == []
    await tab_to(erin, erin.locator("#item").get_by_role("link", name="Back to your case"), back=True)
    await erin.keyboard.press("Enter")
    await expect(erin.locator("#waiting")).to_contain_text(TITLE)
    assert await erin.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []


@pytest.mark.long
async def test_frank_follows_his_case_by_the_keyboard_alone_and_without_javascript(
    installation: Installation, browser: Browser, complaints: list[str]
) -> None:
    frank, case = {"ref": "C-89", "name": "Frank Weber", "locale": "en"}, {**CASE, "id": "R-89", "title": "Broken lift"}
    installation.person("C-89", name=frank["name"], external=True)
    installation.send("request.status_changed", {"case": {**case, "status": "received"}, "customer": frank})
    installation.hears("C-89")
    said = {"id": "R-9", "name": COUNT, "assignee": "C-89", "form": delivery_form()}
    installation.send("task.assigned", {"case": case, "task": said, "variables": GIVEN})
    ropes = {"id": "R-10", "name": "Order the ropes", "assignee": "carol"}
    installation.send("task.assigned", {"case": case, "task": ropes})
    installation.waits_for("C-89", COUNT)
    installation.waits_for("carol", ropes["name"])
    page = await new_page(browser, complaints, False, javascript=False, base_url=installation.url, color_scheme="light")
    copies = await new_page(browser, complaints, False, base_url=installation.url, color_scheme="light")
    press = page.keyboard.press

    await page.goto(installation.link_for("C-89"))
    await tab_to(page, page.get_by_role("button", name="Open my page"))
    await press("Enter")
    await expect(page.get_by_role("heading", name="Broken lift")).to_be_visible()
    assert await faults_of_copy(page, copies) == []
    await type_into(page, page.get_by_label("Write to us"), "It stands still.")
    await tab_to(page, page.get_by_role("button", name="Send"))
    await press("Enter")
    await expect(page.locator("#thread .mine")).to_contain_text("It stands still.")

    # A form with a table: what was there, and one more.
    await tab_to(page, page.get_by_role("link", name=COUNT, exact=True))
    await press("Enter")
    await expect(page.locator("#item-heading")).to_have_text(COUNT)
    rows = page.locator(".table tbody tr")
    await expect(rows).to_have_count(4)
    await type_into(page, cell(page, 1, "pieces"), "0")
    await type_into(page, cell(page, 2, "price"), "7.50")
    assert await faults_of_copy(page, copies) == []
    await press("Enter")
    summary = page.locator(".fault-summary")
    await expect(summary).to_be_focused()
    assert await faults_of_copy(page, copies) == []
    await tab_to(page, summary.get_by_role("link", name="Lines, Row 3, Article: Fill this in."))
    await press("Enter")
    await page.keyboard.type("Tap")
    await expect(cell(page, 2, "article")).to_have_value("Tap")
    await tab_to(page, cell(page, 1, "pieces"), back=True)
    await press("Control+A")
    await page.keyboard.type("3")
    await tab_to(page, page.locator("#item").get_by_role("button", name="Approve", exact=True))
    await press("Enter")
    await expect(page.locator("#item [data-slot=outcome]")).to_contain_text("Approved.")
    await expect(page.locator("#item [data-slot=history]")).to_contain_text("3. Tap · – · €7.50 · –")
    rows_sent = values(installation, COUNT)["lines"]
    assert [row.get("pieces") for row in rows_sent] == [2, 3, None] and rows_sent[2]["price"] == 7.5
    assert await faults_of_copy(page, copies) == []
    assert complaints == []


async def faults_of_copy(page: Page, copies: Page) -> list[str]:
    """Of a page without JavaScript, which axe needs: in a copy that has no scripts."""
    html = re.sub(r"<script[^>]*src=.*?</script>", "", await page.content(), flags=re.DOTALL)
    await copies.route("**/copy", lambda route: route.fulfill(body=html, content_type="text/html"))
    await copies.goto("/copy")
    found = await faults(copies)
    await copies.unroute("**/copy")
    return found


def cell(page: Page, row: int, column: str) -> Locator:
    return page.locator(f"[name='value-lines.{row}.{column}']")
