"""Bob decides from 202 mixed items: finds one by amount and vendor, answers seven together, undoes one, snoozes one."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browsers import in_firefox
from tests.browsers.conftest import by_the_form, is_live, new_page
from tests.browsers.installation import Installation, Json
from tests.browsers.test_accessible import faults
from tests.support.waiting import eventually

VENDORS = ["Acme GmbH", "Contoso Ltd", "Northwind", "Müller & Söhne KG"]
SEVEN = "Fabrikam AG"


@pytest.fixture(scope="module")
def here(chromium: object) -> Iterator[Installation]:
    """One of its own: answers can be taken back for a minute."""
    found = Installation()
    try:
        found.start(UNDO_SECONDS="60")
        for each in ("robert", "bobby"):  # Bob himself has tasks of the demo; in Firefox he is Bobby
            found.account(each, "Bob")
        found.set_up(
            "from notifications.models import Recipient\n"
            "print(Recipient.objects.filter(ref__in=['robert', 'bobby']).update(timezone='', locale='en'))"
        )
        morning(found, "robert")
        yield found
    finally:
        found.house.clear()


def morning(here: Installation, who: str) -> None:
    """202 invoices, of which every sixth is overdue, and some are urgent; seven are of one vendor."""
    now = datetime.now(UTC)
    invoices: list[Json] = []
    for number in range(202):
        vendor = SEVEN if number % 29 == 3 else VENDORS[number % len(VENDORS)]
        due = [now - timedelta(hours=number + 1), None, now + timedelta(days=2, hours=number)][number % 3]
        task = {
            "id": f"{who}-{number}",
            "name": f"Approve invoice {7000 + number}",
            "kind": "approval",
            "assignee": who,
            "priority": "urgent" if number % 17 == 0 else "normal",
            **({"due_at": due.isoformat()} if due else {}),
        }
        variables = {"amount": 1000.5 + number, "currency": "EUR", "vendor": vendor}
        invoices.append({"task": task, "variables": variables})
    here.send_together("task.assigned", invoices)
    eventually(lambda: len(here._waiting(who)) == 200, "all are there")  # the API's page has 200


async def as_bob(browser: Browser, here: Installation, complaints: list[str], **how: Any) -> Page:
    page = await new_page(browser, complaints, False, base_url=here.url, **how)
    await page.goto("/")
    await by_the_form(page, "robert", here)
    await is_live(page)
    return page


@pytest.mark.long
async def test_a_browser_tells_where_it_is(browser: Browser, here: Installation, complaints: list[str]) -> None:
    bob = await as_bob(browser, here, complaints, timezone_id="Asia/Tokyo")
    await expect(bob.locator(".due time[title$=JST]").first).to_be_visible()


async def test_bob_decides(browser: Browser, here: Installation, complaints: list[str]) -> None:
    bob = await as_bob(browser, here, complaints)
    await expect(bob.locator('[data-slot="waiting-count"]')).to_have_text("202")
    counts = await bob.locator('.group:not([hidden]) [data-slot="group-count"]').all_text_contents()
    assert sum(map(int, counts)) == 202
    overdue = bob.locator(".group").filter(has_text="Overdue").locator(".row")
    await expect(overdue.first).to_contain_text("late")

    await bob.get_by_label("Search your items").fill(
        "contosso 1,005.50"
    )  # found while he types, by a word with an error
    await expect(bob.locator("#list .hit .row")).to_contain_text("€1,005.50")
    await expect(bob).to_have_url(re.compile(r"\?q=contosso"))
    assert await bob.locator("#news").text_content() == "1 item"
    assert await faults(bob) == []
    await bob.get_by_label("Search your items").fill("")
    await expect(bob.locator('[data-slot="waiting-count"]')).to_have_text("202")
    await expect(overdue.first).to_be_visible()
    await bob.get_by_label("Search your items").fill("contoso 1,005.50")
    await bob.keyboard.press("Enter")
    one = bob.locator("#found .row")
    await expect(one).to_have_count(1)
    await expect(one).to_contain_text("€1,005.50")
    await is_live(bob)
    await one.get_by_role("button", name="Approve").click()
    await expect(one.locator(".outcome")).to_contain_text("Approved. Shop gets it in a moment.")

    await bob.goto("/?q=fabrikam&select=1")
    await is_live(bob)
    await bob.get_by_role("button", name="Choose all here").click()
    await expect(bob.locator("#ticked")).to_contain_text("7 chosen")
    await bob.get_by_role("button", name="Answer together…").click()
    await expect(bob.get_by_role("heading", name="7 items")).to_be_visible()
    await expect(bob.locator(".sum")).to_have_text("€7,633.50")
    assert await faults(bob) == []
    await bob.get_by_label("Comment, for all of them").fill("As agreed")
    await bob.get_by_role("button", name=re.compile("^Approve")).click()
    await expect(bob.locator(".chosen .outcome")).to_have_count(7)
    await bob.get_by_role("button", name="Undo", exact=True).first.click()
    await expect(bob.locator("#item").get_by_role("button", name="Approve")).to_be_visible()
    await expect(bob.locator("#item .history")).to_contain_text("and took it back")

    await bob.goto("/")
    await expect(bob.locator('[data-slot="waiting-count"]')).to_have_text("195")
    later = bob.locator("#later .row a").first
    title = await later.inner_text()
    await later.click()
    await expect(bob.locator("#item-heading")).to_have_text(title)
    await bob.locator("#item summary", has_text="More").click()
    await bob.get_by_role("button", name="for an hour").click()
    await expect(bob.locator('[data-slot="waiting-count"]')).to_have_text("194")
    await bob.locator("#list summary", has_text="Filters").click()
    await bob.get_by_role("link", name="Snoozed").click()
    await expect(bob.locator("#found .row")).to_contain_text(title)
    assert await faults(bob) == []


async def test_an_undo_on_the_card_opens_it_again(browser: Browser, here: Installation, complaints: list[str]) -> None:
    bob = await as_bob(browser, here, complaints)
    await bob.goto("/?q=7100")
    await is_live(bob)
    card = bob.locator("#found .row")
    await card.get_by_role("button", name="Approve").click()
    await card.get_by_role("button", name="Undo").click()

    await expect(card.get_by_role("button", name="Approve")).to_be_focused()
    await expect(card.locator(".outcome")).to_be_hidden()


async def test_when_the_time_to_undo_is_over_the_card_says_what_it_waits_for(
    browser: Browser, here: Installation, complaints: list[str]
) -> None:
    bob = await as_bob(browser, here, complaints)
    await bob.clock.install()
    await bob.goto("/?q=7101")
    await is_live(bob)
    card = bob.locator("#found .row")
    await card.get_by_role("button", name="Approve").click()
    await expect(card.get_by_role("button", name="Undo")).to_be_visible()

    await bob.clock.fast_forward("01:05")

    await expect(card.locator(".outcome")).to_contain_text("has not confirmed it")
    await expect(card.get_by_role("button", name="Undo")).to_have_count(0)


# --- in Firefox -------------------------------------------------------------------------------------------------------
@pytest.mark.long
def test_bob_decides_in_firefox_alice_replies_carol_sees_it_and_erin_follows_her_case(
    here: Installation, tmp_path: Path
) -> None:
    """In one session: to start Firefox takes as long as all of this."""
    with in_firefox.line_to(here) as line, in_firefox.firefox_at(line, tmp_path / "firefox") as firefox:
        morning(here, "bobby")
        in_firefox.signs_in(firefox, here, "bobby")
        in_firefox.decides(firefox)
        in_firefox.asks(firefox, here)
        in_firefox.signs_out(firefox)
        in_firefox.alice_replies_on_her_phone(firefox, here, tmp_path / "boat.png")
        in_firefox.signs_out(firefox)
        in_firefox.erin_follows_her_case_on_her_phone(firefox, here)
        in_firefox.signs_out(firefox)
        in_firefox.signs_in(firefox, here, "carol")
        in_firefox.carol_sees_it_all(firefox)
        in_firefox.signs_out(firefox)
        in_firefox.signs_in(firefox, here, "bobby")
        in_firefox.has_the_reply(firefox)
        in_firefox.fills_in_a_form(firefox, here, line)
