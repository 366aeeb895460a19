"""What a profile of the tests' browser consists of."""

import pytest
from playwright.async_api import Browser

from tests.browsers.installation import Installation

pytestmark = pytest.mark.ci


async def test_a_window_prepares_no_pages_of_its_own(installation: Installation, browser: Browser) -> None:
    """tests/support/chromium.py turns them off by names that another version of Chromium may not know."""
    context = await browser.new_context()
    await (await context.new_page()).goto(f"{installation.url}/sign-in")
    tools = await browser.new_browser_cdp_session()

    targets = (await tools.send("Target.getTargets", {"filter": [{}]}))["targetInfos"]

    await context.close()
    addresses = [each["url"] for each in targets]
    assert f"{installation.url}/sign-in" in addresses
    assert [address for address in addresses if address.startswith("chrome")] == []
