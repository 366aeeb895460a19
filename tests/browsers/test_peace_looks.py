"""How the pages and e-mails of test_peace.py look: on a phone and a desk, light and dark, in every language. Nothing is
wider than its window, and axe finds nothing. `make looks` keeps the pictures."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import product
from pathlib import Path

import pytest
import pytest_asyncio
from django.conf import settings
from playwright.async_api import Browser, Page, expect

from tests.browsers.moved import MovedInstallation
from tests.browsers.test_accessible import faults
from tests.browsers.test_peace import berlin, link_in
from tests.support.mailserver import mail_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.long

FOLDER = os.environ.get("WFPUSH_LOOKS")
"""Where pictures are kept. Without it none are taken."""
SIZES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 800}}
OF_PAGES = ("region:", "landmark-one-main:")
"""Rules for whole pages: an e-mail is a part of a mail program's."""
LANGUAGES = [code for code, _ in settings.LANGUAGES]
SET_UP = """
from datetime import date, datetime, time
from notifications.rotas.tasks import hand_over_duty
from notifications.models import Brand, Case, Category, CategoryDefault, FollowedKind, QuietHours, Recipient, Team
from notifications.rotas.models import Rota, RotaLayer, RotaOverride
from wfpush import zones
Brand.objects.create(
    slug="homes", name="Acme Homes", accent="#7a1fa2", accent_dark="#d7a8ff", reply_to="care@homes.example",
    from_email="Acme Homes <no-reply@homes.example>", contact="Customer service", contact_phone="+49 89 5550 1234")
Category.objects.filter(slug="incidents").update(mandatory=["email"], mandatory_reason="Somebody has to act.")
zone = zones.zone("Europe/Berlin")
for language in {languages}:
    people = {{}}
    for ref, name in (("alice", "Alice"), ("bob", "Bob"), ("carol", "Carol")):
        person = people[ref] = Recipient.objects.get(ref=f"{{ref}}-{{language}}")
        person.email, person.email_verified = f"{{person.ref}}@example.org", True
        person.locale, person.timezone = language, "Europe/Berlin"
        person.save()
    QuietHours.objects.create(recipient=people["bob"], days=list(range(7)), begins=time(22), ends=time(7))
    team = Team.objects.create(slug=f"claims-{{language}}", name="Claims", lead=people["carol"])
    team.members.set(people.values())
    CategoryDefault.objects.create(
        team=team, category=Category.objects.get(slug="case-updates"), channels={{"webpush": False}})
    for number, name in enumerate(("Claims", "Nights and weekends")):
        rota = Rota.objects.create(slug=f"{{language}}-{{number}}", name=name, team=team, timezone="Europe/Berlin")
        RotaLayer.objects.create(
            rota=rota, people=[people["alice"].pk, people["carol"].pk], begins_on=date(2026, 11, 30 - 7 * number))
        RotaOverride.objects.create(
            rota=rota, person=None, begins_at=datetime(2026, 12, 4, 18 + number, tzinfo=zone),
            ends_at=datetime(2026, 12, 6 + number, 8, tzinfo=zone))
hand_over_duty()
print("ready")
"""


@dataclass(frozen=True)
class Look:
    """A page at an address, or an e-mail. `opens`: what is pressed there, so that all of it is to be seen."""

    name: str
    shown: str | EmailMessage
    opens: str = ""


@pytest.fixture(scope="module")
def here(chromium: object) -> Iterator[MovedInstallation]:
    with mail_server() as mailbox:
        found = MovedInstallation(mailbox)
        try:
            found.begin()
            for language, name in product(LANGUAGES, ("Alice", "Bob", "Carol")):
                found.account(f"{name.lower()}-{language}", name)
            found.set_up(SET_UP.format(languages=LANGUAGES))
            yield found
        finally:
            found.end()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def night(here: MovedInstallation) -> None:
    """What comes to all of them while they sleep; in the morning they hear of it."""
    await here.goes_on_to(berlin("2026-12-04T22:40"))
    for language in LANGUAGES:
        for number in range(1, 10):
            of_bob(here, language, f"{language}-{number % 7}", ("received", "checked", "paid")[number // 7])
        for number, (task, amount) in enumerate([("Approve invoice 4711", 1250.5), ("Approve the journey", 80)]):
            about = {"id": f"{language}-{number}", "name": task, "assignee": f"bob-{language}", "kind": "approval"}
            case = {"id": f"I-{language}-{number}", "title": f"Invoice {4711 + number}", "type": "invoice"}
            variables = {"amount": amount, "currency": "EUR", "vendor": "Müller & Söhne KG"}
            due = berlin("2026-12-05T12:00").isoformat()
            here.send("task.assigned", {"task": {**about, "due_at": due}, "case": case, "variables": variables})
        here.assign("Stop the pump", to=f"bob-{language}", priority="urgent")
        here.assign("Look at the roof", to=f"alice-{language}", teams=[f"claims-{language}"])
        here.person(
            f"erin-{language}",
            name="Erin Lindner",
            email=f"erin-{language}@customer.example",
            brand="homes",
            external=True,
            locale=language,
            timezone="Europe/Berlin",
        )
        customer = {"ref": f"erin-{language}", "name": "Erin Lindner"}
        repair = {"id": f"R-{language}", "title": "Broken heating", "type": "repair", "status": "received"}
        here.send("request.status_changed", {"case": repair, "customer": customer})
    for language in LANGUAGES:
        here.mails_to(f"bob-{language}", 1)
        here.mails_to(f"erin-{language}", 1)
        here.unsent(f"bob-{language}", 11)
    await here.goes_on_to(berlin("2026-12-05T07:00"))
    for language in LANGUAGES:
        here.mails_to(f"bob-{language}", 2)


def of_bob(here: MovedInstallation, language: str, case: str, status: str) -> None:
    about = {"id": case, "title": f"Claim 471{case[-1]}", "type": "claim", "status": status}
    here.send("case.status_changed", {"case": about, "recipients": [f"bob-{language}"]})


@pytest.mark.parametrize("language", LANGUAGES)
async def test_of_bobs_night(
    here: MovedInstallation, night: None, browser: Browser, complaints: list[str], language: str
) -> None:
    who = f"bob-{language}"
    bob = await here.opens(browser, complaints, who)
    urgent, morning = here.mails_to(who, 2)
    claim = item_of(here, who, "Claim")
    found = await looks(bob, language, [
        Look("settings", "/settings"),
        Look("inbox", "/"),
        Look("task", item_of(here, who, "Approve invoice")),
        Look("update", claim),
        Look("mail urgent", urgent),
        Look("mail morning", morning),
    ])  # fmt: skip
    for number in (0, 1, 2):  # follow, follow the kind, mute
        await bob.goto(claim)
        await bob.locator("form.follow button").nth(number).click()
        await bob.wait_for_load_state("networkidle")
    found += await looks(bob, language, [Look("muted", claim), Look("following", "/settings/following")])
    stranger = await here.opens(browser, complaints)
    found += await looks(stranger, language, [
        Look("from the mail", link_in(urgent, "a")),
        Look("unsubscribe staff", link_in(morning, "u")),
    ])  # fmt: skip
    assert found == []
    assert complaints == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_of_a_swap(
    here: MovedInstallation, night: None, browser: Browser, complaints: list[str], language: str
) -> None:
    alice = await here.opens(browser, complaints, f"alice-{language}")
    carol = await here.opens(browser, complaints, f"carol-{language}")
    found = await looks(carol, language, [Look("duty", "/duty"), Look("duty asking", "/duty", "details.swap >> nth=0")])
    for person in (alice, carol):
        await person.goto("/duty")
        await person.locator("details.swap summary").first.click()
        await person.locator("details.swap select").first.select_option(index=1)
        await person.locator("details.swap button").first.click()
        await expect(person.locator("#mine-heading")).to_be_visible()
    asked = item_of(here, f"carol-{language}", "")
    found += await looks(carol, language, [Look("duty asked", "/duty"), Look("duty item", asked)])
    (mail,) = here.mails_to(f"carol-{language}", 1)
    found += await looks(carol, language, [Look("mail duty", mail)])
    assert found == []
    assert complaints == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_of_erins_leaving(
    here: MovedInstallation, night: None, browser: Browser, complaints: list[str], language: str
) -> None:
    erin = await here.opens(browser, complaints)
    (first,) = here.mails_to(f"erin-{language}", 1)
    unsubscribe = link_in(first, "u")
    found = await looks(erin, language, [
        Look("mail customer", first),
        Look("customer from the mail", link_in(first, "a")),
        Look("unsubscribe", unsubscribe),
        Look("unsubscribe cut off", unsubscribe[:-3]),
    ])  # fmt: skip
    await erin.goto(unsubscribe)
    async with erin.expect_navigation():
        await erin.locator("main form button").first.click()
    found += await looks(erin, language, [Look("unsubscribed", unsubscribe)])
    async with erin.expect_navigation():
        await erin.locator("main form button").last.click()
    found += await looks(erin, language, [Look("link sent", "")])
    _, link = here.mails_to(f"erin-{language}", 2)
    found += await looks(erin, language, [Look("mail link", link), Look("link", link_in(link, "link"))])
    await erin.locator("main form button").click()
    await expect(erin.locator("#settings-form")).to_be_visible()
    found += await looks(erin, language, [
        Look("customer page", "/"),
        Look("customer settings", "/settings"),
    ])  # fmt: skip
    assert found == []
    assert complaints == []


def item_of(here: MovedInstallation, who: str, title: str) -> str:
    """The path of the newest item of a person whose title begins so."""
    query = (
        "SELECT n.id FROM notifications_notification n JOIN notifications_recipient r ON r.id = n.recipient_id"
        f" WHERE r.ref = '{who}' AND n.title LIKE '{title}%' ORDER BY n.seq DESC LIMIT 1"
    )
    ((found,),) = eventually(lambda: here.house.rows(query), f"{who} has an item")
    return f"/n/{found}"


async def looks(page: Page, language: str, wanted: list[Look]) -> list[str]:
    """What is wrong with them, with where."""
    found = []
    for look, (name, size), scheme in product(wanted, SIZES.items(), ("light", "dark")):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        await _show(page, look)
        place = f"{look.name} {name} {scheme} {language}"
        if FOLDER:
            await page.screenshot(path=Path(FOLDER) / f"{place.replace(' ', '-')}.png", full_page=True)
        of_pages = OF_PAGES if isinstance(look.shown, EmailMessage) else ()
        found += [f"{place}: {fault}" for fault in await faults(page) if not fault.startswith(of_pages)]
        if await page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            found.append(f"{place}: wider than its window")
    return found


async def _show(page: Page, look: Look) -> None:
    if isinstance(look.shown, EmailMessage):
        part = look.shown.get_body(("html",))
        assert part is not None
        await page.goto("about:blank")  # or the policy of the page before would hold
        await page.set_content(part.get_content())
    elif look.shown:
        await page.goto(look.shown)
    if look.opens:
        await page.locator(look.opens).locator("summary").click()
