"""What push messages do for people, told once and run in every browser: through the project's own server processes,
a push service on loopback, and clicks that the browser trusts because the desktop made them.

Bob and Carol have turned notifications on. Bob's browser is open, but no tab of it shows wfpush unless a story says so.

`make test` tells each browser's makers' own part twice (that it arrives, is answered, kept without a connection and
taken away), and the other stories in one of the two browsers, by turns: `told_in`. `make soak` tells all in both.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from tests.browsers.installation import Json
from tests.pushlab.desktop import Shown
from tests.pushlab.people import Person
from tests.pushlab.service import PushService
from tests.pushlab.world import World
from tests.support.waiting import eventually

SOON = 15.0
"""Seconds, below the 20 that a service worker waits for an answer, and above what a busy machine takes."""

_numbers = count(8001)

PUT_BACK = """
const answer = arguments[0], lets_go = arguments[1];
const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
const tables = {about: "name", items: "id", answers: "key", shown: "tag", documents: "url"};
return (async () => {
  const now = await asked(indexedDB.open("wfpush"));
  now.onversionchange = () => now.close();
  const about = await asked(now.transaction("about").objectStore("about").getAll());
  const gone = asked(indexedDB.deleteDatabase("wfpush"));
  const request = indexedDB.open("wfpush", 1);
  request.onupgradeneeded = () => {
    for (const [table, keyPath] of Object.entries(tables)) request.result.createObjectStore(table, {keyPath});
  };
  const released = window.released = await asked(request);
  if (lets_go) released.onversionchange = () => released.close();
  const writing = released.transaction(["about", "answers"], "readwrite");
  for (const row of about) writing.objectStore("about").put(row);
  writing.objectStore("answers").put(answer);
  await new Promise((done) => (writing.oncomplete = done));
  return released.version;
})();
"""
"""Make the database of this browser what release 0.2.0 makes it, with an answer that waits; this tab keeps it open."""

READ = """
const text = arguments[0];
return (async () => {
  const {allStored} = await import(`/static/wfpush/store.js?${text}`);
  return await allStored("answers").then((rows) => rows.map(({key}) => key).join(), (fault) => fault.message);
})();
"""
"""The keys of answers that wait, as a page of the version under test reads them; or why it cannot."""


class PushStories:
    """`bob`, `carol` and `service` come from the module of the browser."""

    @pytest.fixture(autouse=True)
    def in_peace(self, world: World, service: PushService, bob: Person, carol: Person) -> Iterator[None]:
        """Each story begins at rest with swept desktops; it ends with a push service that had nothing to object to."""
        for person in (bob, carol):
            person.is_there()
            person.browser.leave()
        eventually(lambda: is_at_rest(world), "what earlier stories began is done")
        for person in (bob, carol):
            person.desktop.clear()
        yield
        assert service.faults == []

    # --- it is turned on --------------------------------------------------------------------------
    def test_bob_finds_this_browser_among_his_devices_and_tries_it(self, bob: Person) -> None:
        bob.browser.open("/devices")
        device = bob.browser.find("#devices li", "this browser")
        assert f"{bob.browser.calls_itself} on Linux" in device.text

        bob.browser.press(device, "Test")

        shown = bob.desktop.shows("Notifications work here")
        assert shown.buttons == {}
        bob.browser.leave()
        bob.desktop.click(shown)
        bob.browser.tab_with("/devices")

    # --- it arrives, and is answered from there ---------------------------------------------------
    def test_an_urgent_approval_reaches_bob_with_no_tab_open_and_one_press_moves_the_process_on(
        self, world: World, bob: Person
    ) -> None:
        instance, title = started(world, amount=64_000)

        shown = bob.desktop.shows(title)

        assert shown.stays, "what is urgent stays until it is dealt with"
        assert not shown.is_silent
        assert [words.rstrip("…") for words in shown.buttons] == ["Approve", "Reject"]
        bob.desktop.press(shown, "Approve")
        eventually(lambda: steps(world, instance) == ["approve_as_manager"], "the process waits for the manager")
        told = bob.desktop.sees(about(title, "has it"), "Bob is told that the engine has it")
        assert told.buttons == {}
        assert told.is_silent
        assert bob.browser.tabs == ["about:blank"], "nothing was opened"

    def test_rejecting_asks_why_in_the_item_itself(self, world: World, bob: Person) -> None:
        instance, title = started(world)

        bob.desktop.press(bob.desktop.shows(title), "Reject")

        bob.browser.tab_with("/n/")
        bob.browser.find("#item h2", title)
        eventually(lambda: bob.browser.is_focused("#item textarea"), "the comment box has the focus")
        bob.browser.type("#item textarea", "Twelve pieces, not eleven.")
        bob.browser.click("#item form.ask button", "Reject")
        bob.browser.find("#item .outcome", "Rejected. Demo engine has it.")
        assert steps(world, instance) == ["correct_invoice"]

    @pytest.mark.told_in("Chromium")
    def test_a_click_beside_the_buttons_opens_that_very_item(self, world: World, bob: Person) -> None:
        (_, other), (_, title) = started(world), started(world)
        bob.desktop.shows(other)

        bob.desktop.click(bob.desktop.shows(title))

        bob.browser.tab_with("/n/")
        bob.browser.find("#item h2", title)
        bob.browser.find("#item button", "Approve")

    # --- the push service is not at its best ------------------------------------------------------
    @pytest.mark.told_in("Chromium")
    def test_a_push_service_that_takes_no_long_messages_gets_a_short_one(
        self, world: World, service: PushService, bob: Person
    ) -> None:
        before = len(service.ordered)
        service.answer_next(413, urgency="low")

        world.installation.assign("Approve the marquee", to="bob", priority="low")

        shown = bob.desktop.shows("Approve the marquee")
        assert len(service.ordered) == before + 1
        assert "Your approval is needed" not in shown.body
        assert "Approve" in shown.buttons

    @pytest.mark.told_in("Firefox")
    @pytest.mark.parametrize("status", [429, 503])
    def test_a_push_service_that_has_no_time_now_is_asked_again(
        self, world: World, service: PushService, bob: Person, status: int
    ) -> None:
        before = len(service.ordered)
        service.answer_next(status, urgency="low", retry_after=1)

        world.installation.assign(f"Approve tarpaulin {status}", to="bob", priority="low")

        bob.desktop.shows(f"Approve tarpaulin {status}")
        assert len(service.ordered) == before + 1

    # --- what is decided changes ------------------------------------------------------------------
    def test_what_changed_under_bobs_lock_screen_is_shown_there_and_asked_again(
        self, world: World, service: PushService, bob: Person
    ) -> None:
        number = f"Y-{next(_numbers)}"
        title = f"Pay yacht {number}"
        task = {"id": number, "name": title, "assignee": "bob", "priority": "low"}
        data = {"task": task, "variables": {"amount": 1000, "currency": "EUR"}}
        world.installation.send("task.assigned", data)
        shown = bob.desktop.shows(title)
        before = len(service.ordered)
        service.answer_next(400, urgency="normal")  # of the silent replacement
        world.installation.send("task.updated", {"task": {"id": number}, "variables": {"amount": 10_000}})
        eventually(lambda: len(service.ordered) == before + 1, "the replacement does not arrive")

        bob.desktop.press(shown, "Approve")

        asked = bob.desktop.sees(about(title, "Amount: €1,000.00 → €10,000.00"), "Bob sees both", within=SOON)
        assert answers(world, title) == []
        bob.desktop.press(asked, "Approve")
        eventually(lambda: answers(world, title) == [("approve", "webpush")], "Bob has approved what he saw")
        world.installation.send("task.completed", {"task": {"id": number}})  # its engine takes no calls

    # --- others are faster ------------------------------------------------------------------------
    def test_what_carol_answered_is_replaced_on_bobs_desktop(self, world: World, bob: Person, carol: Person) -> None:
        _, title = started(world)
        bob.desktop.shows(title)

        carol.desktop.press(carol.desktop.shows(title), "Approve")

        replaced(bob, title, r"Already approved by Carol at \d\d:\d\d\.")

    @pytest.mark.told_in("Chromium")
    def test_what_the_engine_takes_back_is_replaced_too(self, world: World, bob: Person) -> None:
        task_id = world.installation.assign("Approve the hammock", to="bob")
        bob.desktop.shows("Approve the hammock")

        world.installation.send("task.cancelled", {"task": {"id": task_id}})

        replaced(bob, "Approve the hammock", "cancelled")

    @pytest.mark.told_in("Firefox")
    def test_what_is_carols_now_is_replaced_on_bobs_desktop_and_shown_on_hers(
        self, world: World, bob: Person, carol: Person
    ) -> None:
        task_id = world.installation.assign("Approve the awning", to="bob")
        bob.desktop.shows("Approve the awning")

        world.installation.assign("Approve the awning", to="carol", id=task_id)

        replaced(bob, "Approve the awning", "Carol")
        assert "Approve" in carol.desktop.shows("Approve the awning").buttons

    # --- nobody answers -----------------------------------------------------------------------------
    @pytest.mark.told_in("Firefox")
    def test_what_bob_leaves_alone_reaches_carols_lock_screen_with_the_reason(
        self, world: World, bob: Person, carol: Person
    ) -> None:
        key = world.installation.engine_with_policy(f"quarry-{next(_numbers)}")
        due = datetime.now(UTC) + timedelta(seconds=3)
        world.installation.assign("Approve the granite", to="bob", key=key, due_at=due.isoformat())
        bob.desktop.shows("Approve the granite")

        shown = carol.desktop.shows("Approve the granite")

        assert "Bob has not answered yet. Due" in shown.body
        assert "Approve" in shown.buttons
        assert datetime.now(UTC) >= due
        carol.browser.open("/")
        carol.browser.find("#waiting li", "escalated to you as Bob's manager")

    # --- the browser was off ----------------------------------------------------------------------
    @pytest.mark.told_in("Firefox")
    def test_of_three_messages_about_one_task_the_newest_waits_for_a_browser_that_was_off(
        self, world: World, bob: Person
    ) -> None:
        bob.browser.quit()
        eventually(lambda: bob.is_away, "the push service knows that Bob's browser is off")
        before = len(bob.posts)
        task_id = world.installation.assign("Approve the first tent", to="bob")
        eventually(lambda: len(bob.posts) == before + 1, "the push service has the first")
        for number, name in enumerate(("Approve the second tent", "Approve the third tent"), start=2):
            world.installation.send("task.updated", {"task": {"id": task_id, "name": name}})
            eventually(lambda sent=number: len(bob.posts) == before + sent, f"the push service has {name!r}")  # type: ignore[misc]
        assert [post.replaced for post in bob.posts[before:]] == [0, 1, 1]

        bob.browser.start()

        shown = bob.desktop.shows("Approve the third tent")
        assert not shown.is_silent, "Bob has heard of none of them"
        assert [each.title for each in bob.desktop.history if "tent" in each.title] == ["Approve the third tent"]

    @pytest.mark.told_in("Chromium")
    def test_a_subscription_that_has_ended_is_made_anew_when_bob_looks_in(self, world: World, bob: Person) -> None:
        for subscription in bob.subscriptions:
            subscription.is_gone = True
        world.installation.assign("Approve the parasol", to="bob")
        eventually(lambda: bob.subscriptions == [], "the server has taken the device away")

        bob.browser.open("/")

        eventually(lambda: bob.subscriptions, "a new device is registered")
        bob.browser.leave()
        world.installation.assign("Approve the bench", to="bob")
        bob.desktop.shows("Approve the bench")

    # --- no connection ----------------------------------------------------------------------------
    @pytest.mark.told_in("Firefox")
    def test_an_answer_given_without_a_connection_survives_the_browser_and_is_sent_once(
        self, world: World, bob: Person
    ) -> None:
        instance, title = started(world)
        shown = bob.desktop.shows(title)
        with world.without_network():
            bob.desktop.press(shown, "Approve")
            kept = bob.desktop.sees(about(title, "No connection"), "Bob is told that it will be sent")
            assert kept.buttons == {}
            bob.browser.quit()
        assert answers(world, title) == []

        bob.browser.start()
        bob.browser.open("/")

        eventually(lambda: steps(world, instance) != ["approve_invoice"], "the process has moved on")
        bob.desktop.sees(about(title, r"Approved\."), "Bob is told that it was sent")
        assert answers(world, title) == [("approve", "webpush")]

    @pytest.mark.told_in("Chromium")
    def test_an_answer_given_in_the_inbox_without_a_connection_says_who_was_faster(
        self, world: World, bob: Person
    ) -> None:
        _, title = started(world)
        bob.desktop.shows(title)
        bob.browser.open("/")
        bob.browser.find("#list li", title)
        bob.browser.keeps(title)
        with world.without_network():
            bob.browser.open("/")
            card = bob.browser.find("#list li", title)
            bob.browser.evaluate("arguments[0].querySelector('[data-action=approve]').focus()", card)
            bob.browser.press(card, "Approve")
            bob.browser.find("#list li", "sent when you are back")
            bob.browser.quit()
        world.installation.answer("carol", title, "approve")

        bob.browser.start()
        bob.browser.open("/")

        bob.browser.find("#list li", "Already approved by Carol")
        assert answers(world, title) == [("approve", "api")]

    # --- another version --------------------------------------------------------------------------
    def test_an_answer_that_an_earlier_version_kept_is_sent_by_this_one_with_two_tabs_open(
        self, world: World, bob: Person
    ) -> None:
        _, title = started(world)
        bob.desktop.shows(title)
        item = f"SELECT n.id::text FROM notifications_notification n WHERE n.title = '{title}' AND recipient_id = "
        ((number,),) = world.installation.house.rows(
            f"{item} (SELECT id FROM notifications_recipient WHERE ref = 'bob')"
        )
        answer = {"key": f"kept-{number}", "id": number, "action": "approve", "title": "Approve", "comment": "Agreed"}
        answer |= {"ref": "bob", "lang": "en", "csrf": "", "heading": title, "at": 1}
        browser = bob.browser
        browser.open("/settings")
        assert browser.evaluate(PUT_BACK, {**answer, "ref": "nobody"}, False) == 1
        (old,) = browser.driver.window_handles
        browser.driver.switch_to.new_window("tab")
        browser.open("/settings")
        assert browser.evaluate(READ, "blocked") == "Another tab holds an older database of this site."
        browser.driver.switch_to.window(old)
        browser.evaluate("released.close()")
        assert browser.evaluate(READ, "free") == answer["key"]

        assert browser.evaluate(PUT_BACK, answer, True) == 1
        browser.driver.switch_to.window(browser.driver.window_handles[-1])
        browser.open("/")

        eventually(lambda: answers(world, title) == [("approve", "inbox")], "it is sent")
        eventually(lambda: browser.evaluate(READ, "sent") == "", "it is kept no longer")
        version = "return indexedDB.databases().then((all) => all.find(({name}) => name === 'wfpush').version)"
        raised = "return new Promise((done) => (indexedDB.open('wfpush', arguments[0]).onsuccess = done))"
        browser.evaluate(raised, browser.evaluate(version) + 1)
        assert browser.evaluate(READ, "older") == "", "a page goes on with what a newer one has made of it"

    # --- the server does not answer -----------------------------------------------------------------
    @pytest.mark.told_in("Chromium")
    def test_three_presses_while_the_server_hangs_say_at_once_that_they_will_be_sent_and_go_together(
        self, world: World, bob: Person
    ) -> None:
        titles = [title for _, title in (started(world) for _ in range(3))]
        shown = [bob.desktop.shows(name) for name in titles]
        bob.browser.open("/")
        bob.browser.find("#connection[data-mood=live]")
        with world.hanging_network():
            for each in shown:
                bob.desktop.press(each, "Approve")
            for name in titles:
                kept = bob.desktop.sees(about(name, "will be sent"), f"{name!r} will be sent", within=SOON)
                assert kept.buttons == {}
            for name in titles:
                card = bob.browser.find("#list li", name)
                eventually(lambda card=card: "will be sent" in card.text, f"the page says so of {name!r}")  # type: ignore[misc]

        for name in titles:
            bob.desktop.sees(about(name, r"Approved\."), f"{name!r} is approved", within=SOON)
            assert answers(world, name) == [("approve", "webpush")]

    def test_an_answer_pressed_without_a_connection_and_without_a_page_goes_by_itself(
        self, world: World, bob: Person
    ) -> None:
        _, title = started(world)
        shown = bob.desktop.shows(title)
        with world.without_network():
            bob.desktop.press(shown, "Approve")
            bob.desktop.sees(about(title, "No connection"), "Bob is told that it will be sent")

        bob.desktop.sees(about(title, r"Approved\."), "it was sent with no page and no message")
        assert answers(world, title) == [("approve", "webpush")]
        assert bob.browser.tabs == ["about:blank"]

    def test_nothing_is_shown_but_what_was_sent_though_what_follows_a_message_takes_long(
        self, world: World, bob: Person
    ) -> None:
        before = len(bob.desktop.history)
        with world.hanging_network():
            world.installation.assign("Approve the deckchair", to="bob")
            bob.desktop.shows("Approve the deckchair")
            bob.desktop.clear()
        for name in ("Approve the hammock stand", "Approve the cushion"):
            world.installation.assign(name, to="bob")
            bob.desktop.shows(name)

        titles = {each.title for each in bob.desktop.history[before:]}
        assert titles >= {"Approve the deckchair", "Approve the hammock stand", "Approve the cushion"}
        assert all(title.startswith("Approve ") for title in titles), "what the browser itself says begins otherwise"

    # --- a phone is lost ------------------------------------------------------------------------------
    def test_a_removed_browser_shows_nothing_of_bobs_any_more_and_is_signed_out(
        self, world: World, bob: Person
    ) -> None:
        world.installation.assign("Approve the lantern", to="bob")
        bob.desktop.shows("Approve the lantern")

        world.installation.remove_devices("bob")

        told = bob.desktop.shows("This device was removed", within=SOON)
        assert told.buttons == {} and told.is_silent
        eventually(lambda: [each.title for each in bob.desktop.shown] == [told.title], "nothing else is left")
        bob.desktop.click(told)
        bob.browser.tab_with("/sign-in")
        comes_back(bob)

    @pytest.mark.told_in("Firefox")
    def test_a_button_on_a_removed_browser_answers_nothing_though_nobody_could_tell_it(
        self, world: World, service: PushService, bob: Person
    ) -> None:
        world.installation.assign("Approve the kettle", to="bob")
        shown = bob.desktop.shows("Approve the kettle")
        before = len(service.ordered)
        service.answer_next(410, urgency="normal")
        world.installation.remove_devices("bob")
        eventually(lambda: len(service.ordered) == before + 1, "the browser was not to be told")

        bob.desktop.press(shown, "Approve")

        bob.desktop.sees(about("Approve the kettle", "This device was removed, and your answer was not"), "it says so")
        bob.desktop.shows("It gets no more messages")
        assert answers(world, "Approve the kettle") == []
        comes_back(bob)

    @pytest.mark.told_in("Chromium")
    def test_an_answer_kept_on_a_removed_browser_is_refused_and_says_why(self, world: World, bob: Person) -> None:
        world.installation.assign("Approve the groundsheet", to="bob")
        shown = bob.desktop.shows("Approve the groundsheet")
        with world.without_network():
            bob.desktop.press(shown, "Approve")
            bob.desktop.sees(about("Approve the groundsheet", "No connection"), "it is kept")
            world.installation.remove_devices("bob")
            bob.desktop.sees(about("Approve the groundsheet", "your answer was not recorded"), "it is refused")

        comes_back(bob)
        assert answers(world, "Approve the groundsheet") == []

    @pytest.mark.told_in("Firefox")
    def test_an_open_page_of_a_removed_browser_says_that_bob_is_signed_out(self, world: World, bob: Person) -> None:
        bob.browser.open("/")
        bob.browser.find("#connection[data-mood=live]")

        world.installation.remove_devices("bob")

        bob.browser.find("#trouble", "You have been signed out.")
        bob.desktop.shows("This device was removed")
        comes_back(bob)


# --- saying it ---------------------------------------------------------------------------------------
def started(world: World, *, amount: float = 1_200.5) -> tuple[Json, str]:
    """A new invoice waits for Bob (and for Carol, while the amount is small); the instance, and its task's name."""
    number = str(next(_numbers))
    instance = world.installation.start_process("small", number=number, amount=amount)
    return instance, f"Approve invoice {number}"


def comes_back(person: Person) -> None:
    """Signs in on the removed browser and turns notifications on again."""
    person.sign_in()
    person.turn_on()


def is_at_rest(world: World) -> bool:
    """Nothing waits to be taken up, sent, or told to an engine."""
    tables = ("event", "delivery", "callback")
    due = (f"EXISTS (SELECT FROM notifications_{name} WHERE due_at < now() + interval '1 minute')" for name in tables)
    return world.installation.house.rows(f"SELECT {' OR '.join(due)}") == [(False,)]


def steps(world: World, instance: Json) -> list[str]:
    return [step["step"] for step in world.installation.instance(instance["id"])["current_steps"]]


def answers(world: World, title: str) -> list[tuple[object, ...]]:
    """Action and way of every answer that was recorded for a task."""
    query = "SELECT r.action, r.via FROM notifications_response r JOIN notifications_task t ON t.id = r.task_id"
    return world.installation.house.rows(f"{query} WHERE t.name = '{title}'")


def about(title: str, words: str) -> Callable[[Shown], bool]:
    return lambda shown: shown.title == title and re.search(words, shown.body) is not None


def replaced(person: Person, title: str, words: str) -> None:
    """What the person's desktop shows of a task becomes, silently, what happened to it; nothing is offered any more."""
    shown = person.desktop.sees(about(title, words), f"{title!r} says {words!r}", within=SOON)
    assert shown.buttons == {}
    assert shown.is_silent
    assert [each.title for each in person.desktop.shown].count(title) == 1
