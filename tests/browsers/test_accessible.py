"""What axe-core finds on every kind of page: nothing. And what Chromium says against installing the app: nothing."""

from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.worker import Device
from tests.soak.installation import LONG

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
"""Of rules that are kept axe says one place each, which is quicker."""
WIDTHS = {True: "phone", False: "desktop"}
LOOKS = [(phone, scheme) for phone in WIDTHS for scheme in ("dark", "light") if LONG or phone == (scheme == "dark")]
"""Without `make soak` each width and each scheme once: what is wrong by the two together is left to it."""
PHONE = {"width": 390, "height": 844}


async def test_axe_finds_what_is_wrong(sign_in: SignIn) -> None:
    dave = await sign_in("dave", again=True)
    await dave.locator("#waiting-heading").evaluate("heading => heading.style.color = '#999'")

    assert [fault.partition(":")[0] for fault in await faults(dave)] == ["color-contrast"]


async def faults(page: Page) -> list[str]:
    """Each with the rule and where."""
    found: dict[str, Any] = (await Axe().run(page, options=RULES)).response
    assert len(found["passes"]) > 10
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


@pytest.mark.parametrize(("phone", "scheme"), LOOKS, ids=lambda look: look if isinstance(look, str) else WIDTHS[look])
async def test_nobody_is_shut_out(installation: Installation, sign_in: SignIn, phone: bool, scheme: str) -> None:
    title = f"Approve the ramp, {scheme}, {'narrow' if phone else 'wide'}"
    installation.assign(title, priority="urgent", due_at="2020-01-01T00:00:00Z", url="https://engine.example/ramp")
    found = {}
    dave = await sign_in("dave", phone=phone, color_scheme=scheme)
    await expect(dave.locator("#push")).to_be_visible()
    found["inbox"] = await faults(dave)

    await dave.get_by_role("link", name=title, exact=True).click()
    await expect(dave.locator("#item-heading")).to_be_focused()
    found["item"] = await faults(dave)
    await dave.locator("#item").get_by_text("Reject…").click()
    found["asking"] = await faults(dave)

    await dave.goto("/devices")
    await expect(dave.locator("#push")).to_be_visible()
    found["devices"] = await faults(dave)

    installation.person("erin", name="Erin", manager="dave")
    installation.goes("erin", delegate="dave")
    await dave.goto("/absence")
    await expect(dave.get_by_role("heading", name="Who reports to you")).to_be_visible()
    found["absence"] = await faults(dave)
    await dave.get_by_label("Who stands in").fill("Nobody knows")
    await dave.get_by_role("button", name="Save").click()
    await expect(dave.get_by_text("Nobody here is called that.")).to_be_visible()
    found["absence refused"] = await faults(dave)
    await dave.goto("/absence?for=erin")
    await expect(dave.get_by_role("button", name="Erin is back")).to_be_visible()
    found["somebody's absence"] = await faults(dave)

    await dave.goto("/password")
    found["password"] = await faults(dave)
    await dave.get_by_role("button", name="Change password").click()
    await expect(dave.get_by_text("Write a new password.")).to_be_visible()
    found["password refused"] = await faults(dave)

    await Device.of(installation, dave)  # all is kept
    await dave.goto("/")
    await dave.context.set_offline(True)
    await dave.goto("/")
    await dave.get_by_role("link", name=title, exact=True).click()
    await expect(dave.locator("#item-heading")).to_be_focused()
    found["offline"] = await faults(dave)

    await dave.context.set_offline(False)
    await dave.context.clear_cookies()
    await dave.goto("/sign-in")
    found["sign-in"] = await faults(dave)

    assert {place: those for place, those in found.items() if those} == {}


@pytest.mark.parametrize("state", ["off", "on", "denied", "install", "failed", "unsupported"])
async def test_every_state_of_notifications_has_words_that_all_can_read(sign_in: SignIn, state: str) -> None:
    dave = await sign_in("dave", phone=True, again=True)
    await dave.goto("/devices")
    part = dave.locator("#push")
    await expect(part).to_be_visible()

    await part.locator("> div").evaluate_all(
        "(parts, state) => parts.forEach((part) => (part.hidden = part.dataset.when !== state))", state
    )

    assert await faults(dave) == []
    assert len(await part.inner_text()) > 20
    assert await dave.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def test_chromium_has_nothing_against_installing_it(installation: Installation, sign_in: SignIn) -> None:
    dave = await sign_in("dave")
    await Device.of(installation, dave)
    tools = await dave.context.new_cdp_session(dave)

    manifest = await tools.send("Page.getAppManifest")
    errors = await tools.send("Page.getInstallabilityErrors")

    assert manifest["url"].startswith(f"{installation.url}/manifest.webmanifest")
    assert manifest["errors"] == []
    in_private = {"in-incognito"}  # of the tests' browser profile, not of the app
    assert [each for each in errors["installabilityErrors"] if each["errorId"] not in in_private] == []
