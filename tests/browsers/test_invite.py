"""Our own words come first, and the browser's question only after a press. Real subscriptions: push/stories.py."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import account_menu

pytestmark = pytest.mark.ci

INVITATION = "Hear about urgent approvals when this page is closed."
COUNTING = """window.asked = 0;
Notification.requestPermission = async () => { window.asked += 1; return "denied"; };"""


async def started(page: Page, script: str) -> None:
    """The page once more, in a browser that the script has changed."""
    await page.add_init_script(script)
    await page.reload()
    await page.evaluate("navigator.serviceWorker.ready")


async def test_nothing_is_asked_before_a_press_and_a_refusal_is_explained(sign_in: SignIn) -> None:
    dave = await sign_in("dave")
    await started(dave, COUNTING)
    await expect(dave.get_by_text(INVITATION)).to_be_visible()
    assert await dave.evaluate("window.asked") == 0

    await dave.get_by_role("button", name="Turn on").click()

    said = dave.get_by_text("Notifications from this site are blocked in this browser.")
    await expect(said).to_be_visible()
    await expect(said.locator("..")).to_be_focused()
    await expect(dave.locator("#push")).to_contain_text("Select the icon")
    assert await dave.evaluate("window.asked") == 1


async def test_not_now_is_remembered_and_the_page_of_devices_still_offers_it(sign_in: SignIn) -> None:
    dave = await sign_in("dave")
    await dave.get_by_role("button", name="Not now").click()
    await expect(dave.locator("#push")).to_be_hidden()
    await expect(dave.locator("#waiting-heading")).to_be_focused()

    await dave.reload()
    await dave.evaluate("navigator.serviceWorker.ready")
    await expect(dave.locator("#push")).to_be_hidden()
    await (await account_menu(dave)).get_by_role("link", name="Devices").click()
    await expect(dave.get_by_role("button", name="Turn on")).to_be_visible()


async def test_browsers_that_cannot_are_left_alone_and_on_an_iphone_the_page_goes_to_the_home_screen_first(
    sign_in: SignIn,
) -> None:
    dave = await sign_in("dave", phone=True)
    await started(dave, "delete window.PushManager;")
    await expect(dave.locator("#push")).to_be_hidden()
    await dave.goto("/devices")
    await expect(dave.locator("#push")).to_contain_text("This browser cannot show notifications")

    await dave.goto("/")
    await started(dave, "Object.defineProperty(navigator, 'standalone', {value: false});")

    await expect(dave.locator("#push")).to_contain_text("first add this page to your home screen")
    await expect(dave.locator("#push").get_by_role("listitem")).to_have_count(3)
    await expect(dave.get_by_role("button", name="Turn on")).to_be_hidden()


async def test_a_push_service_that_cannot_be_reached_is_said_and_can_be_tried_again(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await sign_in("dave")
    await dave.context.grant_permissions(["notifications"], origin=installation.url)
    await started(dave, "PushManager.prototype.subscribe = async () => { throw new DOMException('', 'AbortError'); };")

    await dave.get_by_role("button", name="Turn on").click()

    await expect(dave.locator("#push")).to_contain_text("Notifications could not be turned on")
    await expect(dave.locator("#push").get_by_role("button", name="Try again")).to_be_enabled()
    listed: Any = await dave.evaluate("fetch('/api/v1/subscriptions').then((answer) => answer.json())")
    assert listed["items"] == []


REFUSED_SERVICE = """PushManager.prototype.subscribe = async () => ({
  endpoint: "https://jmt17.google.com/fcm/send/1",
  unsubscribe: async () => (window.unsubscribed = true),
  toJSON: () => ({endpoint: "https://jmt17.google.com/fcm/send/1", keys: {
    p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  }}),
});"""
"""As Chromium is built by Debian; the keys are those of RFC 8291."""


async def test_a_push_service_that_the_server_does_not_allow_is_named_and_not_tried_again(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await sign_in("dave", phone=True)
    await dave.context.grant_permissions(["notifications"], origin=installation.url)
    await started(dave, REFUSED_SERVICE)

    await dave.get_by_role("button", name="Turn on").click()

    place = dave.locator("#push")
    await expect(place).to_contain_text("go through jmt17.google.com, which this server does not allow.")
    await expect(place.get_by_role("button", name="Try again")).to_be_hidden()
    assert await dave.evaluate("window.unsubscribed")
