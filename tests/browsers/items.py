"""Items on the pages of browsers, and what became of answers to them."""

import json
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.worker import is_kept


def card(page: Page, title: str, place: str = "list") -> Locator:
    """The item in the list, waiting or done, or in one of its groups."""
    return page.locator(f"#{place} li").filter(has=page.get_by_role("link", name=title, exact=True))


async def account_menu(page: Page) -> Locator:
    """Open the account menu and return it."""
    menu = page.locator(".account")
    if await menu.get_attribute("open") is None:
        await menu.locator("summary").click()
    return menu


async def opened(page: Page, title: str) -> Locator:
    """Open the item by its link; returns the place in which it is shown."""
    await page.get_by_role("link", name=title, exact=True).first.click()
    await expect(page.locator("#item-heading")).to_have_text(title)
    await expect(page.locator("#item")).not_to_have_attribute("aria-busy", "true")
    return page.locator("#item")


async def with_kept(
    installation: Installation, sign_in: SignIn, title: str, *, phone: bool = False, **task: Any
) -> Page:
    """Dave's page, in a browser that has kept a task of that name."""
    installation.assign(title, **task)
    dave = await sign_in("dave", phone=phone)
    await is_kept(dave, title)
    return dave


def answers(installation: Installation, title: str) -> list[tuple[object, ...]]:
    """The action and the comment of each answer to the task."""
    return installation.house.rows(ANSWERS.format(columns="r.action, r.comment", title=title))


def values(installation: Installation, title: str) -> dict[str, Any]:
    """What the only answer to the task has filled in."""
    ((entries,),) = installation.house.rows(ANSWERS.format(columns="r.values", title=title))
    entries = json.loads(entries) if isinstance(entries, str) else entries
    return {entry["name"]: entry["value"] for entry in entries}


ANSWERS = """
SELECT {columns} FROM notifications_response r JOIN notifications_task t ON t.id = r.task_id
WHERE t.name = '{title}' ORDER BY r.at
"""
