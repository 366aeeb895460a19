"""Real browsers on real processes. Without a browser these tests are skipped, and say so; with CI set they fail."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.conf import settings
from playwright.async_api import Browser, Page, Playwright, async_playwright, expect
from pytest_asyncio import is_async_test

from tests.browsers.installation import Installation
from tests.support.chromium import FLAGS, PROGRAM

PACKAGES = {
    PROGRAM: "chromium",
    Path("/usr/bin/chromedriver"): "chromium-driver",
    Path("/usr/bin/firefox-esr"): "firefox-esr",
    Path("/usr/bin/dbus-daemon"): "dbus",
}
"""Debian's, by what tests run of them."""

PATIENCE = 60_000  # milliseconds; nothing waits that long unless it fails

SignIn = Callable[..., Awaitable[Page]]
"""`await sign_in("bob", phone=True, javascript=False)`: a page of a browser profile of its own. `anew=True`: with a
session of its own, too. `again=True`: in the tab where they were in an earlier test, for tests that leave no more
behind in it than pages: no routes, permissions, clocks, other languages or other accounts. A new profile loads all
that a page needs, which takes four times as long as the page."""

Tabs = dict[tuple[str, bool, bool | str], Page]
"""By person, whether on a phone, and what `again` says: where they were, now empty. Tests that do leave something
behind, all the same, say what it is (`again="asked for notifications"`), and have a tab of theirs."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.processes)
            if is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)  # that of the browser


def needed(*programs: Path) -> None:
    for program in programs:
        if not program.exists():
            package = PACKAGES[program]
            cannot(f"{program} is missing: nobody has looked. Install it (Debian: apt-get install {package}).")


def cannot(reason: str) -> None:
    """Skip with a reason what cannot be tested here; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Path:
    needed(PROGRAM)
    return PROGRAM


@pytest.fixture(scope="package")
def installation(chromium: Path) -> Iterator[Installation]:
    """It ends with these tests: what a process of pytest does after them takes long, and an idle installation works."""
    found = Installation()
    try:
        found.start()
        yield found
    finally:
        found.house.clear()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as found:
        expect.set_options(timeout=PATIENCE)
        yield found


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser(chromium: Path, playwright: Playwright) -> AsyncIterator[Browser]:
    """One for all tests; whoever signs in has a profile of their own in it."""
    launched = await playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)
    yield launched
    await launched.close()


@pytest.fixture(scope="package")
def sessions() -> dict[str, str]:
    """By person, the session that they began in an earlier test: what its cookie holds."""
    return {}


@pytest.fixture(scope="package")
def tabs() -> Tabs:
    return {}


@pytest.fixture(scope="package")
def complaints() -> list[str]:
    """Of all pages, during this test."""
    return []


@pytest_asyncio.fixture(loop_scope="session")
async def sign_in(
    browser: Browser, installation: Installation, sessions: dict[str, str], tabs: Tabs, complaints: list[str]
) -> AsyncIterator[SignIn]:
    """Opens the inbox for people. At the end no page may have complained of a fault in its scripts or of its policy.

    A password is checked slowly on purpose, so that a person goes on with the session of an earlier test where there
    is one. If that has ended, or with `anew`, they sign in by the form.
    """
    complaints.clear()
    used: Tabs = {}

    async def sign_in(
        who: str, *, phone: bool = False, anew: bool = False, again: bool | str = False, **more: Any
    ) -> Page:
        page = tabs.pop((who, phone, again), None) if again else None
        page = page or await new_page(browser, complaints, phone, base_url=installation.url, **more)
        if again:
            used[who, phone, again] = page
        if who in sessions and not anew:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": sessions[who], "url": installation.url}
            await page.context.add_cookies([cookie])
        await page.goto("/")
        if page.url != f"{installation.url}/":
            await by_the_form(page, who, installation)
            kept = {cookie["name"]: cookie["value"] for cookie in await page.context.cookies()}
            sessions[who] = kept[settings.SESSION_COOKIE_NAME]
        if more.get("javascript", True):
            await is_live(page)
        return page

    yield sign_in
    for key, page in used.items():
        await page.goto("about:blank")
        tabs[key] = page
    left_open = {page.context for page in tabs.values()}
    for context in browser.contexts:
        if context not in left_open:
            await context.close()
    assert complaints == []


async def new_page(
    browser: Browser, complaints: list[str], phone: bool, *, javascript: bool = True, **more: Any
) -> Page:
    """In a new profile."""
    size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800}
    context = await browser.new_context(viewport=size, has_touch=phone, java_script_enabled=javascript, **more)  # type: ignore[arg-type]
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    return page


async def by_the_form(page: Page, who: str, installation: Installation) -> None:
    await page.locator("#id_username").fill(who)
    await page.locator("#id_password").fill(installation.passwords[who])
    await page.locator("main button.primary").click()
    await page.wait_for_url(f"{installation.url}/")


async def is_live(page: Page) -> None:
    await expect(page.locator("#connection")).to_have_attribute("data-mood", "live")
