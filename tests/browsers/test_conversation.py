"""Bob asks before he decides; Alice replies on her phone; Bob hears it live, and decides; Carol sees it all."""

import re

import pytest
from playwright.async_api import FilePayload, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import card, opened
from tests.browsers.test_accessible import faults
from tests.browsers.test_main_job import reloaded
from tests.browsers.test_worker import shows
from tests.browsers.worker import Device, about
from tests.support.files import png

QUESTION, REPLY = "Which cost centre?", "4711, as always."


async def test_bob_asks_alice_replies_and_carol_sees_it_all(installation: Installation, sign_in: SignIn) -> None:
    title = "Approve the boat house"
    installation.assign(title, assignee=None, candidates=["bob", "carol"], initiator="alice")
    bob, carol = await sign_in("bob"), await sign_in("carol", again=True)
    alice = await sign_in("alice", phone=True)
    item = await opened(bob, title)
    await opened(carol, title)

    await item.get_by_text("Ask for information…").click()
    await expect(item.get_by_label("Who is asked")).to_contain_text("Alice")
    assert await faults(bob) == []
    await item.get_by_label("What do you need to know?").fill(QUESTION)
    await item.get_by_role("button", name="Ask for information").click()
    await expect(item.locator(".outcome")).to_contain_text("Sent to Alice.")

    asked = f"Bob asks about “{title}”"
    pane = await opened(alice, asked)
    await expect(pane.locator('[data-slot="body"]')).to_have_text(QUESTION)
    assert await faults(alice) == []
    await pane.get_by_label("Your reply").fill(REPLY)
    wrong: FilePayload = {"name": "wrong.png", "mimeType": "image/png", "buffer": png(20, 20)}
    await pane.get_by_label("Take a photo").set_input_files(wrong)
    await expect(pane.locator(".attached progress")).to_have_count(1)
    await expect(pane.locator(".attached progress")).to_be_hidden()
    async with alice.expect_response(lambda response: response.request.method == "DELETE") as removed:
        await pane.get_by_role("button", name="Remove: wrong.png").click()
    assert (await removed.value).status == 204
    await expect(pane.locator(".attached li")).to_have_count(0)
    photo: FilePayload = {"name": "boat.png", "mimeType": "image/png", "buffer": png(2_400, 300)}
    await pane.get_by_label("Take a photo").set_input_files(photo)
    await expect(pane.locator(".attached progress")).to_have_count(1)
    await expect(pane.locator(".attached progress")).to_be_hidden()
    assert await faults(alice) == []
    await pane.get_by_role("button", name="Reply").click()
    await expect(pane.locator(".outcome")).to_have_text("Sent to Bob.")

    for page in (bob, carol):
        lines = page.locator("#item .message-list")
        await expect(lines.locator(".line-text")).to_have_text([QUESTION, REPLY])
        await expect(lines).to_contain_text("Alice replied")
        await expect(lines.get_by_role("link", name="boat.png")).to_be_visible()
    shown = carol.locator("#item .message-list img")
    await expect(shown).to_have_js_property("naturalWidth", 2_048)  # the phone has made it smaller
    assert await faults(carol) == []
    await item.get_by_role("button", name="Approve").click()
    await expect(item.locator(".outcome")).to_contain_text("Approved.")
    await expect(carol.locator("#item .outcome")).to_contain_text(re.compile(r"^Already approved by Bob"))


async def test_carol_mentions_bob_with_an_at_and_forwards_the_task_to_alice(
    installation: Installation, sign_in: SignIn
) -> None:
    title = "Approve the slipway"
    installation.assign(title, assignee=None, candidates=["bob", "carol"])
    bob, carol = await sign_in("bob", again=True), await sign_in("carol", again=True)
    pane = await opened(carol, title)
    await pane.get_by_text("Write to your colleagues").click()
    box = pane.get_by_label("Message", exact=True)
    await box.press_sequentially("Ask them, @b")
    await expect(pane.get_by_role("option", name="Bob")).to_be_visible()
    assert await faults(carol) == []
    await box.press("Enter")
    await expect(box).to_have_value("Ask them, @Bob ")
    await expect(pane.get_by_role("checkbox", name="Bob")).to_be_checked()
    await pane.get_by_role("button", name="Send").click()

    await expect(pane.locator(".line-text")).to_have_text(["Ask them, @Bob"])
    await expect(box).to_have_value("")
    await expect(box).to_be_focused()
    await expect(card(bob, title)).to_contain_text("Carol has written to you")

    await box.press("Escape")
    await expect(box).to_be_hidden()
    await pane.get_by_role("link", name="Write to your colleagues").click()
    await expect(box).to_be_focused()

    await pane.locator("summary.more").click()
    await pane.get_by_role("link", name="Forward…").click()
    await carol.get_by_label("Colleague").fill("Alice (alice)")
    await expect(carol.get_by_text("Alice gets a copy with your note. You stay responsible.")).to_be_visible()
    await carol.get_by_label("Note").fill("You know the slipway.")
    assert await faults(carol) == []
    await carol.get_by_role("button", name="Forward").click()

    await expect(carol.locator("#item .line-head").last).to_contain_text("You forwarded this to Alice")
    await expect(carol.locator("#item .line-note").last).to_have_text("Alice got a copy. You stay responsible.")
    alice = await sign_in("alice", phone=True, again=True)
    await expect(card(alice, title)).to_contain_text("Carol has forwarded this to you")


async def test_alice_types_her_reply_into_the_notification(installation: Installation, sign_in: SignIn) -> None:
    title = "Approve the skiff"
    installation.assign(title, assignee=None, candidates=["bob", "carol"], initiator="alice")
    bob, alice = await sign_in("bob", again=True), await sign_in("alice")
    device = await Device.of(installation, alice)
    item = await opened(bob, title)
    await item.get_by_text("Ask for information…").click()
    await item.get_by_label("What do you need to know?").fill(QUESTION)
    await item.get_by_role("button", name="Ask for information").click()
    asked = f"Bob asks about “{title}”"
    await expect(alice.get_by_role("link", name=asked, exact=True)).to_be_visible()
    offered = [{"action": "reply", "title": "Reply", "comment": "required"}]
    sent = about(installation, asked, who="alice", actions=offered)
    await device.receives(sent)
    await shows(device, sent["tag"], "Invoice")

    await device.press(sent["tag"], "reply", typed=REPLY)

    await shows(device, sent["tag"], "^Sent to Bob\\.")
    await expect(item.locator(".line-text")).to_have_text([QUESTION, REPLY])


@pytest.mark.ci
async def test_without_javascript_it_is_all_forms(installation: Installation, sign_in: SignIn) -> None:
    title = "Approve the jetty"
    installation.assign(title, assignee=None, candidates=["bob", "carol"], initiator="alice")
    bob = await sign_in("bob", javascript=False)
    link = bob.get_by_role("link", name=title, exact=True).first
    await reloaded(bob, link.is_visible)
    await link.click()
    item = bob.locator("#item")

    await item.get_by_text("Ask for information…").click()
    await item.get_by_label("Who is asked").select_option("carol")
    await item.get_by_label("What do you need to know?").fill("Is it yours?")
    await item.get_by_role("button", name="Ask for information").click()
    await expect(item.locator(".outcome")).to_contain_text("Sent to Carol.")

    await item.locator("summary", has_text="Write to your colleagues").click()
    await item.get_by_label("Message", exact=True).fill("No hurry, @Carol")
    await item.get_by_role("button", name="Send").click()
    await expect(item.locator(".line-head strong")).to_have_text(["You asked Carol", "You wrote to Carol"])
