"""What axe finds on each page of the desk, what the page weighs, and how long it takes on a slow line: `make report`
writes that part of docs/measurements.md."""

import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, CDPSession, Page

from tests.browsers.installation import Installation
from tests.browsers.test_accessible import RULES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(3_600),
]

REPORT = Path(__file__).resolve().parents[2] / "docs" / "measurements.md"
FIRST_KB, AFTER_KB, SECONDS = 400, 100, 2.0
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""Of a phone in the country: 1.6 Mbit/s, 150 ms."""
SIZES = {"light": {"width": 1280, "height": 800}, "dark": {"width": 390, "height": 844}}

MARK = "<!-- written by make report -->\n"
HEAD = """## The desk's pages
`make report` opens {pages} pages of the desk in Chromium, light at 1280 × 800 and dark at 390 × 844.

| Column | Meaning | Worst | Allowed |
|---|---|---|---|
| Faults | findings of axe-core (WCAG 2.2 A and AA, best practices), and pages wider than their window | {faults} | 0 |
| First | kB transferred with an empty cache | {first} | {first_kb} |
| After | kB transferred with a filled cache | {after} | {after_kb} |
| Paint | seconds to the first content, on a line of 1.6 Mbit/s and 150 ms, median of three | {paint} | {seconds:g} |
| Load | seconds until everything is there, on the same line | {load} | |
"""
"""What follows the mark on the page."""

TABLE = """
### {name}
| Page | Faults | First | After | Paint | Load |
|---|---|---|---|---|---|
{rows}"""
NEW = "/add/"
"""The end of the addresses of forms for new rows, which have a table of their own."""


@dataclass(frozen=True)
class Row:
    """kB and seconds; `paint` and `load` on the slow line, with nothing of the desk in the browser's cache."""

    address: str
    faults: list[str]
    first: float
    after: float
    paint: float
    load: float

    @property
    def words(self) -> str:
        cells = (f"{self.first:.0f}", f"{self.after:.0f}", f"{self.paint:.1f}", f"{self.load:.1f}")
        return f"| `{self.address}` | {len(self.faults)} | {' | '.join(cells)} |"


async def test_every_page_is_open_to_all_and_light(installation: Installation, browser: Browser) -> None:
    signed_in = await _sign_in(browser, installation)
    rows = [await _measured(browser, signed_in, address) for address in await _pages(signed_in)]
    await signed_in.close()
    assert len(rows) > 60
    before, mark, _ = REPORT.read_text(encoding="utf-8").partition(MARK)
    REPORT.write_text(f"{before}{mark}{_report(rows)}", encoding="utf-8")
    assert {row.address: row.faults for row in rows if row.faults} == {}
    assert [row for row in rows if row.first > FIRST_KB or row.after > AFTER_KB] == []
    assert [row for row in rows if row.paint > SECONDS] == []


async def _sign_in(browser: Browser, installation: Installation) -> BrowserContext:
    context = await browser.new_context(base_url=installation.url)
    page = await context.new_page()
    await page.goto("/admin/login/")
    await page.fill("[name=username]", "admin")
    await page.fill("[name=password]", installation.passwords["admin"])
    await page.click("[type=submit]")
    await page.wait_for_url("**/admin/")
    return context


async def _pages(context: BrowserContext) -> list[str]:
    """Every list and page that the desk leads to, the first row of each list, and its form for a new one."""
    page = await context.new_page()
    found = dict.fromkeys(["/admin/"])
    for address in [*await _links(page, "/admin/")]:
        for each in await _links(page, address):
            found.setdefault(each)
        row = await page.evaluate("document.querySelector('#result_list a[href*=\"/change/\"]')?.getAttribute('href')")
        found.update(dict.fromkeys(filter(None, [row])))
    await page.close()
    return list(found)


async def _links(page: Page, address: str) -> list[str]:
    await page.goto(address)
    links = await page.evaluate("[...document.querySelectorAll('a[href]')].map((each) => each.getAttribute('href'))")
    plain = (link.partition("?")[0].partition("#")[0] for link in links)
    wanted = re.compile(r"/admin/(\w+/\w+/(add/|[a-z-]+/)?)?")
    return [link for link in dict.fromkeys(plain) if wanted.fullmatch(link) and "export" not in link]


async def _measured(browser: Browser, signed_in: BrowserContext, address: str) -> Row:
    cookies: Any = await signed_in.cookies()
    faults = [each for scheme in SIZES for each in await _faults(signed_in, address, scheme)]
    context = await _anew(browser, signed_in, cookies)
    first, after = await _weight(context, address), await _weight(context, address)
    await context.close()
    times = [await _slow(browser, signed_in, cookies, address) for _ in range(3)]
    paint, load = (median(each) for each in zip(*times, strict=True))
    return Row(address, faults, first, after, paint, load)


async def _anew(browser: Browser, signed_in: BrowserContext, cookies: Any) -> BrowserContext:
    """Signed in, with an empty cache."""
    url = signed_in.pages[0].url
    context = await browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
    await context.add_cookies(cookies)
    return context


async def _faults(context: BrowserContext, address: str, scheme: str) -> list[str]:
    page = await context.new_page()
    await page.set_viewport_size(SIZES[scheme])  # type: ignore[arg-type]
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(address)
    found: dict[str, Any] = (await Axe().run(page, options=RULES)).response
    wider = await page.evaluate("document.documentElement.scrollWidth") > SIZES[scheme]["width"]
    await page.close()
    wrong = [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]
    return [*wrong, *(["wider than its window"] if wider else [])]


async def _weight(context: BrowserContext, address: str) -> float:
    """kB on the way to the browser."""
    page = await context.new_page()
    session, sizes = await _network(context, page), list[float]()
    session.on("Network.loadingFinished", lambda said: sizes.append(said["encodedDataLength"]))
    await page.goto(address, wait_until="networkidle")
    await page.close()
    return sum(sizes) / 1000


async def _slow(browser: Browser, signed_in: BrowserContext, cookies: Any, address: str) -> tuple[float, float]:
    """Seconds to the first paint and to the end of loading."""
    context = await _anew(browser, signed_in, cookies)
    page = await context.new_page()
    session = await _network(context, page)
    await session.send("Network.emulateNetworkConditions", SLOW)
    await page.goto(address, wait_until="load")
    paint, load = await page.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
        " performance.getEntriesByType('navigation')[0].loadEventStart]"
    )
    await context.close()
    return paint / 1000, load / 1000


async def _network(context: BrowserContext, page: Page) -> CDPSession:
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")
    return session


def _report(rows: list[Row]) -> str:
    def worst(name: str, places: int) -> str:
        return f"{max(getattr(row, name) for row in rows):.{places}f}"

    def table(name: str, rows: list[Row]) -> str:
        return TABLE.format(name=name, rows="".join(f"{row.words}\n" for row in rows))

    head = HEAD.format(
        pages=len(rows),
        faults=sum(len(row.faults) for row in rows),
        first=worst("first", 0),
        after=worst("after", 0),
        paint=worst("paint", 1),
        load=worst("load", 1),
        first_kb=FIRST_KB,
        after_kb=AFTER_KB,
        seconds=SECONDS,
    )
    forms = [row for row in rows if row.address.endswith(NEW)]
    return head + table("Lists and pages", [row for row in rows if row not in forms]) + table("New rows", forms)
