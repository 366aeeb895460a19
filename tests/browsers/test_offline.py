"""In a cellar with no signal: the inbox opens as it was, answers are kept and sent once, and nobody else reads it."""

import asyncio
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Error, Page, Playwright, expect

from tests.browsers.conftest import SignIn, is_live
from tests.browsers.installation import Installation
from tests.browsers.items import account_menu, answers, card, opened, with_kept
from tests.browsers.test_accessible import faults
from tests.browsers.worker import KEPT, is_kept, signs_in, until, worker_of
from tests.support.chromium import FLAGS

ALREADY = re.compile(r"^Already approved by Carol at \d\d:\d\d\.$")
FIELD: dict[str, Any] = {
    "case": {"id": "301", "title": "Inspection 301"},
    "location": {"address": "Main Street 12", "lat": 48.137, "lon": 11.575},
    "customer": {"ref": "C-9", "name": "Erin", "phone": "+49 (89) 12 34-56"},
    "documents": [{"title": "Floor plan", "url": "https://engine.example/plan.pdf"}],
}


def assign_field_work(installation: Installation, title: str) -> None:
    task = {"id": f"F-{title}", "name": title, "kind": "field", "assignee": "dave", "priority": "high"}
    installation.send("task.assigned", {"task": task, **FIELD})


# --- reading ----------------------------------------------------------------------------------------
async def test_the_inbox_opens_with_no_connection_and_says_from_when_it_is(
    installation: Installation, sign_in: SignIn
) -> None:
    assign_field_work(installation, "Inspect the cellar")
    dave = await with_kept(installation, sign_in, "Approve the attic", phone=True)
    await is_kept(dave, "Inspect the cellar")
    attic = await dave.get_by_role("link", name="Approve the attic", exact=True).get_attribute("href")
    await dave.context.set_offline(True)

    await dave.goto("/")

    await expect(dave.locator("#trouble")).to_have_text(
        re.compile(r"You are offline. You see how things were at \d\d:\d\d\.")
    )
    await dave.get_by_role("link", name="Inspect the cellar", exact=True).click()
    await expect(dave.locator("#item-heading")).to_be_focused()
    pane = dave.locator("#item")
    await expect(pane.get_by_role("link", name="Main Street 12")).to_have_attribute(
        "href", re.compile("48.137000%2C11")
    )
    await expect(pane.get_by_role("link", name="Call")).to_have_attribute("href", "tel:+4989123456")
    await expect(pane.locator(".facts")).to_contain_text("Erin")
    await expect(pane.locator(".key-facts")).to_be_hidden()  # as they stand below
    await expect(pane.locator(".meta")).to_contain_text("Shop · Field work")
    await expect(pane.get_by_role("listitem").filter(has_text="Floor plan")).to_contain_text("needs a connection")
    await dave.get_by_role("link", name="Inbox", exact=True).click()
    await expect(card(dave, "Inspect the cellar").locator("[data-slot=others]")).to_have_text(
        "Main Street 12 · Customer Erin"
    )

    await dave.goto(f"{attic}?answer=reject#answer")  # as a link in an e-mail
    await expect(dave.locator("#item-heading")).to_have_text("Approve the attic")
    await expect(pane.get_by_label("Why do you reject this?")).to_be_focused()

    await dave.context.set_offline(False)
    await is_live(dave)
    await expect(dave.locator("#trouble")).to_be_hidden()


async def test_documents_are_kept_where_their_server_lets_pages_read_them(
    installation: Installation, sign_in: SignIn
) -> None:
    bob = await sign_in("bob", phone=True)
    await bob.get_by_role("link", name=re.compile("^Inspect the roof")).first.click()
    checklist = bob.locator("#item li").filter(has=bob.get_by_role("link", name="Safety checklist"))
    await expect(checklist).to_contain_text("saved on this device")
    await bob.context.set_offline(True)
    await bob.reload()
    await expect(checklist).to_contain_text("saved on this device")

    async with bob.context.expect_page() as opened:
        await checklist.get_by_role("link").click()

    page = await opened.value
    await expect(page.locator("body")).to_contain_text("Safety checklist", ignore_case=True)
    assert page.url.startswith(f"{installation.url}/offline/documents/")


# --- answering --------------------------------------------------------------------------------------
NOWHERE = ("--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>")
"""Flags of a browser that reaches nothing from its first moment: it would send at once what waits."""

Browsers = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
def daves(installation: Installation, chromium: Path, playwright: Playwright, tmp_path: Path) -> Browsers:
    """Dave's browser, which keeps what it holds when it is closed and started again."""

    @asynccontextmanager
    async def started(*flags: str) -> AsyncIterator[Page]:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=str(chromium), args=[*FLAGS, *flags], base_url=installation.url
        )
        yield context.pages[0]
        await context.close()

    return started


async def test_an_answer_given_with_no_connection_survives_the_browser_and_is_sent_once(
    installation: Installation, daves: Browsers
) -> None:
    installation.assign("Approve the vault")
    async with daves() as dave:
        await signs_in(dave, installation)
        await is_kept(dave, "Approve the vault")
        await dave.context.set_offline(True)
        await dave.goto("/")
        await card(dave, "Approve the vault").get_by_role("button", name="Approve").click()
        await expect(card(dave, "Approve the vault").locator(".outcome")).to_have_text(
            "“Approve” will be sent when you are back."
        )

    async with daves(*NOWHERE) as dave:
        await dave.goto("/")
        mine = card(dave, "Approve the vault")
        await expect(mine.locator(".outcome")).to_have_text("“Approve” will be sent when you are back.")
        await expect(mine.get_by_role("button")).to_have_count(0)
        assert answers(installation, "Approve the vault") == []

    async with daves() as dave:
        await dave.goto("/")
        await expect(card(dave, "Approve the vault").locator(".outcome")).to_contain_text("Approved.")
        assert answers(installation, "Approve the vault") == [("approve", "")]
        await until(lambda: nothing_waits(dave), "nothing waits to be sent")


async def nothing_waits(page: Page) -> bool:
    return (await page.evaluate(KEPT))["answers"] == 0


async def test_who_has_acknowledged_with_no_connection_can_still_decide(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await with_kept(installation, sign_in, "Approve the mine", phone=True)
    pane = await opened(dave, "Approve the mine")
    await dave.context.set_offline(True)
    await pane.get_by_role("button", name="Acknowledge").click()
    await expect(pane.locator(".outcome")).to_have_text("“Acknowledge” will be sent when you are back.")
    await expect(pane.get_by_role("button", name="Acknowledge")).to_be_hidden()
    await dave.reload()
    await expect(pane.locator(".outcome")).to_have_text("“Acknowledge” will be sent when you are back.")
    await expect(pane.get_by_role("button", name="Acknowledge")).to_be_hidden()

    await dave.get_by_role("link", name="Inbox", exact=True).click()
    mine = card(dave, "Approve the mine")
    await expect(mine.locator(".outcome")).to_have_text("“Acknowledge” will be sent when you are back.")
    await mine.get_by_role("button", name="Approve", exact=True).click()
    await expect(mine.locator(".outcome")).to_have_text("“Approve” will be sent when you are back.")
    await expect(mine.locator("[data-slot=actions]")).to_be_hidden()
    await dave.context.set_offline(False)

    await expect(mine.locator(".outcome")).to_contain_text("Approved.")
    assert answers(installation, "Approve the mine") == [("acknowledge", ""), ("approve", "")]
    await until(lambda: nothing_waits(dave), "nothing waits to be sent")


async def test_who_answers_with_no_connection_hears_who_was_faster_and_keeps_the_words(
    installation: Installation, sign_in: SignIn
) -> None:
    shared = {"assignee": None, "candidates": ["dave", "carol"]}
    dave = await with_kept(installation, sign_in, "Approve the tunnel", **shared)
    mine = card(dave, "Approve the tunnel")
    await dave.context.set_offline(True)
    await mine.get_by_text("Reject…").click()
    await mine.get_by_label("Why do you reject this?").fill("It leaks.")
    await mine.get_by_role("button", name="Reject", exact=True).click()
    await expect(mine.locator(".outcome")).to_have_text("“Reject” will be sent when you are back.")
    installation.answer("carol", "Approve the tunnel", "approve")

    await dave.context.set_offline(False)

    await expect(mine.locator(".outcome")).to_have_text(ALREADY)
    await expect(mine.get_by_label("Your comment was not sent:")).to_have_value("It leaks.")
    assert [action for action, _ in answers(installation, "Approve the tunnel")] == ["approve"]


async def test_words_that_came_too_late_while_nobody_looked_are_there_at_the_next_look(
    installation: Installation, sign_in: SignIn
) -> None:
    shared = {"assignee": None, "candidates": ["dave", "carol"]}
    dave = await with_kept(installation, sign_in, "Approve the bunker", **shared)
    mine = card(dave, "Approve the bunker")
    devices = await dave.context.new_page()  # is seen, but shows no answers
    await devices.goto("/devices")
    await expect(devices.locator("#push")).to_be_visible()
    await dave.context.set_offline(True)
    await mine.get_by_text("Reject…").click()
    await mine.get_by_label("Why do you reject this?").fill("It is damp.")
    await mine.get_by_role("button", name="Reject", exact=True).click()
    await expect(mine.locator(".outcome")).to_have_text("“Reject” will be sent when you are back.")
    worker = await worker_of(dave)
    await dave.goto("about:blank")
    installation.answer("carol", "Approve the bunker", "approve")
    await dave.context.set_offline(False)
    await until(lambda: worker.evaluate("sendAnswers().then(({size}) => size === 0)"), "it was sent")

    await dave.goto("/")

    await expect(mine.locator(".outcome")).to_have_text(ALREADY)
    await dave.get_by_role("link", name="Approve the bunker", exact=True).click()
    kept = dave.get_by_label("Your comment was not sent:")
    await expect(kept.first).to_have_value("It is damp.")
    assert (await dave.evaluate(KEPT))["answers"] == 0


# --- nobody else's ----------------------------------------------------------------------------------
async def test_signing_out_leaves_nothing_on_the_device(installation: Installation, sign_in: SignIn) -> None:
    dave = await with_kept(installation, sign_in, "Approve the safe")

    await (await account_menu(dave)).get_by_role("button", name="Sign out").click()
    await dave.wait_for_url(re.compile("/sign-in"))

    await until(lambda: holds_nothing(dave), "nothing of Dave is left")
    await dave.context.set_offline(True)
    with pytest.raises(Error, match="net::ERR_"):
        await dave.goto("/")


async def holds_nothing(page: Page) -> bool:
    return await page.evaluate(KEPT) == {"items": [], "answers": 0, "to_send": 0, "caches": []}


async def test_signing_out_with_no_connection_counts_before_anything_else(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the till")
    dave = await sign_in("dave", phone=True, anew=True)
    await is_kept(dave, "Approve the till")
    other, settings = await dave.context.new_page(), await dave.context.new_page()
    await other.goto("/")
    await is_live(other)
    await settings.goto("/settings")
    session = {"cookie": "; ".join(f"{each['name']}={each['value']}" for each in await dave.context.cookies())}
    await dave.context.set_offline(True)

    await (await account_menu(dave)).get_by_role("button", name="Sign out").click()

    told_later = dave.get_by_role("heading", name="Signed out on this device")
    await expect(told_later).to_be_visible()
    for page in (other, settings):
        await expect(page.get_by_role("heading", name="You have been signed out.")).to_be_visible()
        await expect(page.locator("body")).not_to_contain_text("Dave")
    await expect(other.locator("body")).not_to_contain_text("Approve the till")
    await until(lambda: holds_nothing(settings), "nothing of Dave is left")
    await settings.evaluate("""async () => {
      const {store, tellPerson} = await import("/static/wfpush/store.js");
      await store("items", {id: "late", title: "Late"});
      await tellPerson({at: 1});
    }""")
    assert await holds_nothing(settings)
    await dave.goto("/devices")
    await expect(told_later).to_be_visible()
    assert await faults(dave) == []

    await dave.context.set_offline(False)
    await settings.goto("/")

    await expect(settings).to_have_url(re.compile("/sign-in"))
    await expect(dave).to_have_url(re.compile("/sign-in"))  # by itself
    address = f"{installation.url}/api/v1/notifications"
    assert (await browser_less(address, session)) == 401


async def browser_less(address: str, headers: dict[str, str]) -> int:
    """The status of a request that no browser makes."""

    def ask() -> int:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as response:
                return int(response.status)
        except urllib.error.HTTPError as fault:
            return fault.code

    return await asyncio.to_thread(ask)


async def test_whoever_signs_out_is_told_of_an_answer_that_would_be_lost(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await with_kept(installation, sign_in, "Approve the lift")
    await dave.evaluate("() => { navigator.storage.persist = async () => (window.persisted = true); }")
    await dave.context.set_offline(True)
    await card(dave, "Approve the lift").get_by_role("button", name="Approve").click()
    await expect(card(dave, "Approve the lift").locator(".outcome")).to_contain_text("will be sent")
    assert await dave.evaluate("window.persisted"), "what waits is not to be cleared when the device runs short of room"

    async with dave.expect_event("dialog") as asked:
        dave.once("dialog", lambda dialog: dialog.dismiss())
        await (await account_menu(dave)).get_by_role("button", name="Sign out").click()

    assert "has not been sent yet" in (await asked.value).message
    await dave.context.set_offline(False)
    await expect(card(dave, "Approve the lift").locator(".outcome")).to_contain_text("Approved.")


async def test_a_session_that_has_ended_locks_what_was_kept_and_the_next_person_finds_their_own_only(
    installation: Installation, sign_in: SignIn
) -> None:
    page = await with_kept(installation, sign_in, "Approve the archive")
    await page.context.clear_cookies()

    await page.goto("/")

    await expect(page).to_have_url(re.compile("/sign-in"))
    await until(lambda: is_locked(page), "what was kept is gone")
    await page.context.set_offline(True)
    with pytest.raises(Error, match="net::ERR_"):
        await page.goto("/")

    await page.context.set_offline(False)
    await signs_in(page, installation, "carol")
    await until(lambda: belongs_to(page, "carol"), "the browser is Carol's")
    await page.context.set_offline(True)
    await page.goto("/")
    await expect(page.locator("#trouble")).to_contain_text("You are offline.")
    await expect(page.locator(".account")).to_contain_text("Signed in as Carol")
    await expect(card(page, "Approve the archive")).to_have_count(0)
    assert "Approve the archive" not in (await page.evaluate(KEPT))["items"]


async def is_locked(page: Page) -> bool:
    found = await page.evaluate(KEPT)
    return found["items"] == [] and found["caches"] == []


async def belongs_to(page: Page, who: str) -> bool:
    found = await page.evaluate(KEPT)
    return found.get("ref") == who and "wfpush person" in found["caches"] and bool(found.get("at"))


# --- new versions -----------------------------------------------------------------------------------
async def test_a_new_version_is_offered_and_takes_nothing_away(installation: Installation, sign_in: SignIn) -> None:
    dave = await sign_in("dave")
    await is_kept(dave)
    worker = await worker_of(dave)

    await worker.evaluate("tellPages({type: 'version', version: PAGE_VERSION})")
    await worker.evaluate("tellPages({type: 'version', version: 'a newer one'})")

    line = dave.locator("#new-version")
    await expect(line).to_contain_text("There is a new version of this page.")
    await line.get_by_role("button", name="Reload").click()
    await is_live(dave)
    await expect(line).to_be_hidden()
