"""How soon an inbox of 202 items and the overview of the desk are to be seen on a slow phone, and how much they load.

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
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass(frozen=True)
class Opened:
    """A page, who opens it, what is there when all is, and at most how many milliseconds and kB it takes."""

    name: str
    address: str
    who: str
    last: str
    most_milliseconds: int
    most_kilobytes: int


PAGES = (
    Opened(f"Inbox of {ITEMS} items", "/", "bob", "#connection", 1_000, 65),
    Opened(f"Overview of the desk, {ITEMS} items", "/admin/", "root", ".desk-tiles", 2_000, 152),
)


@dataclass
class Visit:
    """`painted`: milliseconds from the address to the first content. `sizes`: bytes that came over the line."""

    painted: float = 0.0
    sizes: list[int] = field(default_factory=list)


async def measure(house: House) -> list[Figure]:
    house.manage("create_person", "bob", "--name", "Bob", "--password", PASSWORD)
    house.manage("create_person", "root", "--name", "Root", "--password", PASSWORD, "--staff")
    async with aiohttp.ClientSession() as session:
        await Api(session, house.url, house.api_key).batch(_mixed())
    await until_processed(house, "paint", ITEMS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        figures = [figure for opened in PAGES for figure in await _measured(browser, house, opened)]
        await browser.close()
    return figures


async def _measured(browser: Browser, house: House, opened: Opened) -> list[Figure]:
    cookies = await _signed_in(browser, house, opened.who)
    visits = [await _visit(browser, house, cookies, opened) for _ in range(VISITS)]
    painted, loaded = median(visit.painted for visit in visits), median(sum(visit.sizes) for visit in visits) / 1_000
    return [
        bounded(f"{opened.name} on a slow phone: first content", painted, "ms", opened.most_milliseconds),
        bounded(f"{opened.name}, a first visit", loaded, "kB", opened.most_kilobytes),
    ]


def _mixed() -> list[Json]:
    """Overdue, due today, due later, and due at no time."""
    now = datetime.now(UTC)
    due = [(now + timedelta(hours=hours)).isoformat() for hours in (-30, -2, 1, 30, 300)] + [None]
    return [
        {**task_assigned(assignee="bob", due_at=due[number % len(due)]), "source": "paint"} for number in range(ITEMS)
    ]


async def _signed_in(browser: Browser, house: House, who: str) -> Any:
    page = await browser.new_page(base_url=house.url)
    await page.goto("/sign-in")
    await page.locator("#id_username").fill(who)
    await page.locator("#id_password").fill(PASSWORD)
    await page.locator("main button.primary").click()
    await page.wait_for_url(f"{house.url}/")
    cookies = await page.context.cookies()
    await page.context.close()
    return cookies


async def _visit(browser: Browser, house: House, cookies: Any, opened: Opened) -> Visit:
    """On the slow line; what is loaded is counted."""
    context = await browser.new_context(base_url=house.url, viewport=PHONE)  # type: ignore[arg-type]
    await context.add_cookies(cookies)
    page, visit = await context.new_page(), Visit()
    tools = await context.new_cdp_session(page)
    tools.on("Network.loadingFinished", lambda loaded: visit.sizes.append(loaded["encodedDataLength"]))
    await tools.send("Network.enable")
    await tools.send("Network.emulateNetworkConditions", SLOW_LINE)
    await tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await page.goto(opened.address)
    await page.wait_for_function(PAINTED)
    await page.locator(opened.last).wait_for(state="attached")
    await page.wait_for_load_state("networkidle")
    visit.painted = await page.evaluate(PAINTED)
    await context.close()
    return visit
