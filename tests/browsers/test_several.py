"""Several items answered at once, by those who have no mouse. Without JavaScript: tests/inbox/test_several.py."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browsers.conftest import SignIn, is_live
from tests.browsers.installation import Installation
from tests.browsers.keyboard import tab_to, type_into
from tests.browsers.test_accessible import faults

pytestmark = pytest.mark.ci

REMARK = "As agreed with Alice."


def assigned(installation: Installation, thing: str) -> list[str]:
    """Three invoices for that thing: 100, 200 and 400 euros."""
    titles = []
    for name, amount in (("north", 100), ("south", 200), ("west", 400)):
        titles.append(f"Approve the {name} {thing}")
        task = {"id": f"{thing}-{name}", "name": titles[-1], "kind": "approval", "assignee": "dave"}
        installation.send("task.assigned", {"task": task, "variables": {"amount": amount, "currency": "EUR"}})
    for title in titles:
        installation.waits_for("dave", title)
    return titles


def outcome(page: Page, title: str) -> Locator:
    return page.locator(".chosen li").filter(has=page.get_by_role("link", name=title, exact=True)).locator(".outcome")


def comments(installation: Installation, thing: str) -> list[tuple[object, ...]]:
    query = "SELECT t.name, r.comment FROM notifications_response r JOIN notifications_task t ON t.id = r.task_id"
    return installation.house.rows(f"{query} WHERE t.name LIKE '%{thing}' ORDER BY t.name")


async def test_by_the_keyboard_alone(installation: Installation, sign_in: SignIn) -> None:
    north, south, west = assigned(installation, "pergola")
    dave = await sign_in("dave", again="keys")
    await type_into(dave, dave.get_by_label("Search your items"), "pergola")
    await dave.keyboard.press("Enter")
    await expect(dave).to_have_url(re.compile("q=pergola"))
    await is_live(dave)
    await tab_to(dave, dave.get_by_role("link", name="Choose several"))
    await dave.keyboard.press("Enter")
    await expect(dave).to_have_url(re.compile("select=1"))
    await is_live(dave)

    await expect(dave.get_by_role("button", name="Answer together…")).to_be_disabled()
    await tab_to(dave, dave.get_by_role("button", name="Choose all here"))
    await dave.keyboard.press("Enter")
    await expect(dave.locator("#ticked")).to_have_text("3 chosen · €700.00")
    await tab_to(dave, dave.get_by_label(f"Choose {south}"))
    await dave.keyboard.press("Space")
    await expect(dave.locator("#ticked")).to_have_text("2 chosen · €500.00")
    assert await faults(dave) == []
    await tab_to(dave, dave.get_by_role("button", name="Answer together…"))
    await dave.keyboard.press("Enter")

    await expect(dave.get_by_role("heading", name="2 items")).to_be_visible()
    await expect(dave.locator(".sum")).to_have_text("€500.00")
    assert await faults(dave) == []
    await type_into(dave, dave.get_by_label("Comment, for all of them"), REMARK)
    await tab_to(dave, dave.get_by_role("button", name=re.compile("^Approve")))
    await dave.keyboard.press("Space")

    await expect(dave.get_by_role("heading", name="Your answers")).to_be_visible()
    for title in (north, west):
        await tab_to(dave, dave.get_by_role("link", name=title, exact=True))
        await expect(outcome(dave, title)).to_contain_text("Approved.")
    assert await faults(dave) == []
    assert comments(installation, "pergola") == [(north, REMARK), (west, REMARK)]

    # One more press opens what was read, and the list still has what was not chosen.
    await dave.keyboard.press("Enter")
    await expect(dave.locator("#item-heading")).to_have_text(west)
    await expect(dave.get_by_role("link", name=south, exact=True)).to_be_visible()
