"""What can be measured of how it looks and reads: sizes, names, words that server and browser both say."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation
from playwright.async_api import Page, expect

from notifications.wording.sentences import TEXTS
from tests.browsers.conftest import SignIn, is_live
from tests.browsers.installation import Installation
from tests.browsers.items import account_menu, opened
from tests.browsers.test_main_job import reloaded

pytestmark = pytest.mark.ci

WORDS_OF_BOTH = """async () => {
  const {fill} = await import("/static/wfpush/cards.js");
  const parts = ["title", "snippet", "due", "outcome", "priority", "buttons", "stamp", "body", "lines",
                 "amount", "others", "origin", "key-facts"];
  const read = (host) => Object.fromEntries(parts.map((name) => {
    const part = host.querySelector(`[data-slot="${name}"]`);
    return [name, part && !part.closest("[hidden]") ? part.textContent.trim().replace(/\\s+/g, " ") : ""];
  }));
  const answer = await fetch("/api/v1/notifications?state=all&limit=200");
  const differences = [];
  let compared = 0;
  for (const item of (await answer.json()).items) {
    for (const host of document.querySelectorAll(`[data-id="${item.id}"]`)) {
      const server = read(host), copy = host.cloneNode(true);
      for (const part of copy.querySelectorAll("[data-slot]")) if (!part.children.length) part.replaceChildren();
      for (const name of ["buttons", "key-facts"]) copy.querySelector(`[data-slot="${name}"]`)?.replaceChildren();
      fill(copy, item);
      const browser = read(copy);
      compared += 1;
      differences.push(...parts.filter((name) => server[name] !== browser[name])
                               .map((name) => [name, server[name], browser[name]]));
    }
  }
  return {compared, differences};
}"""


async def in_every_state(installation: Installation, dave: Page, question: str) -> None:
    """Items of Dave's, one for each thing that can become of one."""
    from_now = [
        ("Approve the roof", "2026-12-24T16:00:00Z"),
        ("Approve the wall", "2020-01-01T00:00:00Z"),
        (question, None),
    ]
    for name, due in from_now:
        installation.assign(name, due_at=due, priority="high" if due else "low", description="One.\n\nTwo.")
    withdrawn, completed = installation.assign("Approve the fence"), installation.assign("Approve the gate")
    installation.send("task.assigned", {"task": {"id": withdrawn, "name": "Approve the fence", "assignee": "carol"}})
    result = {"action": "approve", "by": {"ref": "erin", "name": "إرين"}, "at": "2026-11-20T10:00:00Z"}
    installation.send("task.completed", {"task": {"id": completed}, "result": result})
    keys = {"action": "hand_over", "title": "Hand the keys over"}
    titled = installation.assign("Approve the shed", actions=[keys, "reject"])
    installation.send("task.completed", {"task": {"id": titled}, "result": {**result, "action": "hand_over"}})
    installation.person("erin", name="إرين")
    installation.goes("erin", delegate="dave")
    installation.assign("Approve the loft", to="erin")
    runs_late(installation, key=installation.engine_with_policy(f"late-{question[-2:]}"))
    installation.send("case.status_changed", {"case": {"id": "88", "status": "under_review"}, "recipients": ["dave"]})
    await dave.get_by_role("link", name=f"More: {question}").click()
    await dave.locator("#item").get_by_role("button", name="Acknowledge").click()
    await expect(dave.locator('#item [data-slot="outcome"]')).to_contain_text("Acknowledged.")


FACTS = """
from notifications.models import Template, TemplateFact
version = Template.objects.get(slug="task").versions.get(state="published")
TemplateFact.objects.get_or_create(
    version=version, path="variables.paid_at", kind="datetime", labels={"en": "Paid", "de": "Bezahlt"}, position=8)
print(version)
"""


def with_facts(installation: Installation) -> None:
    """Dave's items that have one key fact, many, and none that is large."""
    installation.set_up(FACTS)
    amount, paid = {"amount": "12345678.90", "currency": "EUR"}, {"paid_at": "2026-12-03T23:30:00Z"}
    of_invoice = {**amount, **paid, "supplier": "Acme <GmbH>"}
    for number, variables in enumerate([{"amount": 5}, of_invoice, {"vendor": "Nordwind"}]):
        task = {"id": f"F-{number}", "name": f"Approve {number}", "assignee": "dave", "kind": "approval"}
        task |= {"initiator": "grace", "description": f"Approve {number}: as agreed."}
        installation.send("task.assigned", {"task": task, "variables": variables})


def runs_late(installation: Installation, *, key: str) -> None:
    """A task of Dave's goes to Grace as well, and one of Frank's to Dave."""
    installation.person("grace", name="Grace")
    installation.person("dave", name="Dave", manager="grace")
    installation.person("frank", name="Frank", manager="dave")
    for person in ("dave", "frank"):
        installation.assign(f"Approve the tent of {person}", to=person, key=key, due_at=datetime.now(UTC).isoformat())


@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.long), "de"])
async def test_server_and_browser_say_the_same_of_every_item(
    installation: Installation, sign_in: SignIn, language: str
) -> None:
    dave = await sign_in("dave")
    with_facts(installation)
    await in_every_state(installation, dave, f"Ask me in {language}")
    await (await account_menu(dave)).get_by_role("button", name="Deutsch" if language == "de" else "English").click()
    await expect(dave.locator("html")).to_have_attribute("lang", language)
    await is_live(dave)
    for name in ("Grace", "Frank"):
        await expect(dave.locator("#waiting [data-slot=lines]").get_by_text(name)).not_to_have_count(0)

    await dave.locator("#waiting").get_by_role("link", name="Approve 1", exact=True).first.click()
    await expect(dave.locator('#item [data-slot="first"]')).to_have_text(
        "12.345.678,90 €" if language == "de" else "€12,345,678.90"
    )
    found = await words_of_both(dave)

    assert found["differences"] == []
    assert found["compared"] >= 6


async def words_of_both(page: Page) -> Any:
    """Once the page and the API speak of the same state: what waits for an engine may just have been tried again."""
    for _ in range(20):
        found = await page.evaluate(WORDS_OF_BOTH)
        if not found["differences"]:
            break
        await page.reload()
        await is_live(page)
    return found


WIDTHS = (1920, 1280, 820, 390, 320)


@pytest.mark.parametrize(
    ("javascript", "languages"),
    [(True, ("Deutsch", "Français")), (False, ("Español", "English"))],
    ids=["javascript", "plain"],
)
async def test_nothing_is_wider_than_its_window_in_any_language(
    installation: Installation, sign_in: SignIn, javascript: bool, languages: tuple[str, ...]
) -> None:
    """WCAG 2.2, 1.4.10: from 320 pixels, as on a phone or a screen at 400 %. Colours change no width."""
    installation.assign(
        "Genehmigung der Donaudampfschifffahrtsgesellschaftskapitänsmützenbeschaffung", priority="urgent"
    )
    dave = await sign_in("dave", javascript=javascript)
    await dave.set_viewport_size({"width": 320, "height": 600})
    first = dave.locator("#waiting a").first
    await reloaded(dave, first.is_visible)

    item = await first.get_attribute("href") or ""
    for language in languages:
        await dave.goto("/")
        await (await account_menu(dave)).get_by_role("button", name=language, exact=True).click()
        await expect((await account_menu(dave)).get_by_role("button", name=language, exact=True)).to_have_attribute(
            "aria-current", "true"
        )
        for address in ("/", item, "/absence", "/devices", "/password", "/nowhere"):
            await dave.goto(address)
            for width in WIDTHS:
                await dave.set_viewport_size({"width": width, "height": 600})
                assert await scroll_width(dave) <= width, (language, address)


ROWS = """() => {
  const rows = [...document.querySelectorAll('.row:has(> [data-slot="outcome"][hidden])')];
  const boxes = rows.map((row) => row.getBoundingClientRect());
  const whole = boxes.filter(({height, bottom}) => height && bottom <= innerHeight);
  const numbers = document.querySelectorAll('.row-title [data-slot="number"]:not([hidden])');
  const right = (element) => element.getBoundingClientRect().right;
  const cut = [...numbers].filter((number) => right(number) > right(number.parentElement)).length;
  const amounts = document.querySelectorAll(".row-title ~ .amount:not([hidden])");
  const ofText = (element) => (range.selectNodeContents(element), range.getBoundingClientRect()), range = new Range();
  const beside = [...amounts].map((each) => ofText(each).left - right(each.parentElement.querySelector(".row-title")));
  const tallest = Math.max(...whole.map(({height}) => height));
  return {above: boxes[0].top, tallest, whole: whole.length, cut, widest: Math.max(...beside)};
}"""
NEWS = """(words) => {
  const button = document.getElementById("show-new"), row = document.querySelector(".row");
  const first = () => row.getBoundingClientRect().top;
  const before = first();
  Object.assign(button, {hidden: false, textContent: words});
  const moved = first() - before;
  button.hidden = true;
  return moved;
}"""


@pytest.mark.parametrize("finger", [True, False], ids=["finger", "mouse"])
async def test_the_list_has_room_for_its_rows_and_news_move_nothing(
    installation: Installation, sign_in: SignIn, finger: bool
) -> None:
    for number in range(14):
        task = {"id": f"R-{number}", "name": f"Approve the many chairs and tables of room {number}", "kind": "approval"}
        task |= {"assignee": "dave", "priority": "low", "due_at": "2020-01-01T00:00:00Z"}
        installation.send("task.assigned", {"task": task, "variables": {"amount": 5, "currency": "EUR"}})
    dave = await sign_in("dave", phone=finger)
    await reloaded(dave, dave.locator(".row").nth(13).is_visible)
    words = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            words.append(str(TEXTS["list_changed"]))

    for width, height, rows in ((320, 700, 5), (390, 844, 8), (820, 1180, 12), (1280, 800, 9), (1920, 1080, 13)):
        await dave.set_viewport_size({"width": width, "height": height})
        measured = await dave.evaluate(ROWS)
        assert measured["above"] <= 140, (width, measured)
        assert measured["whole"] >= rows, (width, measured)
        assert measured["cut"] == 0, (width, measured)
        assert 0 < measured["widest"] <= 12, (width, measured)
        assert width < 1024 or measured["tallest"] <= 64, (width, measured)
        assert [await dave.evaluate(NEWS, each) for each in words] == [0] * len(words), width


async def scroll_width(page: Page) -> int:
    width: int = await page.locator("html").evaluate("root => root.scrollWidth")
    return width


async def test_whatever_a_finger_presses_is_large_enough(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the sofa", url="https://engine.example/sofa")
    dave = await sign_in("dave", phone=True, again=True)
    await check_targets(dave)
    await dave.get_by_role("link", name="Approve the sofa", exact=True).click()
    await expect(dave.locator("#item-heading")).to_be_focused()
    await check_targets(dave)
    for address in ("/absence", "/password"):
        await dave.goto(address)
        await check_targets(dave)


PRESSED_KINDS = ("button", "a.button", ".tabs a", "select", ".more", "summary", ".facts a", ".rest a", ".reports a")
PRESSED = ", ".join(f"{each}:visible" for each in (*PRESSED_KINDS, "main input"))


async def check_targets(page: Page) -> None:
    small = await page.locator(PRESSED).evaluate_all(
        """all => all.map(each => each.closest("label.option, label.tick") ?? each)
                   .map(each => [each.textContent.trim(), each.getBoundingClientRect()])
                   .filter(([words, box]) => box.height < 44 || box.width < 24).map(([words]) => words)"""
    )
    assert small == []


async def test_a_screen_reader_finds_its_way(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the piano", priority="urgent")
    installation.waits_for("dave", "Approve the piano")
    dave = await sign_in("dave", phone=True, again=True)

    for landmark in ("banner", "main"):
        await expect(dave.get_by_role(landmark)).to_have_count(1)  # type: ignore[arg-type]
    await expect(dave.get_by_role("region", name="Waiting for you")).to_be_visible()
    await expect(dave.locator("#list li").filter(has_text="piano")).to_match_aria_snapshot(
        """
        - text: unread
        - link "Approve the piano"
        - paragraph: urgent Your approval is needed.
        - time
        - button "Approve"
        """
    )


async def test_what_was_asked_is_past_once_it_is_answered(installation: Installation, sign_in: SignIn) -> None:
    title = "Approve the gazebo"
    installation.assign(title)
    installation.waits_for("dave", title)
    dave = await sign_in("dave")
    item = await opened(dave, title)
    await expect(item.locator(".asked")).to_be_hidden()

    await item.get_by_role("button", name="Approve", exact=True).click()

    await expect(item.locator(".outcome")).to_contain_text("Approved.")
    await expect(item.locator(".asked")).to_have_text("What was asked:")
    await expect(item.locator(".asked")).to_be_visible()


async def test_motion_stops_when_asked(installation: Installation, sign_in: SignIn) -> None:
    installation.assign("Approve the swing")
    dave = await sign_in("dave", reduced_motion="reduce")

    moving: Any = await dave.locator(".button").first.evaluate("each => getComputedStyle(each).transitionDuration")
    assert set(str(moving).split(", ")) == {"0s"}
