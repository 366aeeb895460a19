"""The engine's page in Chromium: it follows the process by itself, and never takes away what somebody is writing."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.demo.service import Service
from tests.support.chromium import FLAGS, PROGRAM

pytestmark = pytest.mark.browser


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(PROGRAM), args=FLAGS)
        page = await browser.new_page()
        page.set_default_timeout(20_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        yield page
        await browser.close()
        assert complaints == []


async def test_an_answer_from_elsewhere_shows_without_reload(service: Service, page: Page) -> None:
    started = await service.start()
    await page.goto(str(service.client.make_url(f"/instances/{started['id']}")))
    await page.evaluate("window.sameDocument = true")
    await expect(page.locator("#now [data-step]")).to_have_attribute("data-step", "approve_invoice")
    await service.answer(started["open_tasks"][0], "reject", comment="Wrong total")
    await expect(page.locator("#now [data-step]")).to_have_attribute("data-step", "correct_invoice", timeout=20_000)
    await expect(page.locator("#announce")).to_have_text("Now: Correct invoice 4711")
    await expect(page.locator(".node.current")).to_have_attribute("data-node", "correct_invoice")
    assert await page.evaluate("window.sameDocument")


async def test_words_being_written_stay_until_they_are_sent(service: Service, page: Page) -> None:
    await page.clock.install()
    started = await service.start()
    await page.goto(str(service.client.make_url(f"/instances/{started['id']}")))
    await page.get_by_text("Complete this task here in the engine").click()
    await page.get_by_label("Comment").fill("Not ours")
    await service.answer(started["open_tasks"][0], "acknowledge")
    await page.clock.run_for(10_000)
    await expect(page.get_by_label("Comment")).to_have_value("Not ours")
    await expect(page.locator(".story")).not_to_contain_text("Bob has seen it")
    await page.get_by_role("button", name="Reject (with a comment)").click()
    await expect(page.locator("#now [data-step]")).to_have_attribute("data-step", "correct_invoice")
    await expect(page.locator(".story blockquote")).to_have_text("Not ours")
    await expect(page.locator(".story")).to_contain_text("Bob has seen it")


async def test_a_button_starts_an_invoice_also_without_javascript(service: Service, page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    plain = await (await browser.new_context(java_script_enabled=False)).new_page()
    await plain.goto(str(service.client.make_url("/")))
    await plain.get_by_role("button", name="Start a large invoice").click()
    await expect(plain.locator("#now h3")).to_have_text("Approve invoice 4711")
    await plain.get_by_role("button", name="Reassign to Carol").click()
    await expect(plain.locator("#now .quiet")).to_contain_text("waiting for Carol")
