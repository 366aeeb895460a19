"""Erin, a customer, follows her case on her phone: what is next, what is wanted, and what they write to each other."""

from typing import Any

from playwright.async_api import Browser, expect

from tests.browsers.conftest import SignIn, is_live, new_page
from tests.browsers.installation import Installation
from tests.browsers.test_accessible import faults

BRAND = """
from notifications.models import Brand
brand = Brand.objects.create(
    slug="homes", name="Acme Homes", accent="#7a1fa2", accent_dark="#d7a8ff",
    contact="Customer service, Monday to Friday", contact_phone="+49 89 5550 1234", contact_email="help@homes.example")
print(brand)
"""
CASE: dict[str, Any] = {"id": "R-88", "title": "Broken heating", "type": "repair"}
ERIN = {"ref": "C-88", "name": "Erin Lindner", "email": "erin@customer.example", "locale": "en"}
TITLE = "Confirm the appointment on Monday"


def moves(installation: Installation, status: str, **more: Any) -> None:
    installation.send("request.status_changed", {"case": {**CASE, "status": status}, "customer": ERIN, **more})


async def test_erin_follows_her_case_on_her_phone(
    installation: Installation, browser: Browser, sign_in: SignIn, complaints: list[str]
) -> None:
    installation.set_up(BRAND)
    installation.person("C-88", name=ERIN["name"], email=ERIN["email"], brand="homes", external=True)
    moves(installation, "received")
    installation.hears("C-88")
    for task, name, who in (("R-1", TITLE, "C-88"), ("R-2", "Order the spare part", "carol")):
        installation.send("task.assigned", {"case": CASE, "task": {"id": task, "name": name, "assignee": who}})
    installation.waits_for("carol", "Order the spare part")
    erin = await new_page(browser, complaints, True, base_url=installation.url, color_scheme="dark")

    await erin.goto(installation.link_for("C-88"))
    await expect(erin).to_have_title("Open your page · Acme Homes")
    assert await faults(erin) == []
    await erin.get_by_role("button", name="Open my page").click()
    await is_live(erin)
    here = erin.locator('.milestones [aria-current="step"]')
    await expect(here).to_contain_text("Received")
    await expect(erin.get_by_role("link", name="+49 89 5550 1234")).to_have_attribute("href", "tel:+498955501234")
    heads = erin.locator("#list h2:visible")
    await expect(heads).to_have_text(["Broken heating", "How to reach us", "What we need from you", "Messages"])
    assert await faults(erin) == []

    moves(installation, "assigned", message="Mr Huber comes on Monday.")
    await expect(here).to_contain_text("In progress")
    await expect(erin.locator("#thread")).to_contain_text("Mr Huber comes on Monday.")

    await erin.get_by_label("Write to us").fill("Please ring twice.")
    await erin.get_by_role("button", name="Send").click()
    await expect(erin.locator("#thread .mine")).to_contain_text("Please ring twice.")
    carol = await sign_in("carol", again=True)
    await carol.get_by_role("link", name="Order the spare part", exact=True).first.click()
    item = carol.locator("#item")
    await expect(item.locator(".line-text")).to_have_text(["Please ring twice."])
    await item.get_by_text("Write to your colleagues").click()
    await item.get_by_label("Message", exact=True).fill("We will.")
    await item.get_by_role("checkbox", name="Erin Lindner").check()
    assert await faults(carol) == []
    await item.get_by_role("button", name="Send").click()
    await is_live(erin)
    await expect(erin.locator("#thread")).to_contain_text("Carol wrote to you")

    await erin.get_by_role("link", name=TITLE, exact=True).first.click()
    await expect(erin.locator("#item-heading")).to_have_text(TITLE)
    await expect(erin.locator("#item")).not_to_contain_text("engine")
    assert await faults(erin) == []
    await erin.locator("#item").get_by_role("link", name="Back to your case").click()
    await expect(erin.locator("#waiting")).to_contain_text(TITLE)
    assert await erin.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []
