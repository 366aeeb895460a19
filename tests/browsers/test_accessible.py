"""What axe-core finds on every kind of page: nothing. And what Chromium says against installing the app: nothing."""

from itertools import product
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import opened
from tests.browsers.worker import Device
from tests.soak.installation import LONG
from tests.support.length import some
from tests.support.waiting import eventually

pytestmark = [pytest.mark.ci, pytest.mark.soak]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
"""Of rules that are kept axe says one place each, which is quicker."""
WIDTHS = {True: "phone", False: "desktop"}
LOOKS = list(product(WIDTHS, ("dark", "light"))) if LONG else [(True, "dark")]
"""In `make soak` all four. Else both widths and both schemes by turns, in one visit: what is wrong by the two together,
or in one of them alone on a page that was seen in the other, is left to it."""
PHONE = {"width": 390, "height": 844}


async def by_turns(page: Page, number: int) -> None:
    """Dark on a phone, or light on a desk; no colour is on its way from the one to the other."""
    width, scheme = (1280, "light") if number % 2 else (PHONE["width"], "dark")
    await page.set_viewport_size({"width": width, "height": PHONE["height"]})
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]


async def test_axe_finds_what_is_wrong(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the rail")
    installation.waits_for("dave", "Approve the rail")
    dave = await sign_in("dave", again=True)
    await dave.locator(".tabs [aria-current]").evaluate("tab => tab.style.color = '#999'")

    assert [fault.partition(":")[0] for fault in await faults(dave)] == ["color-contrast"]

    await opened(dave, "Approve the rail")
    await dave.emulate_media(forced_colors="active")
    chosen, primary = dave.locator(".row[data-chosen]"), dave.locator("#item .button.primary").first
    assert await chosen.evaluate("row => getComputedStyle(row).outlineStyle") == "solid"
    assert await primary.evaluate("button => getComputedStyle(button).borderTopWidth") == "3px"
    await dave.emulate_media(forced_colors="none")


async def faults(page: Page) -> list[str]:
    """Each with the rule and where, on the page at its top: elsewhere the bar there covers half of something."""
    await page.evaluate("scrollTo(0, 0)")
    found: dict[str, Any] = (await Axe().run(page, options=RULES)).response
    assert len(found["passes"]) > 10
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


async def a_team_of_five(installation: Installation) -> None:
    """Dave is their manager, and each has something to do."""
    team = ["eve", "ann", "ben", "cid", "dora"]
    for ref in team:
        installation.person(ref, name=ref.capitalize(), manager="dave")
        installation.assign(f"Paint the quay, {ref}", to=ref)
    told = "SELECT count(DISTINCT recipient_id) FROM notifications_notification WHERE title LIKE 'Paint the quay%'"
    eventually(lambda: installation.house.rows(told) == [(len(team),)], "all have theirs")


@pytest.mark.parametrize(("phone", "scheme"), LOOKS, ids=lambda look: look if isinstance(look, str) else WIDTHS[look])
async def test_nobody_is_shut_out(installation: Installation, sign_in: SignIn, phone: bool, scheme: str) -> None:
    title = f"Approve the ramp, {scheme}, {'narrow' if phone else 'wide'}"
    installation.assign(title, priority="urgent", due_at="2020-01-01T00:00:00Z", url="https://engine.example/ramp")
    found: dict[str, list[str]] = {}
    dave = await sign_in("dave", phone=phone, color_scheme=scheme)

    async def look(place: str) -> None:
        if not LONG:
            await by_turns(dave, len(found))
        found[place] = await faults(dave)

    await expect(dave.locator("#push")).to_be_visible()
    await look("inbox")

    await dave.get_by_role("link", name=title, exact=True).click()
    await expect(dave.locator("#item-heading")).to_be_focused()
    await look("item")
    await dave.locator("#item").get_by_text("Reject…").click()
    await look("asking")

    await dave.goto("/devices")
    await expect(dave.locator("#push")).to_be_visible()
    await look("devices")

    installation.person("erin", name="Erin", manager="dave")
    installation.goes("erin", delegate="dave")
    await dave.goto("/absence")
    await expect(dave.get_by_role("heading", name="My team")).to_be_visible()
    await look("absence")
    await dave.get_by_role("link", name="Read a calendar").click()
    await expect(dave.get_by_role("button", name="Preview")).to_be_visible()
    await look("absences from a calendar")
    await dave.go_back()
    await dave.get_by_label("Stand-in", exact=True).fill("Nobody knows")
    await dave.get_by_role("button", name="Save").click()
    await expect(dave.get_by_text("There is nobody with this name.")).to_be_visible()
    await look("absence refused")
    await dave.goto("/absence?for=erin")
    await expect(dave.get_by_role("button", name="Erin is back")).to_be_visible()
    await look("somebody's absence")

    if LONG:
        await a_team_of_five(installation)
        await dave.goto("/team/time")
        await expect(dave.get_by_role("table")).to_have_count(2)
        await look("the time of a team")

    await dave.goto("/password")
    await look("password")
    await dave.get_by_role("button", name="Change password").click()
    await expect(dave.get_by_text("Enter a new password.")).to_be_visible()
    await look("password refused")

    await Device.of(installation, dave)  # all is kept
    await dave.goto("/")
    await dave.context.set_offline(True)
    await dave.goto("/")
    await dave.get_by_role("link", name=title, exact=True).click()
    await expect(dave.locator("#item-heading")).to_be_focused()
    await look("offline")

    await dave.context.set_offline(False)
    await dave.context.clear_cookies()
    await dave.goto("/sign-in")
    await look("sign-in")

    assert {place: those for place, those in found.items() if those} == {}


@pytest.mark.parametrize("state", some(["off", "on", "denied", "install", "failed", "unsupported"], 3))
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
