"""Lena signs answers in Chromium with the passkey of a virtual authenticator: one, several, without it, and offline.

Passkeys belong to a host's name, so this installation is at localhost, not at 127.0.0.1.
"""

import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browsers.conftest import is_live, new_page
from tests.browsers.installation import Installation
from tests.browsers.items import answers, card, opened
from tests.browsers.test_accessible import by_turns, faults
from tests.browsers.test_second_factors import Device, add_passkey, give_password

pytestmark = pytest.mark.ci

RULE = """
from notifications.signed_answers.models import SignatureRule
rule, _ = SignatureRule.objects.get_or_create(name="Large payments", defaults={"actions": ["approve"]})
rule.conditions.get_or_create(path="variables.amount", operator="gt", value="10000")
print(rule)
"""
SIGNED = """
SELECT r.assurance, s.listing <> '' FROM signed_answers_answersignature s
JOIN notifications_response r ON r.id = s.response_id JOIN notifications_task t ON t.id = r.task_id
WHERE t.name LIKE '{title}' ORDER BY t.name
"""
SHOTS = os.environ.get("WFPUSH_SHOTS", "")
"""A folder for pictures to look at; empty: none."""


@pytest.fixture(scope="module")
def house(chromium: Path) -> Iterator[Installation]:
    found = Installation()
    found.url = f"http://localhost:{found.port}"
    try:
        found.start(demo=False, BASE_URL=found.url, UNDO_SECONDS="0")
        found.set_up(RULE)
        found.account("lena", "Lena")
        yield found
    finally:
        found.house.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, house: Installation, complaints: list[str]) -> AsyncIterator[Page]:
    complaints.clear()
    page = await new_page(browser, complaints, phone=False, base_url=house.url)
    yield page
    await page.context.close()
    assert complaints == []


def assign(house: Installation, title: str, amount: int, *, to: str = "lena") -> None:
    task = {"id": title.replace(" ", "-"), "name": title, "kind": "approval", "assignee": to}
    house.send("task.assigned", {"task": task, "variables": {"amount": amount, "currency": "EUR"}})
    house.waits_for(to, title)


async def look(page: Page, name: str) -> None:
    """Take pictures for people who look at them: phone and desk, light and dark."""
    if not SHOTS:
        return
    size = page.viewport_size
    for width, height in ((390, 844), (1280, 800)):
        for scheme in ("light", "dark"):
            await page.set_viewport_size({"width": width, "height": height})
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await page.screenshot(path=f"{SHOTS}/{name}-{width}-{scheme}.png")
    assert size is not None
    await page.set_viewport_size(size)


async def with_passkey(page: Page, house: Installation, who: str = "lena") -> Device:
    device = await Device().plug_in(page)
    await give_password(page, who, house)
    await expect(page).to_have_url(f"{house.url}/")
    await add_passkey(page, "Laptop")
    await expect(page.get_by_role("heading", name=re.compile("Recovery codes|Sign-in security")).first).to_be_visible()
    await page.goto("/")
    await is_live(page)
    return device


async def test_she_enrols_approves_signs_several_and_loses_the_passkey(page: Page, house: Installation) -> None:
    assign(house, "Pay the crane", 20_000)
    assign(house, "Pay the pens", 20)
    for number in (1, 2):
        assign(house, f"Pay tower {number}", 30_000)
    assign(house, "Pay the bridge", 40_000)
    await give_password(page, "lena", house)
    await expect(page).to_have_url(f"{house.url}/")

    # Without a passkey: what is missing, and where to get it.
    item = await opened(page, "Pay the crane")
    await expect(item.get_by_text("This needs a passkey, and you have none yet: Approve.")).to_be_visible()
    await by_turns(page, 0)
    assert await faults(page) == []
    await by_turns(page, 1)
    assert await faults(page) == []
    await look(page, "no-passkey")
    await item.get_by_role("button", name="Approve").click()
    outcome = item.locator('[data-slot="outcome"]')
    await expect(outcome).to_have_text(re.compile("Set one up under “Sign-in security”"))
    await look(page, "refused")
    await expect(item.get_by_role("button", name="Approve")).to_be_visible()
    device = await Device().plug_in(page)
    await item.get_by_role("link", name="Set up a passkey").click()
    await page.get_by_label("Name").fill("Laptop")
    await page.get_by_role("button", name="Add passkey").click()
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()

    # With it: one press, the lock of the device, and it is approved.
    await page.goto("/")
    await is_live(page)
    item = await opened(page, "Pay the crane")
    await expect(item.get_by_text("You confirm this with your passkey: Approve.")).to_be_visible()
    await by_turns(page, 0)
    assert await faults(page) == []
    await look(page, "with-passkey")
    await by_turns(page, 1)
    await item.locator(".remark summary").click()
    await item.get_by_label("Your comment").fill("As agreed.")
    await item.get_by_role("button", name="Approve").click()
    await expect(item.locator('[data-slot="outcome"]')).to_have_text(re.compile("^Approved"))
    assert answers(house, "Pay the crane") == [("approve", "As agreed.")]
    assert house.house.rows(SIGNED.format(title="Pay the crane")) == [("passkey", False)]
    await page.reload()
    await expect(page.locator(".history")).to_contain_text("approved it (with a passkey)")

    # What no rule names is answered as ever, in the list.
    await page.goto("/")
    await is_live(page)
    pens = card(page, "Pay the pens")
    await pens.hover()
    await pens.get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Approved.", exact=False).first).to_be_visible()
    assert house.house.rows(SIGNED.format(title="Pay the pens")) == []

    # Several at once: she is asked once.
    await page.goto("/?q=tower&select=1")
    await is_live(page)
    await page.get_by_role("button", name="Choose all here").click()
    await page.get_by_role("button", name="Answer together…").click()
    await expect(page.get_by_text("You confirm this with your passkey: Approve.")).to_be_visible()
    assert await faults(page) == []
    await look(page, "several")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("heading", name="Your answers")).to_be_visible()
    assert house.house.rows(SIGNED.format(title="Pay tower %")) == [("passkey", True), ("passkey", True)]

    # The passkey is lost: refused, with a way out, and her comment stays.
    await device.lose_all()
    await page.goto("/")
    await is_live(page)
    item = await opened(page, "Pay the bridge")
    await item.locator(".remark summary").click()
    await item.get_by_label("Your comment").fill("Mine to keep.")
    await item.get_by_role("button", name="Approve").click()
    outcome = item.locator('[data-slot="outcome"]')
    await expect(outcome).to_have_text(re.compile("Your passkey did not confirm this answer, so nothing was sent"))
    await expect(item.get_by_label("Your comment")).to_have_value("Mine to keep.")
    await expect(item.get_by_role("button", name="Approve")).to_be_visible()
    await look(page, "lost")
    assert answers(house, "Pay the bridge") == []


async def test_an_answer_that_waited_offline_asks_for_the_passkey_then(page: Page, house: Installation) -> None:
    house.account("mona", "Mona")
    await with_passkey(page, house, "mona")
    assign(house, "Pay the roof", 50_000, to="mona")
    item = await opened(page, "Pay the roof")
    await page.context.set_offline(True)
    await item.get_by_role("button", name="Approve").click()
    outcome = item.locator('[data-slot="outcome"]')
    await expect(outcome).to_have_text("“Approve” needs your passkey. Confirm it here when you are back online.")
    await look(page, "offline")
    await page.context.set_offline(False)
    await expect(outcome).to_have_text(re.compile("passkey: press “Approve” again"))
    await look(page, "back")
    await item.get_by_role("button", name="Approve").click()
    await expect(outcome).to_have_text(re.compile("^Approved"))
    assert house.house.rows(SIGNED.format(title="Pay the roof")) == [("passkey", False)]


async def test_without_javascript_the_page_says_what_is_missing(browser: Browser, house: Installation) -> None:
    house.account("nils", "Nils")
    assign(house, "Pay the floor", 60_000, to="nils")
    context = await browser.new_context(java_script_enabled=False, base_url=house.url)
    page = await context.new_page()
    await give_password(page, "nils", house)
    await page.get_by_role("link", name="Pay the floor").first.click()
    await page.locator("#item").get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("so nothing was sent. Set one up under “Sign-in security”.")).to_be_visible()
    await expect(page.get_by_role("link", name="Set up a passkey")).to_be_visible()
    await context.close()
