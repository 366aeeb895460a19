"""What the service worker shows, and what presses on it do."""

import asyncio
import json
import re

import pytest
from playwright.async_api import Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation, Json
from tests.browsers.items import account_menu, answers, card
from tests.browsers.worker import Device, about, message, signs_in, until
from tests.support.length import some
from tests.support.waiting import eventually
from wfpush.crypto import digest_of


async def shows(device: Device, tag: str, words: str) -> Json:
    """The notification with that tag, once its text matches."""

    async def look() -> Json | None:
        those = (each for each in await device.shown() if each["tag"] == tag)
        return next((each for each in those if re.search(words, each["body"])), None)

    try:
        found: Json = await until(look, words)
    except TimeoutError:
        raise AssertionError(
            f"{words!r} is not shown: {await device.shown()} {await device.worker.evaluate('person()')}"
        ) from None
    return found


async def at_hand(installation: Installation, sign_in: SignIn) -> tuple[Page, Device]:
    """Dave's page and device of an earlier test, for those that end signed in and connected."""
    dave = await sign_in("dave", again="asked for notifications")
    device = await Device.of(installation, dave)
    await device.forget()
    return dave, device


# --- showing -----------------------------------------------------------------------------------------
async def test_a_message_says_what_it_is_about_and_offers_its_answers_until_it_was_answered(
    installation: Installation, sign_in: SignIn
) -> None:
    _, device = await at_hand(installation, sign_in)
    await device.watch_badge()
    sent = message(priority="urgent", lang="de", unread=7)

    await device.receives(sent)

    shown = await shows(device, sent["tag"], "1,200.50")
    assert (shown["title"], shown["lang"], shown["stays"]) == ("Approve invoice 4711", "de", True)
    assert shown["buttons"] == ["Approve", "Reject…"]
    assert shown["badge"].endswith("/static/wfpush/icons/badge.png")
    assert await device.badge_counts() == [7]

    over = {"kind": "replacement", "state": "answered", "body": "Already approved by Bob.", "at": sent["at"] + 1}
    await device.receives({**sent, **over, "token": "", "actions": []})
    shown = await shows(device, sent["tag"], "Already approved by Bob")
    assert (shown["silent"], shown["buttons"]) == (True, [])
    assert len(await device.shown()) == 1


async def test_a_page_in_front_has_no_second_sound_but_the_message_is_shown(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await sign_in("dave")
    device = await Device.of(installation, dave)
    await dave.bring_to_front()
    first, second = message(), message()

    await device.receives(first)
    assert (await shows(device, first["tag"], "1,200"))["silent"] is True

    await dave.goto("about:blank")
    await device.receives(second)
    assert not (await shows(device, second["tag"], "1,200"))["silent"]


async def test_a_message_that_comes_late_leaves_the_newer_one_where_it_is(
    installation: Installation, sign_in: SignIn
) -> None:
    _, device = await at_hand(installation, sign_in)
    sent = message(body="The newer one")
    marker = message(title="After it")
    await device.receives(sent)
    await shows(device, sent["tag"], "The newer one")

    await device.receives({**sent, "body": "The older one", "at": sent["at"] - 60_000})
    await device.receives(marker)

    await shows(device, marker["tag"], "1,200")
    assert sorted(each["body"] for each in await device.shown()) == sorted([marker["body"], "The newer one"])


@pytest.mark.parametrize("unreadable", some(["", "not JSON", "[]", '{"title": 5}'], 2))
async def test_what_cannot_be_read_still_says_that_there_is_something(
    installation: Installation, sign_in: SignIn, unreadable: str
) -> None:
    _, device = await at_hand(installation, sign_in)

    await device.receives(unreadable)

    (shown,) = await until(device.shown, "something is shown")
    assert shown["body"] == "There is news in your inbox."


async def test_a_browser_that_shows_messages_by_itself_asks_the_worker_which_adds_its_buttons(
    installation: Installation, sign_in: SignIn
) -> None:
    _, device = await at_hand(installation, sign_in)
    await device.watch_badge()
    sent = message(priority="urgent")
    shown = {name: sent[name] for name in ("title", "body", "lang", "tag")}
    data = {
        name: sent[name] for name in ("kind", "id", "priority", "state", "at", "link", "device", "token", "actions")
    }

    await device.worker.evaluate(
        "([notification]) => pushed({data: null, notification, appBadge: 4})", [{**shown, "data": data}]
    )

    told = await shows(device, sent["tag"], "1,200.50")
    assert (told["title"], told["buttons"], told["stays"]) == ("Approve invoice 4711", ["Approve", "Reject…"], True)
    assert told["data"]["token"] == sent["token"]
    assert await device.badge_counts() == [4]


# --- pressing ----------------------------------------------------------------------------------------
async def test_a_button_answers_without_a_window_and_says_how_far_the_answer_is(
    installation: Installation, sign_in: SignIn
) -> None:
    bob = await sign_in("bob")
    device = await Device.of(installation, bob)
    instance = installation.start_process("small", number="9101")
    await expect(bob.get_by_role("link", name="Approve invoice 9101", exact=True)).to_be_visible()
    sent = about(installation, "Approve invoice 9101", who="bob")
    await device.receives(sent)
    await shows(device, sent["tag"], "1,200")

    await device.press(sent["tag"], "approve")

    assert (await shows(device, sent["tag"], "Approved. Demo engine has it."))["buttons"] == []
    assert len(bob.context.pages) == 1
    steps = installation.instance(instance["id"])["current_steps"]
    assert [step["step"] for step in steps] != ["approve_invoice"]


async def test_who_presses_too_late_hears_who_was_faster_in_the_language_of_the_message(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the kayak", assignee=None, candidates=["dave", "carol"])
    _, device = await at_hand(installation, sign_in)
    for person in ("dave", "carol"):
        installation.waits_for(person, "Approve the kayak")
    sent = about(installation, "Approve the kayak", lang="de", who="dave")
    await device.receives(sent)
    await shows(device, sent["tag"], "1,200")
    installation.answer("carol", "Approve the kayak", "approve")

    await device.press(sent["tag"], "approve")

    await shows(device, sent["tag"], r"^Schon von Carol genehmigt um \d\d:\d\d Uhr\.$|Carol")
    assert await device.worker.evaluate("allStored('answers')") == []


async def test_a_press_with_no_connection_is_kept_and_sent_once_there_is_one(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the canoe")
    dave = await sign_in("dave")
    device = await Device.of(installation, dave)
    await expect(dave.get_by_role("link", name="Approve the canoe", exact=True)).to_be_visible()
    sent = about(installation, "Approve the canoe", who="dave")
    await device.receives(sent)
    await shows(device, sent["tag"], "1,200")
    await dave.context.set_offline(True)

    pressing = asyncio.create_task(device.press(sent["tag"], "approve"))  # until it has been sent
    await shows(device, sent["tag"], "No connection. It will be sent when you are back.")
    assert len(await device.worker.evaluate("allStored('answers')")) == 1

    await dave.context.set_offline(False)
    await shows(device, sent["tag"], "Approved.")
    await pressing
    assert await device.worker.evaluate("allStored('answers')") == []
    assert answers(installation, "Approve the canoe") == [("approve", "")]


async def test_an_answer_that_needs_words_opens_the_item_where_they_are_written(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the raft")
    dave, device = await at_hand(installation, sign_in)
    await expect(dave.get_by_role("link", name="Approve the raft", exact=True)).to_be_visible()
    sent = about(installation, "Approve the raft", who="dave")
    await device.receives(sent)
    await shows(device, sent["tag"], "1,200")

    await device.worker.evaluate("openPages().then(([page]) => hears(page, {type: 'open', address: '/'}))")
    await device.worker.evaluate("([address]) => openPages().then(([page]) => hears(page, {type: 'open', address}))",
                                 [f"/n/{sent['id']}?by=webpush&answer=reject#comment"])  # fmt: skip

    await expect(dave.locator("#item").get_by_label("Why do you reject this?")).to_be_focused()
    assert (
        await device.worker.evaluate("(sent) => addressOf({link: sent.link}, sent.actions[1])", sent)
        == f"/n/{sent['id']}?by=webpush&answer=reject#comment"
    )
    assert dave.url.endswith(f"/n/{sent['id']}?answer=reject#comment"), "how it was reached stays out of the address"
    opened = f"SELECT opened_by FROM notifications_notification WHERE id = '{sent['id']}' AND read_at IS NOT NULL"
    eventually(lambda: installation.house.rows(opened) == [("webpush",)], "it was opened by the message")


async def test_a_press_leads_to_the_item_also_where_only_the_page_of_devices_is_open(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the ferry")
    dave, device = await at_hand(installation, sign_in)
    await expect(dave.get_by_role("link", name="Approve the ferry", exact=True)).to_be_visible()
    sent = about(installation, "Approve the ferry", who="dave")
    await dave.goto("/devices")
    await expect(dave.locator("#push")).to_be_visible()

    heard = await device.worker.evaluate(
        "([address]) => openPages().then(([page]) => hears(page, {type: 'open', address}))", [f"/n/{sent['id']}"]
    )

    assert heard is True
    await expect(dave.locator("#item-heading")).to_have_text("Approve the ferry")
    # Nobody says that they heard what they do nothing about.
    heard = await device.worker.evaluate("openPages().then(([page]) => hears(page, {type: 'unheard of'}))")
    assert heard is False


async def test_a_button_whose_token_counts_no_more_answers_in_no_other_way_though_dave_is_signed_in(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the dinghy")
    dave, device = await at_hand(installation, sign_in)
    sent = await shown_with_a_dead_token(installation, dave, device, "Approve the dinghy")

    await device.press(sent["tag"], "approve")

    await shows(device, sent["tag"], "Your answer was not recorded. Open the item and answer there.")
    assert answers(installation, "Approve the dinghy") == []


async def test_such_a_button_tells_who_is_not_signed_in_to_answer_in_the_item(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the gondola")
    dave = await sign_in("dave")
    device = await Device.of(installation, dave)
    sent = await shown_with_a_dead_token(installation, dave, device, "Approve the gondola")
    await dave.goto("about:blank")
    await dave.context.clear_cookies()

    await device.press(sent["tag"], "approve")

    await shows(device, sent["tag"], "Your answer was not recorded. Open the item and answer there.")
    await signs_in(dave, installation)
    mine = card(dave, "Approve the gondola")
    await expect(mine.locator(".outcome")).to_contain_text("your answer was not recorded")
    await expect(mine.get_by_role("button", name="Approve")).to_be_visible()


async def shown_with_a_dead_token(installation: Installation, page: Page, device: Device, title: str) -> Json:
    """A notification whose token was voided, as when its browser became another device."""
    await expect(page.get_by_role("link", name=title, exact=True)).to_be_visible()
    sent = about(installation, title, who="dave")
    digest = digest_of(sent["token"])
    installation.house.rows(
        f"UPDATE notifications_actiontoken SET voided_at = now() WHERE digest = '{digest}' RETURNING 1"
    )
    await device.receives(sent)
    await shows(device, sent["tag"], "1,200")
    return sent


async def test_messages_for_whoever_has_signed_out_say_nothing_of_what_they_hold(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await sign_in("dave")
    device = await Device.of(installation, dave)
    sent = message()
    await device.receives(sent)
    await shows(device, sent["tag"], "1,200")

    await (await account_menu(dave)).get_by_role("button", name="Sign out").click()
    await dave.wait_for_url(re.compile("/sign-in"))
    await until(lambda: nothing(device), "what was shown is gone")
    await device.receives(message())

    (shown,) = await until(device.shown, "something is shown")
    assert shown["body"] == "There is news in your inbox."
    assert "1,200" not in json.dumps(shown)


async def nothing(device: Device) -> bool:
    return await device.shown() == []
