"""Gina's second factors in Chromium: a passkey of a virtual authenticator, an app, codes, the keyboard, and axe.

Passkeys belong to a host's name, so this installation is at localhost, not at 127.0.0.1.
"""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from notifications.second_factors.tests.factors import code
from tests.browsers.conftest import new_page
from tests.browsers.installation import Installation
from tests.browsers.test_accessible import by_turns, faults

pytestmark = pytest.mark.ci

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def house(chromium: Path) -> Iterator[Installation]:
    found = Installation()
    found.url = f"http://localhost:{found.port}"
    try:
        found.start(demo=False, BASE_URL=found.url)
        yield found
    finally:
        found.house.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, house: Installation, complaints: list[str]) -> AsyncIterator[Page]:
    complaints.clear()
    page = await new_page(browser, complaints, phone=False, base_url=house.url)
    yield page
    await page.context.close()
    assert complaints == []


class Device:
    """The virtual authenticator of a page's browser."""

    async def plug_in(self, page: Page) -> "Device":
        self.cdp = await page.context.new_cdp_session(page)
        await self.cdp.send("WebAuthn.enable")
        made = await self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        self.id = made["authenticatorId"]
        return self

    async def credentials(self) -> list[dict[str, Any]]:
        found = await self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(found["credentials"])

    async def lose_all(self) -> None:
        await self.cdp.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})


LINK = """
from django.contrib.auth.models import User
from notifications.second_factors import password_links
User.objects.filter(username="jana").update(email="jana@acme.example")
print(password_links.new_path(User.objects.get(username="jana")))
"""


async def give_password(page: Page, who: str, house: Installation) -> None:
    await page.goto("/sign-in")
    await page.get_by_label("User name").fill(who)
    await page.get_by_label("Password").fill(house.passwords[who])
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def sign_out(page: Page) -> None:
    await page.goto("/settings")
    await page.locator("details.account summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def to_security(page: Page) -> None:
    await page.goto("/settings")
    await page.locator("details.account summary").click()
    await page.get_by_role("link", name="Sign-in security").click()


async def add_passkey(page: Page, name: str) -> None:
    await to_security(page)
    await page.get_by_role("link", name="Add passkey").click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Add passkey").click()


async def stored_codes(page: Page) -> list[str]:
    return (await page.locator("#codes").inner_text()).split()


async def test_a_passkey_is_added_signs_in_is_lost_and_replaced_by_a_code(page: Page, house: Installation) -> None:
    house.account("gina", "Gina")
    device = await Device().plug_in(page)
    await give_password(page, "gina", house)
    await expect(page).to_have_url(f"{house.url}/")
    await add_passkey(page, "Laptop")
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    codes = await stored_codes(page)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    file = await (await download.value).path()
    assert file.read_text().split() == codes and len(codes) == 10
    (credential,) = await device.credentials()
    assert (credential["rpId"], credential["isResidentCredential"]) == ("localhost", True)

    await sign_out(page)
    await page.goto("/sign-in?next=/devices")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page).to_have_url(f"{house.url}/devices")
    await to_security(page)
    await expect(page.get_by_role("heading", name="Laptop")).to_be_visible()
    await expect(page.get_by_text("Last used")).to_be_visible()

    await sign_out(page)
    await device.lose_all()
    await page.goto("/sign-in")
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_role("alert")).to_have_text("No passkey was used. Try again, or sign in in another way.")
    await give_password(page, "gina", house)
    await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    await page.get_by_label("Recovery code").fill(codes[0])
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page).to_have_url(f"{house.url}/")
    await to_security(page)
    await expect(page.get_by_text("9 codes are left.")).to_be_visible()
    await page.get_by_role("link", name=re.compile("Remove.*Laptop")).click()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("The passkey is removed.")).to_be_visible()


@pytest.mark.long
async def test_a_passkey_is_a_second_factor_and_confirms(page: Page, house: Installation) -> None:
    house.account("hans", "Hans")
    await Device().plug_in(page)
    await give_password(page, "hans", house)
    await expect(page).to_have_url(f"{house.url}/")
    await add_passkey(page, "Phone")
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await sign_out(page)
    await give_password(page, "hans", house)
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page).to_have_url(f"{house.url}/")
    await page.goto("/security/confirm/passkey?next=/security")
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page).to_have_url(f"{house.url}/security")


@pytest.mark.long
async def test_an_app_by_its_key_with_the_keyboard_alone(page: Page, house: Installation) -> None:
    house.account("ines", "Ines")
    await give_password(page, "ines", house)
    await expect(page).to_have_url(f"{house.url}/")
    await page.goto("/security/app")
    secret = await page.get_by_label("Key").input_value()
    await expect(page.get_by_role("img", name="QR code with the key below")).to_be_visible()
    await expect(page.get_by_label("Code", exact=True)).to_be_focused()
    await page.keyboard.type(code(secret))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await sign_out(page)
    await page.goto("/sign-in")
    await expect(page.get_by_label("User name")).to_be_focused()
    await page.keyboard.type("ines")
    await page.keyboard.press("Tab")
    await page.keyboard.type(house.passwords["ines"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Code", exact=True)).to_be_focused()
    await page.keyboard.type("000000" if code(secret) != "000000" else "111111")
    await page.keyboard.press("Enter")
    field = page.get_by_label("Code", exact=True)
    await expect(field).to_have_accessible_description(
        "This code or passkey is wrong, or was used before. Try again. "
        "Open your authenticator app and enter its 6 digits, or use a recovery code."
    )
    await expect(field).to_be_focused()
    await page.keyboard.type(code(secret))
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{house.url}/")


async def test_nobody_is_shut_out_of_these_pages(page: Page, house: Installation) -> None:
    house.account("jana", "Jana")
    await Device().plug_in(page)
    found: dict[str, list[str]] = {}

    async def look(place: str) -> None:
        await by_turns(page, len(found))
        found[place] = await faults(page)

    await page.goto("/sign-in")
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    await look("sign-in")
    await page.goto("/admin/login/?next=/admin/")
    await expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    await give_password(page, "jana", house)
    await expect(page).to_have_url(f"{house.url}/")
    await page.goto("/security")
    await look("without factors")
    await page.goto("/security/app")
    await look("app")
    secret = await page.get_by_label("Key").input_value()
    await page.get_by_label("Code", exact=True).fill(code(secret))
    await page.get_by_role("button", name="Add app").click()
    await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    await look("codes")
    (recovery, *_) = await stored_codes(page)
    await add_passkey(page, "Phone")
    await expect(page.get_by_text("The passkey is added.")).to_be_visible()
    await look("with factors")
    for path in ("app/remove", "passkeys/add", "codes/new", "codes", "confirm", "confirm/code", "confirm/passkey"):
        await page.goto(f"/security/{path}")
        await look(path)
    await sign_out(page)
    await give_password(page, "jana", house)
    await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    await look("factor")
    for place in ("/password/new", house.house.clerk().run("shell", "-c", LINK).strip().splitlines()[-1]):
        await page.goto(place)
        await look(place)
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("Enter a new password.")).to_be_visible()
    await look("new password, refused")
    await page.goto("/password/link/ended")
    await look("ended link")
    await page.goto("/password/new")
    await page.get_by_label("User name or e-mail").fill("jana")
    await page.get_by_role("button", name="Send me a link").click()
    await look("asked for a new password")
    await give_password(page, "jana", house)
    await page.get_by_label("Code", exact=True).fill(recovery)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.goto("/security/sessions")
    await look("sessions")
    assert {place: each for place, each in found.items() if each} == {}
    assert len(found) == 18


async def test_without_javascript_codes_are_enough(browser: Browser, house: Installation) -> None:
    house.account("kurt", "Kurt")
    context = await browser.new_context(java_script_enabled=False, base_url=house.url)
    page = await context.new_page()
    await give_password(page, "kurt", house)
    await page.goto("/security/app")
    secret = await page.get_by_label("Key").input_value()
    await page.get_by_label("Code", exact=True).fill(code(secret))
    await page.get_by_role("button", name="Add app").click()
    codes = await stored_codes(page)
    await context.clear_cookies()
    await give_password(page, "kurt", house)
    await page.get_by_label("Code", exact=True).fill(codes[4])
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page).to_have_url(f"{house.url}/")
    await context.close()
