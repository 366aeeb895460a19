"""What people write is never lost: not to somebody who was faster, and not to an engine that refuses it."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import card, opened
from tests.support.receiver import Receiver, receiving

WORDS = "Twelve pieces,\nnot eleven."
APPROVED = re.compile(r"^Already approved by Carol at \d\d:\d\d\.$")


def kept(place: Locator) -> Locator:
    return place.get_by_label("Your comment was not sent:")


async def test_carol_is_faster_while_bob_writes_on_the_card(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the hammock", assignee=None, candidates=["bob", "carol"])
    bob, carol = await sign_in("bob"), await sign_in("carol", again=True)
    mine = card(bob, "Approve the hammock")
    await mine.get_by_text("Reject…").click()
    await mine.get_by_label("Why do you reject this?").fill(WORDS)

    await card(carol, "Approve the hammock").get_by_role("button", name="Approve").click()

    await expect(mine.locator(".outcome")).to_have_text(APPROVED)
    await expect(kept(mine)).to_have_value(WORDS)
    await expect(kept(mine)).to_be_focused()
    await bob.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await mine.get_by_role("button", name="Copy").click()
    await expect(mine.get_by_role("button", name="Copied")).to_be_visible()
    assert await bob.evaluate("navigator.clipboard.readText()") == WORDS

    await mine.get_by_role("button", name="Close").click()
    await expect(kept(mine)).to_have_count(0)
    await expect(mine.locator(".outcome")).to_be_focused()


async def test_a_remark_to_an_approval_stays_too_and_the_list_leaves_it_where_it_is(
    installation: Installation, sign_in: SignIn
) -> None:
    task_id = installation.assign("Approve the awning", assignee=None, candidates=["bob", "carol"])
    bob = await sign_in("bob", again=True)
    pane = await opened(bob, "Approve the awning")
    await pane.get_by_text("Add a comment").click()
    await pane.get_by_label("Your comment", exact=True).fill(WORDS)

    installation.send("task.cancelled", {"task": {"id": task_id}})

    await expect(kept(pane)).to_have_value(WORDS)
    await expect(pane.locator(".unsent")).to_contain_text("No longer waiting for you: cancelled.")


async def test_words_are_there_again_when_another_item_was_opened_meanwhile(
    installation: Installation, sign_in: SignIn
) -> None:
    for name in ("Approve the left oar", "Approve the right oar"):
        installation.assign(name)
        installation.waits_for("dave", name)
    dave = await sign_in("dave", again=True)
    pane = await opened(dave, "Approve the left oar")
    await pane.get_by_text("Add a comment").click()
    await pane.get_by_label("Your comment", exact=True).fill(WORDS)

    await opened(dave, "Approve the right oar")
    await expect(kept(pane)).to_have_count(0)
    await opened(dave, "Approve the left oar")

    await expect(kept(pane)).to_have_value(WORDS)


async def test_words_kept_on_a_card_are_there_when_the_list_is_tidied(
    installation: Installation, sign_in: SignIn
) -> None:
    task_id = installation.assign("Approve the bench")
    dave = await sign_in("dave", again=True)
    mine = card(dave, "Approve the bench")
    await mine.get_by_text("Reject…").click()
    await mine.get_by_role("textbox").fill(WORDS)
    installation.send("task.cancelled", {"task": {"id": task_id}})
    await expect(kept(mine)).to_have_value(WORDS)

    installation.assign("Approve another bench", priority="urgent")
    await dave.get_by_role("button", name="1 new").click()

    await expect(card(dave, "Approve another bench")).to_be_visible()
    await expect(kept(dave.locator("#waiting"))).to_have_value(WORDS)
    await mine.get_by_role("button", name="Close").click()


@pytest.mark.long
async def test_words_sent_too_late_come_back(installation: Installation, sign_in: SignIn) -> None:
    """Carol's answer is recorded while Bob's is on its way, and no live frame tells him before he sends it."""
    installation.assign("Approve the parasol", assignee=None, candidates=["bob", "carol"])
    bob, carol = await sign_in("bob"), await sign_in("carol", again=True)
    await bob.context.route_web_socket(re.compile("/ws/inbox"), lambda socket: None)
    installation.waits_for("bob", "Approve the parasol")
    await bob.reload()
    mine = card(bob, "Approve the parasol")
    await mine.get_by_text("Reject…").click()
    await mine.get_by_role("textbox").fill(WORDS)
    await card(carol, "Approve the parasol").get_by_role("button", name="Approve").click()
    await expect(card(carol, "Approve the parasol").locator(".outcome")).to_contain_text("Approved.")

    await mine.get_by_role("button", name="Reject", exact=True).click()

    await expect(mine.locator(".outcome")).to_have_text(APPROVED)
    await expect(kept(mine)).to_have_value(WORDS)


# --- the engine refuses ------------------------------------------------------------------------------
@pytest.fixture
def depot() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


async def test_an_answer_that_the_engine_refuses_can_be_given_again(
    installation: Installation, sign_in: SignIn, depot: Receiver
) -> None:
    refusal = json.dumps({"detail": "The budget of May is used up"}).encode()
    depot.answer((422, {"Content-Type": "application/problem+json"}, refusal), 204)
    key = installation.engine("depot", callback_url=depot.url)
    installation.assign("Approve the forklift", key=key)
    dave = await sign_in("dave", again=True)
    on_card, pane = card(dave, "Approve the forklift"), await opened(dave, "Approve the forklift")

    await on_card.get_by_role("button", name="Approve").click()

    for place in (on_card, pane):
        await expect(place.locator('[data-slot="outcome"]')).to_have_text(
            "Depot refused it: The budget of May is used up. You can answer again."
        )
        await expect(place.locator('[data-slot="outcome"]')).to_have_attribute("data-mood", "bad")
        await expect(place.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    await expect(pane.locator("#history-heading + ol")).to_contain_text("which Depot refused")

    await pane.get_by_role("button", name="Approve", exact=True).click()

    for place in (on_card, pane):
        await expect(place.locator('[data-slot="outcome"]')).to_have_text("Approved. Depot has it.")
        await expect(place.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    assert [call.data["action"] for call in depot.calls] == ["approve", "approve"]
