"""What the page does by itself: it follows changes, says when it cannot, and moves nothing about to be pressed."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route, WebSocketRoute, expect

from tests.browsers.conftest import SignIn, is_live
from tests.browsers.installation import Installation
from tests.browsers.items import account_menu, answers, card, opened
from tests.support.length import some


# --- new items --------------------------------------------------------------------------------------
async def test_what_is_new_waits_behind_a_button_while_the_list_is_used(
    installation: Installation, sign_in: SignIn
) -> None:
    for name in ("Approve the old desk", "Approve the old lamp"):
        installation.assign(name, priority="low")
        installation.waits_for("dave", name)
    dave = await sign_in("dave", phone=True, again=True)
    await expect(dave.get_by_role("link", name="Choose several")).to_be_visible()
    button = card(dave, "Approve the old desk").get_by_role("button", name="Approve")
    await button.scroll_into_view_if_needed()
    await button.hover()
    before = await button.bounding_box()

    installation.assign("Approve the new desk", priority="urgent")
    await expect(dave.get_by_role("button", name="1 new")).to_be_visible()  # tasks have no order among each other
    installation.assign("Approve the new lamp", priority="urgent")

    await expect(dave.get_by_role("button", name="2 new")).to_be_visible()
    await expect(dave.locator("#news")).to_have_text("New: Approve the new lamp")
    assert await button.bounding_box() == before
    await expect(card(dave, "Approve the new desk")).to_have_count(0)

    await dave.get_by_role("button", name="2 new").click()
    await expect(card(dave, "Approve the new desk")).to_be_visible()
    await expect(dave.get_by_role("button", name="2 new")).to_be_hidden()
    await expect(dave.get_by_role("link", name="Approve the new lamp", exact=True)).to_be_focused()


async def test_nothing_can_be_pressed_while_it_moves(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the first chair")
    dave = await sign_in("dave", phone=True, again=True)
    await dave.evaluate(
        """() => {
          const list = document.getElementById("list");
          new MutationObserver(() => {
            const button = document.querySelector("#waiting .button");
            if (list.matches(".settling")) window.pressable = getComputedStyle(button).pointerEvents;
          }).observe(list, {attributes: true});
        }"""
    )

    installation.assign("Approve the second chair", priority="urgent")

    await expect(card(dave, "Approve the second chair")).to_be_visible()
    await dave.wait_for_function("window.pressable === 'none'")
    await expect(dave.locator("#list")).not_to_have_class(re.compile("settling"))


async def test_a_comment_being_written_survives_changes_of_its_item_until_it_is_withdrawn(
    installation: Installation, sign_in: SignIn
) -> None:
    task_id = installation.assign("Approve the cupboard")
    dave = await sign_in("dave", again=True)
    mine = card(dave, "Approve the cupboard")
    await mine.get_by_text("Reject…").click()
    await mine.get_by_role("textbox").fill("It is too")

    installation.send("task.updated", {"task": {"id": task_id, "priority": "urgent"}})

    await expect(mine.get_by_text("urgent")).to_be_visible()
    await expect(mine.get_by_role("textbox")).to_have_value("It is too")
    await expect(mine.get_by_role("textbox")).to_be_focused()
    await dave.keyboard.press("Escape")
    await expect(mine.get_by_text("Reject…")).to_be_focused()
    await mine.get_by_text("Reject…").click()
    await mine.get_by_role("textbox").fill("")
    await dave.keyboard.press("Escape")

    data = {"id": task_id, "name": "Approve the cupboard", "assignee": "carol"}
    installation.send("task.assigned", {"task": data})

    await expect(mine.locator(".outcome")).to_have_text("No longer waiting for you: reassigned to Carol.")
    await expect(mine.get_by_role("button")).to_have_count(0)
    await expect(dave.locator("#waiting").get_by_text("Approve the cupboard").first).to_be_visible()


async def test_time_goes_on_and_turns_overdue(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the clock", due_at=(datetime.now(UTC) + timedelta(minutes=2)).isoformat())
    dave = await sign_in("dave")
    due = card(dave, "Approve the clock").locator(".due")
    await expect(due).to_contain_text("today")
    await expect(due).to_have_class("due due-soon")

    await dave.clock.install()
    await dave.reload()
    await is_live(dave)
    await dave.clock.fast_forward("10:00")

    await expect(due).to_contain_text(re.compile(r"[78] min late"))
    await expect(due).to_have_class("due due-overdue")
    assert await due.locator("use").get_attribute("href") == "/static/wfpush/icons.svg#overdue"


# --- the connection ---------------------------------------------------------------------------------
class Line:
    """The WebSocket as it passes through the test, which may cut it or lose what it carries."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.lose_next = 0
        self.seq = 0  # the newest that passed
        self.refuse_next = 0
        self.open: list[WebSocketRoute] = []

    async def lay(self, context: BrowserContext) -> None:
        await context.route_web_socket(re.compile("/ws/inbox"), self._route)

    async def _route(self, socket: WebSocketRoute) -> None:
        self.open.append(socket)
        if self.refuse_next:
            self.refuse_next -= 1
            await socket.close(code=1011)
            return
        server = socket.connect_to_server()

        def to_server(message: str | bytes) -> None:
            self.sent.append(json.loads(message))
            server.send(message)

        def to_page(message: str | bytes) -> None:
            frame = json.loads(message)
            self.seq = frame.get("seq", self.seq)
            if frame["type"] == "notification" and self.lose_next:
                self.lose_next -= 1
                return
            socket.send(message)

        socket.on_message(to_server)
        server.on_message(to_page)

    async def cut(self, code: int) -> None:
        await self.open[-1].close(code=code, reason="")


async def on_a_line(sign_in: SignIn, who: str = "dave") -> tuple[Page, Line]:
    """Somebody signed in, whose connection the test holds in its hand: the line that was laid last counts."""
    page = await sign_in(who, again="on a line")
    line = Line()
    await line.lay(page.context)
    await page.reload()
    await is_live(page)
    return page, line


async def test_what_a_newer_server_says_makes_no_page_lose_the_next_frame(
    installation: Installation, sign_in: SignIn
) -> None:
    task_id = installation.assign("Approve the hatch")
    dave, line = await on_a_line(sign_in)
    await card(dave, "Approve the hatch").get_by_role("link").first.focus()  # a list in use is not loaded again
    odd = await dave.evaluate(
        """async ([title, seq]) => {
          const {items} = await (await fetch("/api/v1/notifications?state=open&limit=50")).json();
          const item = items.find((each) => each.title === title);
          const outcome = {action: "approve", by: {ref: "dave", name: "Dave"}, at: item.created_at, engine: "dreaming"};
          return {...item, seq: seq + 1, state: "floating", priority: "cosmic", outcome};
        }""",
        ["Approve the hatch", line.seq],
    )
    for frame in (
        {"type": "weather", "rain": True},
        {"type": "notification", "prev": line.seq, "seq": line.seq + 1, "unread": 1, "notification": odd},
        {"type": "notification", "prev": line.seq + 1, "seq": line.seq + 2, "unread": 1, "notification": None},
        {"type": "synced", "seq": line.seq, "unread": 1},
    ):
        line.open[-1].send(json.dumps(frame))
    await expect(card(dave, "Approve the hatch").locator(".outcome")).to_have_text("Approved.")

    installation.send("task.updated", {"task": {"id": task_id, "name": "Approve the trapdoor"}})

    await expect(card(dave, "Approve the trapdoor")).to_be_visible()


@pytest.mark.long
async def test_a_lost_frame_is_noticed_and_asked_for(installation: Installation, sign_in: SignIn) -> None:
    dave, line = await on_a_line(sign_in)
    line.lose_next = 1
    installation.assign("Approve what was lost")
    installation.assign("Approve what came after")

    await expect(card(dave, "Approve what came after")).to_be_visible()
    await expect(card(dave, "Approve what was lost")).to_be_visible()
    assert [frame["type"] for frame in line.sent] == ["resume", "resume"]


async def test_the_page_comes_back_by_itself_and_opens_no_socket_before_there_is_a_server_again(
    installation: Installation, sign_in: SignIn
) -> None:
    """Firefox lets each socket that fails wait longer than the one before."""
    dave, line = await on_a_line(sign_in)

    await line.cut(1012)
    installation.assign("Approve meanwhile")

    await expect(card(dave, "Approve meanwhile")).to_be_visible()
    await is_live(dave)
    assert len(line.open) == 2
    await expect(dave.locator("#trouble")).to_be_hidden()

    asked: list[int] = []

    async def away_at_first(route: Route) -> None:
        asked.append(len(line.open))
        await (route.fulfill(status=502) if len(asked) < 3 else route.continue_())

    await dave.route("**/healthz", away_at_first)
    line.refuse_next = 1
    await line.cut(1001)
    await expect(dave.locator("#connection")).to_have_attribute("data-mood", "paused")
    await is_live(dave)
    assert asked == [3, 3, 3]
    assert len(line.open) == 4
    await dave.unroute("**/healthz")


async def test_whoever_signs_out_elsewhere_is_told_on_the_other_page(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the curtain")
    dave = await sign_in("dave")
    await expect(card(dave, "Approve the curtain")).to_be_visible()
    other = await dave.context.new_page()
    await other.goto("/")
    await is_live(other)

    await (await account_menu(other)).get_by_role("button", name="Sign out").click()

    await expect(dave.locator("#trouble")).to_contain_text("You have been signed out.")
    await expect(dave.locator("body")).not_to_contain_text("Approve the curtain")
    await dave.get_by_role("link", name="Sign in again").click()
    await expect(dave.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("phone", some([True, False], 1))
async def test_off_line_has_its_own_calm_sentence_which_covers_nothing_that_can_be_pressed(
    installation: Installation, sign_in: SignIn, phone: bool
) -> None:
    dave = await sign_in("dave", phone=phone)
    await dave.locator(".group-head:visible").first.hover()
    names = [f"Approve the {thing} for {phone}" for thing in ("gate", "fence")]
    for name in names:
        installation.assign(name)
    await expect(dave.get_by_role("button", name="2 new")).to_be_visible()
    before = await dave.get_by_role("button", name="2 new").bounding_box()

    await dave.context.set_offline(True)
    sentence = re.compile(r"You are offline\. You see how things were at \d\d:\d\d\.")
    await expect(dave.locator("#trouble")).to_contain_text(sentence)
    await expect(dave.locator("#connection")).to_have_text("Not live")
    covered = await dave.evaluate(
        """() => {
          const bar = document.getElementById("trouble").getBoundingClientRect();
          const over = (box) => box.width && box.top < bar.bottom && box.bottom > bar.top
                                && box.left < bar.right && box.right > bar.left;
          const all = document.querySelectorAll("main a, main button, main textarea, main summary");
          return [...all].filter((each) => over(each.getBoundingClientRect())).map((each) => each.textContent);
        }"""
    )
    assert covered == []
    assert await dave.get_by_role("button", name="2 new").bounding_box() == before
    await dave.get_by_role("button", name="2 new").click()
    await expect(card(dave, names[0])).to_be_visible()

    tunnel = f"Approve in the tunnel for {phone}"
    installation.assign(tunnel)
    await dave.context.set_offline(False)
    await dave.get_by_role("button", name="1 new").click()
    await expect(card(dave, tunnel)).to_be_visible()
    await expect(dave.locator("#trouble")).to_be_hidden()
    await expect(dave.locator("#connection")).to_have_text("Live")


async def test_a_reset_loads_the_list_afresh_but_waits_for_whoever_is_writing(
    installation: Installation, sign_in: SignIn
) -> None:
    installation.assign("Approve the carpet")
    dave, line = await on_a_line(sign_in)
    await dave.evaluate("window.sameDocument = true")

    line.open[-1].send(json.dumps({"type": "reset"}))

    await dave.wait_for_function("window.sameDocument === undefined")
    await is_live(dave)
    await card(dave, "Approve the carpet").get_by_text("Reject…").click()
    await dave.keyboard.type("Too red")
    line.open[-1].send(json.dumps({"type": "reset"}))
    await expect(dave.get_by_role("button", name="The list has changed. Show it")).to_be_visible()
    await expect(dave.get_by_role("textbox")).to_have_value("Too red")


async def test_what_changes_while_an_item_is_loaded_is_shown_in_it(installation: Installation, sign_in: SignIn) -> None:
    task_id = installation.assign("Approve the awning")
    dave = await sign_in("dave", phone=True, service_workers="block")
    mine, item = card(dave, "Approve the awning"), dave.locator("#item")
    opening = mine.get_by_role("link", name="Approve the awning", exact=True)
    await opening.click()
    await expect(mine.locator('[data-slot="unread"]')).to_be_hidden()  # or it would change when it is opened again
    await item.locator(".back").click()
    await expect(item).to_be_hidden()
    loaded = asyncio.Event()

    async def change_meanwhile(route: Route) -> None:
        try:
            response = await route.fetch()
            data = {"id": task_id, "name": "Approve the awning", "assignee": "carol"}
            installation.send("task.assigned", {"task": data})
            said = "Approve the awning: No longer waiting for you: reassigned to Carol."
            await expect(dave.get_by_role("status").filter(has_text=said).first).to_be_attached()
            await route.fulfill(response=response)
        finally:
            loaded.set()

    await dave.route("**/n/*/parts", change_meanwhile, times=1)
    await opening.click()
    await loaded.wait()

    await expect(item.locator('[data-slot="outcome"]')).to_have_text("No longer waiting for you: reassigned to Carol.")
    await expect(item.get_by_role("button", name="Approve")).to_have_count(0)


# --- answers on a bad line --------------------------------------------------------------------------
async def test_one_press_is_one_answer_whatever_the_line_does(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the bridge")
    dave = await sign_in("dave")
    keys: list[str] = []

    async def swallow_the_first_reply(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        response = await route.fetch()
        await (route.abort() if len(keys) == 1 else route.fulfill(response=response))

    await dave.route("**/responses", swallow_the_first_reply)
    await dave.context.route_web_socket(re.compile("/ws/inbox"), lambda socket: None)  # or a frame would tell first
    installation.waits_for("dave", "Approve the bridge")
    await dave.reload()
    await card(dave, "Approve the bridge").get_by_role("button", name="Approve").click()

    await expect(card(dave, "Approve the bridge").locator(".outcome")).to_contain_text("Approved.")
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_an_answer_that_can_neither_be_sent_nor_kept_says_so_and_can_be_sent_again(
    installation: Installation, sign_in: SignIn
) -> None:
    """As on pages without https, where there is no service worker; tests/browsers/test_offline.py has one."""
    installation.assign("Approve the tower")
    dave = await sign_in("dave", phone=True, service_workers="block")
    mine = card(dave, "Approve the tower")
    await expect(mine).to_be_visible()
    await dave.context.set_offline(True)

    await mine.get_by_role("button", name="Approve").click()  # before its script is loaded
    await expect(mine.locator(".outcome")).to_contain_text("No connection. Your answer has not been sent.")
    await dave.context.set_offline(False)
    async with dave.expect_response("**/later.js"):
        await mine.get_by_role("button", name="Approve").focus()
    await dave.context.set_offline(True)
    await mine.get_by_role("button", name="Approve").click()
    await expect(mine.locator(".outcome")).to_contain_text("No connection. Your answer has not been sent.")
    await dave.context.set_offline(False)
    await mine.get_by_role("button", name="Try again").click()

    await expect(mine.locator(".outcome")).to_contain_text("Approved.")
    await _pressed_before_the_second_script(installation, dave)


async def _pressed_before_the_second_script(installation: Installation, dave: Page) -> None:
    """The press waits for it, counts once, and goes as a plain form where it never comes."""
    titles, requested, arrived = ("Approve the spire", "Approve the vane"), asyncio.Event(), asyncio.Event()
    for title in titles:
        installation.assign(title)
        installation.waits_for("dave", title)

    async def hold(route: Route) -> None:
        requested.set()
        await arrived.wait()
        await route.continue_()

    await dave.route("**/later.js", hold)
    await dave.reload()
    await card(dave, titles[0]).get_by_role("button", name="Approve").dblclick()
    await requested.wait()
    arrived.set()
    await expect(card(dave, titles[0]).locator(".outcome")).to_contain_text("Approved.")

    await dave.unroute("**/later.js")
    await dave.route("**/later.js", lambda route: route.abort())
    await dave.reload()
    async with dave.expect_navigation():
        await card(dave, titles[1]).get_by_role("button", name="Approve").click()
    await expect(card(dave, titles[1]).locator(".outcome")).to_contain_text("Approved.")
    assert [answers(installation, title) for title in titles] == [[("approve", "")]] * 2


# --- moving about -----------------------------------------------------------------------------------
async def test_an_open_item_is_read_and_follows_what_happens_and_the_way_back_keeps_the_place(
    installation: Installation, sign_in: SignIn
) -> None:
    task_id = installation.assign("Approve the door", initiator="alice")
    dave = await sign_in("dave", phone=True, again=True)
    unread = int(re.match(r"\((\d+)\)", await dave.title())[1])  # type: ignore[index]

    await dave.get_by_role("link", name="Approve the door", exact=True).click()
    await expect(dave.locator("#item-heading")).to_be_focused()
    assert await dave.get_by_role("button", name="Mark as read").count() == 0, (
        "it is open: that is for who has no JavaScript"
    )
    await expect(dave).to_have_title(re.compile(rf"^(\({unread - 1}\) )?Approve the door · wfpush$"))
    await expect(dave.locator("#list")).to_be_hidden()
    await dave.go_back()

    await expect(dave.get_by_role("link", name="Approve the door", exact=True)).to_be_focused()
    await expect(dave).to_have_url(f"{installation.url}/")
    await expect(dave.locator("#item")).to_be_hidden()

    pane = await opened(dave, "Approve the door")
    await pane.get_by_text("Ask for information…").click()
    await pane.get_by_label("What do you need to know?").fill("Which size?")
    await pane.get_by_role("button", name="Ask for information").click()
    await expect(pane.locator(".message-list")).to_contain_text("Which size?")
    installation.send("task.info_supplied", {"task": {"id": task_id}, "info": "Two by two."})
    await expect(pane.locator(".message-list")).to_contain_text("Two by two.")
    await expect(pane.get_by_role("button", name="Approve")).to_be_visible()
    await expect(pane.locator('[data-slot="outcome"]')).to_be_hidden()
