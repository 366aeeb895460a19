"""Gina gives herself a new password: what she has open in this browser goes on, and nothing else does."""

import pytest
from playwright.async_api import Page, expect

from tests.browsers.conftest import SignIn, is_live
from tests.browsers.installation import Installation
from tests.browsers.items import account_menu
from tests.support.length import some

pytestmark = pytest.mark.ci

NEW = "another long walk"


async def change(page: Page, old: str, new: str) -> None:
    await (await account_menu(page)).get_by_role("link", name="Password").click()
    await page.get_by_label("Current password").fill(old)
    await page.get_by_label("New password", exact=True).fill(new)
    await page.get_by_label("Confirm the new password").fill(new)
    await page.get_by_role("button", name="Change password").click()


async def test_open_pages_of_this_browser_stay_live_and_those_of_others_say_signed_out(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.account("gina", "Gina")
    here, elsewhere = await sign_in("gina"), await sign_in("gina", phone=True, anew=True)
    tab = await here.context.new_page()
    await tab.goto("/")
    await is_live(tab)

    await change(here, installation.passwords["gina"], NEW)
    await expect(here.get_by_text("Your password is changed")).to_be_visible()
    await expect(elsewhere.get_by_text("Sign in again")).to_be_visible()
    installation.assign("Approve the kite", to="gina")

    await expect(tab.get_by_role("link", name="Approve the kite", exact=True)).to_be_visible()
    await is_live(tab)
    await tab.locator("#waiting").get_by_role("button", name="Approve").click()
    await expect(tab.locator("#waiting").get_by_text("Approved")).to_be_visible()


@pytest.mark.parametrize("javascript", some([True, False], 1))
async def test_a_wrong_old_password_is_said_at_its_field(sign_in: SignIn, javascript: bool) -> None:
    dave = await sign_in("dave", javascript=javascript)
    await change(dave, "not mine at all", NEW)

    field = dave.get_by_label("Current password")
    await expect(field).to_have_accessible_description("This is not your password. Check it and try again.")
    await expect(field).to_have_value("")
    await expect(dave.get_by_label("New password", exact=True)).to_have_accessible_description(
        "Your password can’t be too similar to your other personal information. "
        "Your password must contain at least 10 characters. Your password can’t be a commonly used password. "
        "Your password can’t be entirely numeric."
    )
