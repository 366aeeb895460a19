"""On a phone the answers of a row stand beside it: a swipe shows them, and answers nothing."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

from tests.browsers.conftest import SignIn
from tests.browsers.in_firefox import PHONE, counted, firefox_at, line_to, opens, signs_in
from tests.browsers.installation import Installation
from tests.browsers.items import answers, card
from tests.browsers.test_main_job import reloaded

SWIPE, STEPS = 180, 12
"""Pixels, and how often a screen reports the finger on its way."""
SHIFTED = """row => {
  const {left, width, height} = row.getBoundingClientRect();
  return [row.scrollLeft, left, width, height, document.documentElement.scrollWidth];
}"""

STAYS = """row => {
  const title = row.querySelector(".row-title"), amount = row.querySelector("[data-slot=first]").textContent;
  const below = getComputedStyle(row.querySelector("button.primary"), "::after").content;
  return title.getBoundingClientRect().left > row.getBoundingClientRect().left && below.includes(amount);
}"""


WHOLE = """row => {
  const title = row.querySelector(".row-title"), actions = row.querySelector(".row-actions");
  const words = document.createRange();
  words.selectNodeContents(title);
  const {right, bottom} = words.getBoundingClientRect();
  return right <= actions.getBoundingClientRect().left && bottom <= row.getBoundingClientRect().bottom;
}"""


KEPT = """row => {
  const end = row.querySelector(".row-actions").getBoundingClientRect().left;
  const isIn = (css) => {
    const {width, right, bottom} = row.querySelector(css).getBoundingClientRect();
    return width > 0 && right <= end && bottom <= row.getBoundingClientRect().bottom;
  };
  return [".row-title [data-slot=number]", ".badge", ".row-context"].map(isIn);
}"""
"""Whether the number of its title, its priority and its key facts are beside the answers."""


async def swipe(page: Page, row: Locator, across: float, down: float = 0) -> None:
    """With a finger, from the middle of the row."""
    await row.evaluate("row => row.scrollIntoView({block: 'center'})")
    box = await row.bounding_box()
    assert box is not None
    tools, x, y = await page.context.new_cdp_session(page), box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await tools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, STEPS + 1):
        point = {"x": x + across * step / STEPS, "y": y + down * step / STEPS}
        await tools.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        await page.evaluate("new Promise(requestAnimationFrame)")
    await tools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def button(row: Locator, name: str) -> Locator:
    return row.get_by_role("button", name=name)


async def test_a_swipe_shows_the_answers_and_a_press_gives_one(installation: Installation, sign_in: SignIn) -> None:
    for title in ("Approve the carousel", "Approve the climbing frame"):
        installation.assign(title)
        installation.waits_for("dave", title)
    dave = await sign_in("dave", phone=True)
    row, other = card(dave, "Approve the carousel"), card(dave, "Approve the climbing frame")
    await expect(button(row, "Approve")).not_to_be_in_viewport()
    before = await row.evaluate(SHIFTED)

    await swipe(dave, row, -SWIPE)
    await expect(button(row, "Approve")).to_be_in_viewport(ratio=0.95)
    await expect(row.get_by_text("Reject…")).to_be_in_viewport(ratio=0.95)
    assert await row.evaluate(STAYS), "the title is beside the button, and the amount in it"
    assert (await row.evaluate(SHIFTED))[1:] == before[1:], "only what is in the row has moved"
    assert answers(installation, "Approve the carousel") == []
    await expect(row).to_have_class(re.compile(r"\bswiped\b"))
    assert await row.evaluate(WHOLE), "the title is whole beside the answers"

    await swipe(dave, other, -SWIPE)  # one row at a time
    await expect(button(row, "Approve")).not_to_be_in_viewport()
    await swipe(dave, other, SWIPE)
    await expect(button(other, "Approve")).not_to_be_in_viewport()

    await swipe(dave, row, -SWIPE)
    await expect(button(row, "Approve")).to_be_in_viewport(ratio=0.95)
    await button(row, "Approve").tap()
    await expect(row.locator(".outcome")).to_contain_text("Approved.")
    assert answers(installation, "Approve the carousel") == [("approve", "")]
    await expect(row).to_have_js_property("scrollLeft", 0)
    await expect(row).not_to_have_class(re.compile(r"\bswiped\b"))

    await other.get_by_role("link", name="Approve the climbing frame", exact=True).tap()
    await expect(dave.locator("#item-heading")).to_have_text("Approve the climbing frame")


async def test_a_swiped_row_keeps_number_priority_and_facts(installation: Installation, sign_in: SignIn) -> None:
    title = "Release the purchase order for the new warehouse in Hamburg-Altona 4500012345"
    installation.assign(title, priority="high")
    installation.waits_for("dave", title)
    dave = await sign_in("dave", phone=True)
    row = card(dave, title)
    height = await row.evaluate("row => row.offsetHeight")

    await swipe(dave, row, -SWIPE)

    await expect(row).to_have_class(re.compile(r"\bswiped\b"))
    assert await row.evaluate(KEPT) == [True, True, True]
    assert await row.evaluate("row => row.offsetHeight") == height


async def test_the_page_scrolls_under_a_finger_on_a_row(installation: Installation, sign_in: SignIn) -> None:
    for number in range(14):
        installation.assign(f"Approve the many tables {number}", priority="low", due_at="2020-01-01T00:00:00Z")
    dave = await sign_in("dave", phone=True)
    await reloaded(dave, dave.locator(".row").nth(13).is_visible)
    row = dave.locator(".row").nth(5)

    await swipe(dave, row, -20, -300)

    await dave.wait_for_function("scrollY > 200")
    assert await row.evaluate("row => row.scrollLeft") == 0


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
async def test_a_keyboard_brings_the_answers_into_view(
    installation: Installation, sign_in: SignIn, javascript: bool
) -> None:
    title = f"Approve the ladder ({javascript})"
    installation.assign(title)
    installation.waits_for("dave", title)
    dave = await sign_in("dave", phone=True, javascript=javascript, reduced_motion="reduce")
    row = card(dave, title)
    await expect(row).to_have_css("scroll-behavior", "auto")

    await row.get_by_role("link", name=title, exact=True).focus()
    await dave.keyboard.press("Tab")

    await expect(button(row, "Approve")).to_be_focused()
    await expect(button(row, "Approve")).to_be_in_viewport(ratio=0.95)
    await dave.keyboard.press("Enter")
    await expect(card(dave, title).locator(".outcome")).to_contain_text("Approved.")


@pytest.mark.ci
async def test_from_right_to_left_the_answers_stand_at_the_left(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the kite")
    installation.waits_for("dave", "Approve the kite")
    dave = await sign_in("dave", phone=True)
    await dave.evaluate("document.documentElement.dir = 'rtl'")
    row = card(dave, "Approve the kite")
    await expect(button(row, "Approve")).not_to_be_in_viewport()

    await swipe(dave, row, SWIPE)

    await expect(button(row, "Approve")).to_be_in_viewport(ratio=0.95)
    assert await row.evaluate("row => row.scrollLeft") < 0
    assert await dave.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.ci
async def test_with_a_mouse_they_come_over_the_row(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the bench")
    installation.waits_for("dave", "Approve the bench")
    dave = await sign_in("dave")
    for width in (390, 1280):
        await dave.set_viewport_size({"width": width, "height": 800})
        actions = card(dave, "Approve the bench").locator(".row-actions")
        await dave.locator("#waiting-heading").focus()
        await expect(actions).to_have_css("opacity", "0")
        await dave.get_by_role("link", name="Approve the bench", exact=True).focus()
        await expect(actions).to_have_css("opacity", "1")


LATER = re.compile(r"/later\.js$")


async def test_the_list_loads_what_answers_only_when_somebody_comes_near_one(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the hammock")
    installation.waits_for("dave", "Approve the hammock")
    dave = await sign_in("dave", phone=True)
    requested: list[str] = []
    dave.on("request", lambda request: requested.append(request.url) if LATER.search(request.url) else None)
    await dave.reload()
    await dave.wait_for_load_state("networkidle")
    assert requested == []

    async with dave.expect_request(LATER):
        await swipe(dave, card(dave, "Approve the hammock"), -SWIPE)

    await dave.reload()
    async with dave.expect_request(LATER):
        await dave.get_by_role("link", name="Approve the hammock", exact=True).tap()


# --- in Firefox -------------------------------------------------------------------------------------------------------
HIDDEN = """
const row = document.querySelector("#waiting .row"), edge = row.getBoundingClientRect().right;
return !row.scrollLeft && row.querySelector(".row-main").clientWidth === row.clientWidth
  && row.querySelector(".row-actions").getBoundingClientRect().left >= edge - 1;
"""
SHOWN = """
const {scrollLeft, scrollWidth, clientWidth} = document.querySelector("#waiting .row");
return scrollLeft > 0 && scrollLeft === scrollWidth - clientWidth;
"""
WIDER = "return document.documentElement.scrollWidth - innerWidth;"


@pytest.mark.long
def test_in_firefox_a_row_is_as_wide_as_a_phone_and_snaps(installation: Installation, tmp_path: Path) -> None:
    """Its driver has no finger that swipes: the row is scrolled as by a touchpad, and by the keyboard."""
    installation.account("judy", "Judy")
    installation.assign("Approve the trampoline", to="judy", due_at="2020-01-01T00:00:00Z")
    installation.waits_for("judy", "Approve the trampoline")
    with line_to(installation) as line, firefox_at(line, tmp_path / "firefox", finger=True) as judy:
        signs_in(judy, installation, "judy")
        for size in ((320, 640), PHONE):
            judy.resize(*size)
            for path in ("/?q=trampoline", "/?filters=1", "/"):
                opens(judy, path)
                counted(judy, WIDER, 0)
        row = judy.find("#waiting .row", "Approve the trampoline")
        counted(judy, HIDDEN, True)

        ActionChains(judy.driver).scroll_from_origin(ScrollOrigin.from_element(row), 120, 0).perform()
        counted(judy, SHOWN, True)
        ActionChains(judy.driver).scroll_from_origin(ScrollOrigin.from_element(row), -120, 0).perform()
        counted(judy, HIDDEN, True)
        assert answers(installation, "Approve the trampoline") == []

        judy.evaluate("document.querySelector('#waiting .row-title').focus()")
        judy.driver.switch_to.active_element.send_keys(Keys.TAB)
        counted(judy, SHOWN, True)
        judy.driver.switch_to.active_element.send_keys(Keys.ENTER)
        judy.find("#waiting .row .outcome", "Approved.")
        counted(judy, "return document.querySelector('#waiting .row').scrollLeft", 0)
