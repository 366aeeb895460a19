"""Bob leaves it alone: Carol has it live, Bob reads so, Carol answers, and the engine hears. Nothing is simulated."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import card, opened
from tests.browsers.test_accessible import faults
from tests.browsers.worker import is_kept
from tests.support.receiver import receiving
from tests.support.waiting import eventually

SHORTLY = timedelta(seconds=4)


async def test_what_bob_leaves_alone_comes_to_carol_who_answers(installation: Installation, sign_in: SignIn) -> None:
    with receiving() as mill:
        key = installation.engine_with_policy("mill", callback_url=mill.url)
        bob, carol = await sign_in("bob", phone=True, again=True), await sign_in("carol", again=True)
        due = datetime.now(UTC) + SHORTLY
        installation.assign("Approve the millstone", to="bob", key=key, due_at=due.isoformat())

        hers, his = card(carol, "Approve the millstone", "waiting"), card(bob, "Approve the millstone")
        await expect(his).to_be_visible()
        await expect(hers).to_be_visible()
        await expect(carol.locator("#overdue").get_by_text("escalated to you as Bob's manager")).not_to_have_count(0)
        await expect(hers).to_contain_text("Bob has not answered yet")
        await expect(hers).to_contain_text("escalated to you as Bob's manager")
        await expect(his).to_contain_text("escalated to Carol")
        assert datetime.now(UTC) >= due
        assert await faults(carol) == []

        await hers.get_by_role("button", name="Approve").click()

        await expect(card(carol, "Approve the millstone").locator(".outcome")).to_have_text(
            re.compile(r"^Approved\. \w+ has it\.$")
        )
        await expect(hers.get_by_text("Bob has not answered yet")).to_be_hidden()
        await expect(his.locator(".outcome")).to_have_text(re.compile(r"^Already approved by Carol at \d\d:\d\d\.$"))
        await expect(his.get_by_text("escalated to Carol")).to_be_hidden()
        call = eventually(lambda: mill.calls and mill.calls[-1], "the engine is told")
        assert call.data["responded_by"]["ref"] == "carol"


@pytest.mark.long
async def test_the_open_item_says_when_it_went_to_carol(installation: Installation, sign_in: SignIn) -> None:
    key = installation.engine_with_policy("forge")
    bob = await sign_in("bob", again=True)
    due = datetime.now(UTC) + SHORTLY
    installation.assign("Approve the anvil", to="bob", key=key, due_at=due.isoformat())
    pane = await opened(bob, "Approve the anvil")

    await expect(pane.locator(".meta")).to_contain_text("escalated to Carol")
    await expect(bob.locator("#history-heading + ol")).to_contain_text(re.compile(r"\d\d:\d\d Escalated to Carol"))
    await expect(pane.get_by_role("button", name="Approve")).to_be_visible()


async def test_it_says_so_with_no_connection(installation: Installation, sign_in: SignIn) -> None:
    key = installation.engine_with_policy("brewery")
    installation.assign("Approve the barrel", to="bob", key=key, due_at=datetime.now(UTC).isoformat())
    carol, title = await sign_in("carol", phone=True), "Approve the barrel"
    await expect(card(carol, title, "waiting")).to_be_visible()
    await is_kept(carol, title)
    await carol.context.set_offline(True)

    await carol.goto("/")

    await expect(card(carol, title, "waiting")).to_contain_text("escalated to you as Bob's manager")
