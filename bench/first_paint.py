"""How soon an inbox of 202 items is to be seen on a slow phone, and how much it loads for that.

Chromium is slowed down as its own tools do it: 1.6 Mbit/s, 150 ms until each answer begins, a processor four times as
slow. Each visit is somebody's first one, in a profile of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from playwright.async_api import Browser, Page, async_playwright

from bench.harness import Api, Figure, House, Json, median
from bench.inboxes import until_processed
from bench.live import task_assigned
from bench.programs import CHROMIUM

ITEMS = 202
VISITS = 5
SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1280, 800), "wide": (1920, 1080)}
PASSWORD = "a long walk by the sea"
SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750}
"""Milliseconds, and bytes a second."""
SLOWER = 4
MOST_MILLISECONDS = 1_000
MOST_BYTES = 100_000
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass
class Visit:
    """`painted`: milliseconds from the address to the first content. `loaded`: bytes as they came over the line."""

    painted: float = 0.0
    loaded: int = 0
    requests: list[str] = field(default_factory=list)


async def measure(house: House) -> list[Figure]:
    house.manage("create_person", "bob", "--name", "Bob", "--password", PASSWORD)
    async with aiohttp.ClientSession() as session:
        await Api(session, house.url, house.api_key).batch(_mixed())
    await until_processed(house, "paint", ITEMS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM.program, args=["--no-sandbox", "--disable-gpu"]
        )
        cookies = await _signed_in(browser, house)
        visits = {
            name: [await _visit(browser, house, cookies, *size) for _ in range(VISITS)] for name, size in SIZES.items()
        }
        await browser.close()
    return [*(_paint(name, visits[name]) for name in SIZES), *_weight(visits["phone"])]


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


async def _visit(browser: Browser, house: House, cookies: Any, width: int, height: int) -> Visit:
    context = await browser.new_context(base_url=house.url, viewport={"width": width, "height": height})
    await context.add_cookies(cookies)
    page = await context.new_page()
    visit = Visit()
    await _slow_down(page, visit)
    await page.goto("/")
    await page.wait_for_function(PAINTED)
    await page.locator("#connection").wait_for(state="attached")
    await page.wait_for_load_state("networkidle")
    visit.painted = await page.evaluate(PAINTED)
    await context.close()
    return visit


async def _slow_down(page: Page, visit: Visit) -> None:
    """From here on, and count what is loaded."""
    tools = await page.context.new_cdp_session(page)
    tools.on("Network.requestWillBeSent", lambda said: visit.requests.append(said["request"]["url"]))
    tools.on("Network.loadingFinished", lambda said: _count(visit, said))
    await tools.send("Network.enable")
    await tools.send("Network.emulateNetworkConditions", SLOW_LINE)
    await tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})


def _count(visit: Visit, said: Json) -> None:
    visit.loaded += said["encodedDataLength"]


def _paint(name: str, visits: Sequence[Visit]) -> Figure:
    milliseconds = median([visit.painted for visit in visits])
    width, height = SIZES[name]
    what = f"Inbox of {ITEMS} items on a slow line: first content, {name} ({width} × {height})"
    met = milliseconds < MOST_MILLISECONDS
    return Figure(what, milliseconds, "", None, "ms", f"under {MOST_MILLISECONDS:,} ms", met)


def _weight(visits: Sequence[Visit]) -> list[Figure]:
    kilobytes = median([visit.loaded for visit in visits]) / 1000
    most = MOST_BYTES / 1000
    what = f"Inbox of {ITEMS} items, a first visit"
    return [
        Figure(what, kilobytes, "", None, "kB", f"under {most:g} kB", kilobytes < most),
        Figure(what, median([len(visit.requests) for visit in visits]), "", None, "requests"),
    ]
