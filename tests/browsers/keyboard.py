"""Going through a page with the keyboard alone."""

from playwright.async_api import Locator, Page

MOST = 60
"""Steps that somebody goes to get anywhere on a page."""
THROUGH_A_VIEWER = 10 * MOST
"""The viewer of PDFs is a process of its own: while it starts it takes keys, and the focus stays."""
IS_SEEN = """element => {
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""


async def tab_to(page: Page, wanted: Locator, *, back: bool = False, most: int = MOST) -> None:
    """Press Tab until the focus is there, and can be seen to be. It has to be there already: Tab does not wait."""
    await wanted.wait_for()
    for _ in range(most):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        if await wanted.evaluate("element => element === document.activeElement"):
            assert await wanted.evaluate(IS_SEEN), "the focus cannot be seen"
            return
    raise AssertionError(f"Tab never comes to {wanted}")


async def type_into(page: Page, wanted: Locator, text: str) -> None:
    """Go on to a field, and write this in the place of what stands there."""
    await tab_to(page, wanted)
    await page.keyboard.press("Control+A")
    await page.keyboard.type(text)
