"""The main job, end to end: a process waits, Bob is told, answers, and the process goes on. Nothing is simulated."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browsers.conftest import PATIENCE, SignIn
from tests.browsers.installation import Installation, Json
from tests.browsers.items import card


async def started(installation: Installation, number: str) -> tuple[Json, str]:
    """A new invoice that waits for Bob or Carol; the instance, and what its task is called."""
    instance = installation.start_process("small", number=number)
    assert [step["step"] for step in instance["current_steps"]] == ["approve_invoice"]
    return instance, f"Approve invoice {number}"


async def has_moved_on(installation: Installation, page: Page, instance: Json) -> None:
    """The engine's own page shows the process past the approval, and its record agrees."""
    engine = await page.context.new_page()
    await engine.goto(f"{installation.demo_url}/instances/{instance['id']}")
    await expect(engine.locator("#now")).not_to_contain_text("Approve invoice")
    steps = [step["step"] for step in installation.instance(instance["id"])["current_steps"]]
    assert "approve_invoice" not in steps
    await engine.close()


async def outcomes_of(page: Page, item: Locator) -> None:
    """From now on the page remembers every outcome it shows for an item."""
    await item.locator('[data-slot="outcome"]').evaluate(
        """line => {
          window.told = [];
          new MutationObserver(() => window.told.push(line.textContent)).observe(line, {childList: true});
        }"""
    )


async def test_with_the_mouse(installation: Installation, sign_in: SignIn) -> None:
    bob, carol = await sign_in("bob", again=True), await sign_in("carol", phone=True, again=True)
    await bob.evaluate("window.sameDocument = true")

    instance, title = await started(installation, "6001")
    mine, hers = card(bob, title), card(carol, title)
    await expect(mine).to_be_visible()
    await expect(hers).to_be_visible()
    await outcomes_of(bob, mine)
    await mine.get_by_role("button", name="Approve").click()

    await expect(mine.locator(".outcome")).to_have_text("Approved. Demo engine has it.")
    await expect(hers.locator(".outcome")).to_have_text(re.compile(r"^Already approved by Bob at \d\d:\d\d\.$"))
    await expect(hers.get_by_role("button")).to_have_count(0)
    told = await bob.evaluate("window.told")
    assert told[0] == "Approving…"
    assert told[-1] == "Approved. Demo engine has it."
    assert await bob.evaluate("window.sameDocument")
    await has_moved_on(installation, bob, instance)


async def test_by_the_keyboard_alone(installation: Installation, sign_in: SignIn) -> None:
    bob = await sign_in("bob", again=True)
    instance, title = await started(installation, "6002")
    await expect(card(bob, title)).to_be_visible()

    await tab_to(bob, title)
    await bob.keyboard.press("Enter")
    await expect(bob.locator("#item-heading")).to_be_focused()
    await tab_to(bob, "Approve")
    await bob.keyboard.press("Enter")

    outcome = bob.locator('#item [data-slot="outcome"]')
    await expect(outcome).to_be_focused()
    await expect(outcome).to_have_text("Approved. Demo engine has it.")
    await expect(bob.locator("#news")).to_contain_text("Demo engine has it.")
    await expect(card(bob, title).locator(".outcome")).to_have_text("Approved. Demo engine has it.")
    await has_moved_on(installation, bob, instance)


async def tab_to(page: Page, words: str) -> None:
    """Press Tab until the focus is on what is called that, as the screen reader would say it."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent.trim()") == words:
            return
    raise AssertionError(f"Tab never comes to {words!r}")


@pytest.mark.ci
async def test_by_plain_forms_with_javascript_off(installation: Installation, sign_in: SignIn) -> None:
    instance, title = await started(installation, "6003")
    bob, carol = await sign_in("bob", javascript=False), await sign_in("carol", javascript=False, phone=True)
    await reloaded(bob, card(bob, title).is_visible)

    await card(bob, title).get_by_role("button", name="Approve").click()
    outcome = card(bob, title).locator(".outcome")
    await expect(outcome).to_contain_text("Approved.")
    await reloaded(bob, lambda: says(outcome, "Demo engine has it."))
    await expect(outcome).to_have_text("Approved. Demo engine has it.")

    await carol.reload()
    await expect(card(carol, title).locator(".outcome")).to_contain_text("Already approved by Bob at")
    await has_moved_on(installation, bob, instance)


async def says(place: Locator, words: str) -> bool:
    return words in await place.inner_text()


async def reloaded(page: Page, seen: Callable[[], Awaitable[bool]]) -> None:
    """Without scripts a person reloads until it is there."""
    async with asyncio.timeout(PATIENCE / 1000):
        while not await seen():
            await page.reload()


async def test_rejecting_says_why_and_the_process_goes_back_to_alice(
    installation: Installation, sign_in: SignIn
) -> None:
    bob, alice = await sign_in("bob", again=True), await sign_in("alice", again=True)
    instance, title = await started(installation, "6004")

    await card(bob, title).get_by_text("Reject…").click()
    await bob.get_by_role("button", name="Reject", exact=True).click()
    await expect(bob.get_by_text("Write a comment first.")).to_be_visible()
    await bob.get_by_label("Why do you reject this?").fill("Twelve pieces, not eleven.")
    await bob.get_by_role("button", name="Reject", exact=True).click()

    await expect(card(bob, title).locator(".outcome")).to_have_text("Rejected. Demo engine has it.")
    await expect(card(alice, "Correct invoice 6004")).to_be_visible()
    await has_moved_on(installation, bob, instance)


async def test_two_press_at_once_and_both_are_told_the_truth(installation: Installation, sign_in: SignIn) -> None:
    bob, carol = await sign_in("bob", again=True), await sign_in("carol", again=True)
    instance, title = await started(installation, "6005")
    pages = {"Bob": bob, "Carol": carol}
    buttons = [card(page, title).get_by_role("button", name="Approve") for page in pages.values()]
    for button in buttons:
        await button.wait_for()

    await asyncio.gather(*(button.evaluate("button => button.click()") for button in buttons))

    told = {}
    for name, page in pages.items():
        await expect(card(page, title).locator(".outcome")).to_have_text(
            re.compile(r"^(Approved. Demo engine has it.|Already approved by \w+ at \d\d:\d\d\.)$")
        )
        told[name] = await card(page, title).locator(".outcome").inner_text()

    winner = "Bob" if told["Bob"].startswith("Approved.") else "Carol"
    loser = "Carol" if winner == "Bob" else "Bob"
    assert told[loser].startswith(f"Already approved by {winner} at ")
    await has_moved_on(installation, bob, instance)
