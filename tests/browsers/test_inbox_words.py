"""Pages and service worker say of an item what tests/vectors/inbox_words.json says, and so does the server."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from itertools import groupby
from typing import Any

import pytest
import pytest_asyncio
from django.conf import settings
from django.utils import translation
from playwright.async_api import Browser, Page, Route

from notifications.types import TAKES_AWAY
from notifications.wording.sentences import spoken, spoken_by_worker
from tests.vectors.inbox_words import CASES

pytestmark = pytest.mark.ci

Case = dict[str, Any]
Reading = Callable[..., Awaitable[Page]]
SITE = "http://inbox.test/"
SCRIPTS = settings.BASE_DIR / "static" / "wfpush"

TIMES = """async (cases) => {
  const {due, stamp, when, exact} = await import("/static/wfpush/words.js");
  return cases.map((each) => {
    const at = new Date(each.at), now = new Date(each.now);
    const {text, short, urgency} = due(at, now);
    return {text, short, urgency, stamp: stamp(at, now), when: when(at, now), exact: exact(at)};
  });
}"""
OUTCOMES = """async (cases) => {
  const {outcomeOf} = await import("/static/wfpush/words.js");
  return cases.map(({item}) => outcomeOf(item));
}"""
REPLIES = """async ({cases, words}) => {
  globalThis.WORDS = words;
  const {outcomeWords} = await import("/static/wfpush/worker/speaking.js");
  return cases.map(({item: {outcome, actions}, reader, language, timezone}) => {
    const given = actions.find(({action}) => action === outcome.action) ?? {action: outcome.action};
    const answer = {...given, ref: reader, lang: language};
    const {action, by: answered_by, at: answered_at} = outcome;
    const mine = {status: 201, body: {...outcome, id: "r"}};
    const late = {status: 409, body: {code: "already_answered", action, answered_by, answered_at}};
    return {text: outcomeWords(answer, outcome.by.ref === reader ? mine : late, timezone)};
  });
}"""
BUTTONS = """async (cases) => {
  const {fill} = await import("/static/wfpush/cards.js");
  return cases.map(({actions, outcome}) => {
    const host = document.createElement("article");
    host.innerHTML = '<p data-slot="outcome"></p><p data-slot="actions"><span data-slot="buttons"></span></p>';
    fill(host, {id: "n", state: "open", priority: "normal", title: "", body: "", created_at: "2026-11-25T14:00:00Z",
                due_at: null, actions, outcome});
    const shown = [...host.querySelectorAll("button")];
    const primary = shown.find((button) => button.matches(".primary"));
    return {labels: shown.map((button) => button.textContent), primary: primary?.textContent ?? null};
  });
}"""
ORDER = """async (items) => {
  const {morePressing} = await import("/static/wfpush/cards.js");
  const cards = items.map(({title, priority, due_at, created_at}) => {
    const card = document.createElement("li");
    Object.assign(card.dataset, {title, priority, due: due_at ?? "", created: created_at});
    return card;
  });
  return cards.sort(morePressing).map((card) => card.dataset.title);
}"""

GROUPS = """async (cases) => {
  const {dueGroup, now} = await import("/static/wfpush/words.js");
  return cases.map(({at}) => ({group: dueGroup(at, now())}));
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def reading(browser: Browser) -> AsyncIterator[Reading]:
    """Opens an empty page with our scripts, for a reader in a language and a time zone at a moment."""
    context = await browser.new_context()

    async def reading(language: str, timezone: str, now: str, ref: str = "bob", locale: str = "") -> Page:
        page = await context.new_page()
        await page.clock.set_fixed_time(now)
        with translation.override(language):
            known = {"texts": spoken(), "now": now, "ref": ref, "timezone": timezone, "language": language}
        known |= {"locale": locale}
        known |= {"never_primary": sorted(TAKES_AWAY), "icons": ""}
        await page.route(f"{SITE}**", lambda route: answer(route, known))
        await page.goto(SITE)
        return page

    yield reading
    await context.close()


async def answer(route: Route, known: Case) -> None:
    name = route.request.url.removeprefix(f"{SITE}static/wfpush/")
    if name != route.request.url:
        await route.fulfill(body=(SCRIPTS / name).read_text("utf-8"), content_type="text/javascript")
    else:
        page = f'<!doctype html><script type="application/json" id="settings">{json.dumps(known)}</script>'
        await route.fulfill(body=page, content_type="text/html")


def by_reader(cases: Iterable[Case]) -> Iterator[tuple[tuple[str, ...], list[Case]]]:
    def reader(case: Case) -> tuple[str, ...]:
        return case["language"], case["timezone"], case["now"], case.get("reader", "bob"), case.get("locale", "")

    for key, group in groupby(sorted(cases, key=reader), reader):
        yield key, list(group)


async def says(reading: Reading, script: str, cases: Iterable[Case], **more: object) -> None:
    """What the script says of each case has every member that the case names. `more` goes to the script, too."""
    for reader, group in by_reader(cases):
        page = await reading(*reader)
        said = await page.evaluate(script, {"cases": group, **more} if more else group)
        for case, each in zip(group, said, strict=True):
            wanted = {name: case[name] for name in each if name in case}
            assert {name: each[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("script", "name"), [(TIMES, "due"), (TIMES, "happened"), (OUTCOMES, "outcome"), (GROUPS, "groups")]
)
async def test_pages_say_the_same(reading: Reading, script: str, name: str) -> None:
    await says(reading, script, CASES[name])


async def test_what_the_service_worker_says_became_of_it(reading: Reading) -> None:
    """It hears of an outcome by the reply to an answer, which says nothing of what an engine refused later."""
    words = {}
    for language in ("en", "de"):
        with translation.override(language):
            words[language] = spoken_by_worker()
    answered = [case for case in CASES["outcome"] if case["item"]["state"] == "answered"]
    assert {case["reader"] for case in answered} == {"alice", "bob", "carol"}

    await says(reading, REPLIES, answered, words=words)


async def test_which_answers_are_offered_and_which_stands_out(reading: Reading) -> None:
    cases = [{"language": "en", "timezone": "UTC", "now": "2026-11-25T15:00:00Z", **case} for case in CASES["buttons"]]
    await says(reading, BUTTONS, cases)


async def test_what_presses_most_stands_first(reading: Reading) -> None:
    page = await reading("en", "UTC", "2026-11-25T15:00:00Z")

    titles = await page.evaluate(ORDER, list(reversed(CASES["pressing"])))

    assert titles == [item["title"] for item in CASES["pressing"]]
