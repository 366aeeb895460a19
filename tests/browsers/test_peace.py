"""People are left in peace while the clock goes on: Bob's night, a turn of duty that is swapped, and Erin, who wants no
more e-mails. Nothing is simulated but the date, and that of all processes. How it looks: test_peace_looks.py."""

import re
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browsers.items import account_menu
from tests.browsers.moved import BERLIN, MovedInstallation
from tests.browsers.test_accessible import faults
from tests.support.mailserver import mail_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.ci

SET_UP = """
from datetime import date
from notifications.rotas.tasks import hand_over_duty
from notifications.models import Brand, Category, Recipient, Route, RouteTarget, Team, Template
from notifications.rotas.models import Rota, RotaLayer
people = {person.ref: person for person in Recipient.objects.filter(ref__in=["alice", "bob", "carol"])}
for ref, person in people.items():
    person.email, person.email_verified = f"{ref}@example.org", True
    person.locale, person.timezone = "en", "Europe/Berlin"
    person.save()
claims = Team.objects.create(slug="claims", name="Claims")
claims.members.set(people.values())
rota = Rota.objects.create(slug="claims", name="Claims", team=claims, timezone="Europe/Berlin")
RotaLayer.objects.create(rota=rota, people=[people["alice"].pk, people["carol"].pk], begins_on=date(2026, 12, 7))
route = Route.objects.create(
    name="Damage", template=Template.objects.get(slug="task"), category=Category.objects.get(slug="approvals"))
route.event_types.set(route.event_types.model.objects.filter(name="task.assigned"))
route.conditions.create(path="task.kind", operator="eq", value="damage")
RouteTarget.objects.create(route=route, kind="duty", ref=str(rota.pk))
hand_over_duty()  # as the worker does each minute: what is different at a later look is a hand-over
Brand.objects.create(slug="homes", name="Acme Homes", accent="#7a1fa2", accent_dark="#d7a8ff",
                     from_email="Acme Homes <no-reply@homes.example>", reply_to="care@homes.example")
print(route)
"""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ERIN = {"ref": "C-88", "name": "Erin Lindner", "email": "erin@customer.example", "locale": "en"}


@pytest.fixture(scope="module")
def here(chromium: object) -> Iterator[MovedInstallation]:
    with mail_server() as mailbox:
        found = MovedInstallation(mailbox)
        try:
            found.begin()
            found.set_up(SET_UP)
            yield found
        finally:
            found.end()


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(mail: EmailMessage, kind: str) -> str:
    """The first address of a kind, such as `/u/`: what unsubscribes."""
    found = re.search(rf"http://\S+/{kind}/\S+", text_of(mail))
    assert found is not None, text_of(mail)
    return found[0]


def when(mail: EmailMessage) -> datetime:
    """Its Date."""
    said: Any = mail["Date"].datetime
    return said.astimezone(BERLIN).replace(tzinfo=None, second=0)


async def has_quiet_nights(bob: Page) -> None:
    """He chooses them on his page of settings."""
    await bob.goto("/settings")
    hours = bob.get_by_role("group", name="Quiet hours 1")
    for day in DAYS:
        await hours.get_by_label(day).check()
    await hours.get_by_label("From").fill("22:00")
    await hours.get_by_label("Until").fill("07:00")
    await bob.get_by_role("button", name="Save", exact=True).click()
    await expect(bob.get_by_text("Saved.")).to_be_visible()


def why_it_came(here: MovedInstallation, trace: str, reason: str) -> None:
    """Return when an event's trace says so of its e-mail."""

    def is_said() -> bool:
        sent = here.trace(trace)["deliveries"]
        return [each["reason"] for each in sent if each["channel"] == "email"] == [reason]

    eventually(is_said, reason)


async def test_bobs_night(here: MovedInstallation, browser: Browser, complaints: list[str]) -> None:
    bob = await here.opens(browser, complaints, "bob", phone=True, color_scheme="dark")
    await has_quiet_nights(bob)

    await here.goes_on_to(berlin("2026-12-04T22:40"), bob)
    await bob.reload()
    outlook = bob.locator("#outlook")
    await expect(outlook.get_by_role("heading", level=3).first).to_have_text("Now, Friday 22:40")
    await expect(outlook).to_contain_text("would wait until 07:00")
    await bob.goto("/")
    cases = [{"id": f"C-{number}", "title": f"Claim {number}", "status": "received"} for number in range(1, 13)]
    sent = here.send_together("case.status_changed", [{"case": case, "recipients": ["bob"]} for case in cases])
    here.assign("Stop the pump", to="bob", priority="urgent")
    await expect(bob.get_by_role("link", name="Stop the pump", exact=True)).to_be_visible()  # live, as always
    (urgent,) = here.mails_to("bob", 1)
    assert (urgent["Subject"], when(urgent)) == ("Stop the pump", datetime(2026, 12, 4, 22, 40))
    why_it_came(here, sent["items"][0]["url"], "quiet hours until 2026-12-05 07:00 CET")
    assert here.unsent("bob", 12) == ["quiet hours until 2026-12-05 07:00 CET"] * 12

    await here.goes_on_to(berlin("2026-12-05T07:00"), bob)
    _, morning = here.mails_to("bob", 2)
    assert (morning["Subject"], when(morning)) == ("12 updates", datetime(2026, 12, 5, 7))
    links = set(re.findall(r"http://\S+/a/\S+", text_of(morning)))
    assert len(links) == 12
    why_it_came(here, sent["items"][0]["url"], "in a digest of 12")

    await bob.goto(link_in(morning, "a"))
    await expect(bob.locator("#item-heading")).to_have_text(re.compile("^Claim .*“received”"))  # he is signed in here
    assert len(here.mailbox.to("bob")) == 2
    assert complaints == []


def moves(here: MovedInstallation, status: str) -> None:
    case = {"id": "R-88", "title": "Broken heating", "type": "repair", "status": status}
    here.send("request.status_changed", {"case": case, "customer": ERIN})


async def test_erin_wants_no_more_of_these(here: MovedInstallation, browser: Browser, complaints: list[str]) -> None:
    here.person("C-88", name=ERIN["name"], email=ERIN["email"], brand="homes", external=True)
    erin = await here.opens(browser, complaints, phone=True, color_scheme="dark")
    moves(here, "received")
    (first,) = here.mails_to("erin", 1)
    assert (first["From"], first["Reply-To"]) == ("Acme Homes <no-reply@homes.example>", "care@homes.example")

    await erin.goto(link_in(first, "u"))
    await expect(erin).to_have_title("Turn off these e-mails? · Acme Homes")
    assert await faults(erin) == []
    await erin.get_by_role("button", name="Turn them off").click()
    await expect(erin.get_by_role("heading", name="These e-mails are off")).to_be_visible()
    moves(here, "assigned")
    assert here.unsent("C-88", 1) == ["turned off by this person"]

    await erin.goto("/link")
    await erin.get_by_label("Your e-mail address").fill(ERIN["email"])
    await erin.get_by_role("button", name="Send me a link").click()
    await expect(erin.get_by_role("heading", name="Check your e-mail")).to_be_visible()
    _, link = here.mails_to("erin", 2)  # the second mail of all is that of the link
    await erin.goto(link_in(link, "link"))
    await erin.get_by_role("button", name="Open my page").click()
    await expect(erin.locator('.milestones [aria-current="step"]')).to_contain_text("In progress")
    assert complaints == []


@pytest.mark.long
async def test_alice_and_carol_swap_a_turn(here: MovedInstallation, browser: Browser, complaints: list[str]) -> None:
    await here.goes_on_to(berlin("2026-12-06T18:00"))
    alice = await here.opens(browser, complaints, "alice")
    carol = await here.opens(browser, complaints, "carol", phone=True, color_scheme="dark")
    await (await account_menu(alice)).get_by_role("link", name="Duty").click()
    await expect(alice.get_by_text("Then Alice from Monday, 7 December, 08:00")).to_be_visible()
    turn = alice.locator("#turns-heading + ul > li").first
    await turn.get_by_text("Ask for a swap").click()
    await turn.get_by_label("Swap with").select_option("Carol, for nothing in return")
    await turn.get_by_role("button", name="Ask").click()
    await expect(alice.get_by_text("Carol was asked. You are notified of the answer.")).to_be_visible()

    asked = "Alice asks you to take over duty for Claims"
    await carol.get_by_role("link", name=asked, exact=True).click()
    await carol.get_by_role("link", name="Open your page of duty").click()
    await expect(carol).to_have_title("Duty · wfpush")
    assert await faults(carol) == []
    await carol.get_by_role("button", name=re.compile("^Take over")).click()
    await expect(carol.get_by_text("You take over. Alice is notified.")).to_be_visible()
    await alice.goto("/")
    await expect(alice.get_by_role("link", name="Carol takes over your duty for Claims", exact=True)).to_be_visible()

    here.send("task.assigned", {"task": {"id": "T-1", "name": "Look at the roof", "teams": ["claims"]}})
    await here.goes_on_to(berlin("2026-12-07T08:01"), alice, carol)
    await carol.goto("/")
    trace = here.send(
        "task.assigned", {"task": {"id": "T-2", "name": "Look at the cellar", "kind": "damage", "teams": ["reception"]}}
    )["url"]
    await expect(carol.get_by_role("link", name="Look at the cellar", exact=True)).to_be_visible()
    told = [(each["ref"], each["reason"]) for each in here.trace(trace)["recipients"]]
    assert told == [("carol", "on duty for Claims")]
    note = carol.get_by_role("link", name="You are on duty for Claims", exact=True)
    await note.click()  # django-q2 looks at its schedules every 30 seconds
    await expect(carol.locator("#item .text")).to_contain_text("Look at the roof")
    assert complaints == []
