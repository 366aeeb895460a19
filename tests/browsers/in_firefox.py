"""The day of Bob in Firefox, and what Alice, Carol and Erin do in it: tests/browsers/test_bobs_day.py."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By

from tests.browsers.conftest import needed
from tests.browsers.installation import Installation
from tests.notifications.forms.invoice import VARIABLES, invoice_form
from tests.pushlab.background import Background
from tests.pushlab.desktop import Desktop
from tests.pushlab.firefox import Firefox
from tests.pushlab.network import Network
from tests.support.files import png
from tests.support.waiting import eventually

LIVE = "#connection[data-mood=live]"
"""The page's scripts run: until then a press is answered by another page."""
PHONE, DESK = (390, 844), (1280, 900)
BOATS, FOUND_BOATS = "Approve the boat house", "/?q=boat+house"
QUESTION, REPLY = "Which cost centre?", "4711, as always."


@dataclass(frozen=True)
class Line:
    """Between Firefox and the web server; it can be cut."""

    background: Background
    network: Network

    def cut(self) -> None:
        self.background.run(self.network.cut())

    def mend(self) -> None:
        self.background.run(self.network.mend())


@contextmanager
def line_to(here: Installation) -> Iterator[Line]:
    needed(Firefox.binary, Path("/usr/bin/dbus-daemon"))
    line = Line(Background(), Network())
    line.background.run(line.network.start())
    line.network.leads_to(here.port)
    try:
        yield line
    finally:
        line.cut()
        line.background.stop()


@contextmanager
def firefox_at(line: Line, profile: Path, *, finger: bool = False) -> Iterator[Firefox]:
    desktop = Desktop(line.background)
    browser = Firefox(desktop, profile, f"http://127.0.0.1:{line.network.port}", finger=finger)
    try:
        browser.start()
        yield browser
    finally:
        browser.quit()
        desktop.stop()


def opens(browser: Firefox, path: str) -> None:
    browser.open(path)
    browser.find(LIVE)


def signs_in(browser: Firefox, here: Installation, who: str) -> None:
    browser.open("/sign-in")
    browser.type("#id_username", who)
    browser.type("#id_password", here.passwords[who])
    browser.click("main button")
    browser.find(LIVE)


def signs_out(browser: Firefox) -> None:
    browser.click(".account summary")
    browser.click(".account button", "Sign out")
    browser.find("#id_username")


IN_GROUPS = """
return [...document.querySelectorAll(".group:not([hidden]) [data-slot=group-count]")]
  .reduce((sum, each) => sum + Number(each.innerText), 0);
"""


def waiting(bob: Firefox, count: int) -> None:
    bob.find('[data-slot="waiting-count"]', str(count))


def has(bob: Firefox, css: str, count: int) -> None:
    counted(bob, f"return document.querySelectorAll({css!r}).length", count)


def counted(bob: Firefox, script: str, count: int | bool) -> None:
    def look() -> bool:
        with suppress(WebDriverException):  # the page is being changed
            return bool(bob.evaluate(script) == count)
        return False

    eventually(look, f"{count} is what says {script}")


def decides(bob: Firefox) -> None:
    waiting(bob, 202)
    counted(bob, IN_GROUPS, 202)

    bob.type("#words", "contoso 1,005.50" + Keys.ENTER)
    bob.find("#found .row", "€1,005.50")
    has(bob, "#found .row", 1)
    bob.find(LIVE)
    bob.find("#show-keys")
    bob.evaluate("document.activeElement.blur()")
    bob.driver.switch_to.active_element.send_keys("ja")  # what can be undone takes one press of its key
    bob.find("#found .row .outcome", "Approved. Shop gets it in a moment.")

    opens(bob, "/?q=fabrikam&select=1")
    bob.click("button", "Choose all here")
    bob.find("#ticked", "7 chosen")
    bob.click("button", "Answer together…")
    bob.find("h1, h2", "7 items")
    bob.find(".sum", "€7,633.50")
    bob.type("#comment", "As agreed")
    bob.click("main button", "Approve")
    has(bob, ".chosen .outcome", 7)
    bob.click(".chosen button", "Undo")
    bob.find("#item button", "Approve")
    bob.find("#item .history", "and took it back")

    opens(bob, "/")
    waiting(bob, 195)
    bob.click("#later .row a")
    bob.find("#item-heading")
    title = bob.evaluate("return document.querySelector('#item-heading').innerText")
    bob.click("#item summary", "More")
    bob.click("#item button", "for an hour")
    waiting(bob, 194)
    bob.click(".filters summary")
    bob.click("a", "Snoozed")
    bob.find("#found .row", title)


def asks(bob: Firefox, here: Installation) -> None:
    here.assign(BOATS, assignee=None, candidates=["bobby", "carol"], initiator="alice")
    here.waits_for("bobby", BOATS)
    opens(bob, FOUND_BOATS)
    bob.click("#found .row a", BOATS)
    bob.find("#item-heading", BOATS)
    bob.click("#item a", "Ask for information…")
    bob.type("#item textarea[id^=comment]", QUESTION)
    bob.click("#item button", "Ask for information")
    bob.find("#item .outcome", "Sent to Alice.")
    here.waits_for("alice", f"Bob asks about “{BOATS}”")


def alice_replies_on_her_phone(alice: Firefox, here: Installation, photo: Path) -> None:
    photo.write_bytes(png(2_400, 300))
    alice.resize(*PHONE)
    signs_in(alice, here, "alice")
    opens(alice, FOUND_BOATS)
    alice.click("#found .row a", f"Bob asks about “{BOATS}”")
    alice.type("#item textarea[id^=comment]", REPLY)
    alice.driver.find_element(By.CSS_SELECTOR, "#item input[type=file]").send_keys(str(photo))
    counted(alice, "return Number(document.querySelector('#news').textContent.includes('boat.png is attached.'))", 1)
    alice.click("#item button", "Reply")
    alice.find("#item .outcome", "Sent to Bob.")


def erin_follows_her_case_on_her_phone(erin: Firefox, here: Installation) -> None:
    case = {"id": "R-9", "title": "Broken heating", "type": "repair"}
    customer = {"ref": "C-9", "name": "Erin Lindner", "email": "erin@customer.example", "locale": "en"}
    here.person("C-9", name=customer["name"], email=customer["email"], external=True)
    here.send("request.status_changed", {"case": {**case, "status": "received"}, "customer": customer})
    here.hears("C-9")
    erin.open(here.link_for("C-9").removeprefix(here.url))
    erin.click("button", "Open my page")
    erin.find('.milestones [aria-current="step"]', "Received")
    erin.find(LIVE)
    said = {"case": {**case, "status": "assigned"}, "customer": customer, "message": "Mr Huber comes on Monday."}
    here.send("request.status_changed", said)
    erin.find('.milestones [aria-current="step"]', "In progress")
    erin.find("#thread", "Mr Huber comes on Monday.")


def carol_sees_it_all(carol: Firefox) -> None:
    carol.resize(*DESK)
    has_the_conversation(carol)
    carol.find("#item button", "Approve")  # she may still decide, too


def has_the_reply(bob: Firefox) -> None:
    has_the_conversation(bob)
    bob.click("#item button", "Approve")
    bob.find("#item .outcome", "Approved.")


def has_the_conversation(browser: Firefox) -> None:
    opens(browser, FOUND_BOATS)
    browser.click("#found .row a", BOATS)
    browser.find("#item .message-list .line-text", QUESTION)
    browser.find("#item .message-list .line-text", REPLY)
    browser.find("#item .message-list a", "boat.png")
    # The phone has made it smaller.
    counted(browser, "return document.querySelector('#item .message-list img').naturalWidth", 2_048)


def fills_in_a_form(bob: Firefox, here: Installation, line: Line) -> None:
    """In a cellar, where no signal is."""
    title = "Approve the pump in the cellar"
    task = {"id": "pump", "name": title, "kind": "approval", "assignee": "bobby", "form": invoice_form()}
    here.send("task.assigned", {"task": task, "variables": VARIABLES})
    here.waits_for("bobby", title)
    opens(bob, "/?q=cellar")
    bob.click("#found .row a", title)
    bob.type("#value-note", "Nine came.")
    bob.find(LIVE)

    line.cut()
    bob.type("#value-amount", "10.000")
    bob.click("#item label", "Office")
    bob.click("#item button", "Approve")
    bob.find(".fault-summary", "Amount: Is it 10000 or 10.0000?")
    bob.type("#value-amount", "900")
    bob.click("#item button", "Approve")
    bob.find("#item [data-slot=outcome]", "“Approve” will be sent when you are back.")

    line.mend()
    bob.find("#item [data-slot=outcome]", "Approved.")
    bob.find("#item [data-slot=history]", "Amount: €900.00 (instead of €1,000.00)")
