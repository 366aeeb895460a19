"""How soon an inbox of 202 items is to be seen on a slow phone, and how much it loads for that.

Chromium is slowed down as its own tools do it: 1.6 Mbit/s, 150 ms until each answer begins, a processor four times as
slow. Each visit is somebody's first one, in a profile of its own.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import aiohttp
from playwright.async_api import Browser, async_playwright

from bench.api import Api
from bench.harness import Figure, House, Json, bounded
from bench.inboxes import until_processed
from bench.live import task_assigned

CHROMIUM = "/usr/bin/chromium"
ITEMS = 202
VISITS = 5
PHONE = {"width": 390, "height": 844}
PASSWORD = "a long walk by the sea"
SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750}
"""Milliseconds, and bytes a second."""
SLOWER = 4
MOST_MILLISECONDS = 1_000
MOST_KILOBYTES = 100
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass
class Visit:
    """`painted`: milliseconds from the address to the first content. `sizes`: bytes that came over the line."""

    painted: float = 0.0
    sizes: list[int] = field(default_factory=list)


async def measure(house: House) -> list[Figure]:
    house.manage("create_person", "bob", "--name", "Bob", "--password", PASSWORD)
    async with aiohttp.ClientSession() as session:
        await Api(session, house.url, house.api_key).batch(_mixed())
    await until_processed(house, "paint", ITEMS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        cookies = await _signed_in(browser, house)
        visits = [await _visit(browser, house, cookies) for _ in range(VISITS)]
        await browser.close()
    painted, loaded = median(visit.painted for visit in visits), median(sum(visit.sizes) for visit in visits) / 1_000
    return [
        bounded(f"Inbox of {ITEMS} items on a slow phone: first content", painted, "ms", MOST_MILLISECONDS),
        bounded(f"Inbox of {ITEMS} items, a first visit", loaded, "kB", MOST_KILOBYTES),
    ]


def _mixed() -> list[Json]:
    """Overdue, due today, due later, and due at no time."""
    now = datetime.now(UTC)
    due = [(now + timedelta(hours=hours)).isoformat() for hours in (-30, -2, 1, 30, 300)] + [None]
    return [
        {**task_assigned(assignee="bob", due_at=due[number % len(due)]), "source": "paint"} for number in range(ITEMS)
    ]


async def _signed_in(browser: Browser, house: House) -> Any:
    page = await browser.new_page(base_url=house.url)
    await page.goto("/sign-in")
    await page.locator("#id_username").fill("bob")
    await page.locator("#id_password").fill(PASSWORD)
    await page.locator("main button").click()
    await page.wait_for_url(f"{house.url}/")
    cookies = await page.context.cookies()
    await page.context.close()
    return cookies


async def _visit(browser: Browser, house: House, cookies: Any) -> Visit:
    """On the slow line; what is loaded is counted."""
    context = await browser.new_context(base_url=house.url, viewport=PHONE)  # type: ignore[arg-type]
    await context.add_cookies(cookies)
    page, visit = await context.new_page(), Visit()
    tools = await context.new_cdp_session(page)
    tools.on("Network.loadingFinished", lambda loaded: visit.sizes.append(loaded["encodedDataLength"]))
    await tools.send("Network.enable")
    await tools.send("Network.emulateNetworkConditions", SLOW_LINE)
    await tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await page.goto("/")
    await page.wait_for_function(PAINTED)
    await page.locator("#connection").wait_for(state="attached")
    await page.wait_for_load_state("networkidle")
    visit.painted = await page.evaluate(PAINTED)
    await context.close()
    return visit
