"""Working through the list with the keyboard."""

import pytest
from playwright.async_api import Page, expect

from tests.browsers.conftest import SignIn, is_live
from tests.browsers.installation import Installation
from tests.browsers.test_accessible import faults

pytestmark = pytest.mark.ci


async def with_items(installation: Installation, sign_in: SignIn, *names: str) -> Page:
    for name in names:
        installation.assign(name, initiator="alice")
        installation.waits_for("dave", name)
    dave = await sign_in("dave", again="keys")
    await dave.goto(f"/?q={names[0].rpartition(' ')[2]}")
    await is_live(dave)
    await expect(dave.locator("#show-keys")).to_be_visible()
    return dave


async def test_keys_move_open_and_answer(installation: Installation, sign_in: SignIn) -> None:
    dave = await with_items(installation, sign_in, "Approve the first kettle", "Approve the second kettle")
    first, second = (dave.locator("#found li").nth(at) for at in (0, 1))

    await expect(first).to_have_attribute("data-chosen", "")  # the first item is open beside the list
    await dave.keyboard.press("j")
    await expect(second.get_by_role("link").first).to_be_focused()
    await expect(second).to_have_attribute("data-chosen", "")
    await dave.keyboard.press("k")
    await expect(first.get_by_role("link").first).to_be_focused()
    await dave.keyboard.press("Enter")
    await expect(dave.locator("#item-heading")).to_be_focused()
    await dave.keyboard.press("j")
    await expect(second).to_have_attribute("data-chosen", "")
    await dave.keyboard.press("i")
    await expect(dave.get_by_label("What do you need to know?")).to_be_focused()
    await dave.keyboard.type("a j ? /")
    await expect(dave.get_by_label("What do you need to know?")).to_have_value("a j ? /")
    await dave.keyboard.press("Escape")
    await dave.keyboard.type("aa")
    await expect(dave.locator('#item [data-slot="outcome"]')).to_contain_text("Approved.")


async def test_no_key_answers_while_something_is_open_to_write_or_choose_in(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the slow samovar", assignee=None, candidates=["dave", "carol"], initiator="alice")
    dave = await with_items(installation, sign_in, "Approve the fast samovar")
    await dave.get_by_role("link", name="Approve the slow samovar", exact=True).click()
    await expect(dave.locator("#item-heading")).to_be_focused()
    item, outcome = dave.locator("#item"), dave.locator('#item [data-slot="outcome"]')
    await expect(item.locator("#item-heading")).to_have_text("Approve the slow samovar")

    for name, words, box in (
        ("Add a comment", "all fine with me", item.get_by_label("Your comment", exact=True)),
        ("Write to your colleagues", "Fine, I approve", item.get_by_label("Message", exact=True)),
        ("More", "a", item.get_by_role("link", name="Forward…")),
    ):
        summary = item.locator("summary", has_text=name)
        await summary.focus()
        await dave.keyboard.press("Enter")
        await expect(box).to_be_focused()
        await dave.keyboard.type(words)
        if name != "More":
            await expect(box).to_have_value(words)
        await box.evaluate("element => element.blur()")
        await dave.keyboard.type("ar ij")
        await summary.focus()
        await dave.keyboard.press("Escape")
        await expect(box).to_be_hidden()
        await expect(summary).to_be_focused()
    await dave.evaluate("getSelection().selectAllChildren(document.getElementById('item-heading'))")
    await dave.keyboard.type("ar")
    await dave.evaluate("getSelection().removeAllRanges()")
    await expect(outcome).to_be_hidden()
    await expect(item.locator(".ask")).to_have_count(0)

    await dave.keyboard.type("aa")
    await expect(outcome).to_contain_text("Approved.")


async def test_an_answer_by_key_waits_for_a_second_press_where_it_cannot_be_undone(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await with_items(installation, sign_in, "Approve the only thermos")
    item = dave.locator("#item")
    await expect(item.get_by_role("button", name="Approve")).to_be_visible()
    await dave.keyboard.press("a")
    await expect(item.get_by_role("button", name="Approve")).to_be_focused()
    await expect(item).to_contain_text("Press A again to answer.")
    await dave.keyboard.press("x")
    await expect(item).not_to_contain_text("Press A again")
    await dave.keyboard.press("a")
    await expect(item).to_contain_text("Press A again to answer.")
    await expect(item.locator(".outcome")).to_be_hidden()
    await dave.keyboard.press("a")
    await expect(item.locator(".outcome")).to_contain_text("Approved.")


async def test_keys_are_explained_and_can_be_turned_off(installation: Installation, sign_in: SignIn) -> None:
    dave = await with_items(installation, sign_in, "Approve the third teapot")
    await dave.keyboard.press("?")
    sheet = dave.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(sheet).to_be_visible()
    assert await faults(dave) == []
    await sheet.get_by_label("Use these keys in this browser").uncheck()
    await dave.keyboard.press("Escape")

    await dave.keyboard.press("j")
    await expect(dave.locator("#found a").first).not_to_be_focused()
    await dave.keyboard.press("?")
    await expect(sheet).to_be_hidden()

    await dave.reload()
    await dave.get_by_role("button", name="Keyboard shortcuts").click()
    await sheet.get_by_label("Use these keys in this browser").check()
    await sheet.get_by_role("button", name="Close").click()
    await dave.locator("#waiting-heading").focus()
    await dave.keyboard.press("/")
    await expect(dave.get_by_label("Search your items")).to_be_focused()
