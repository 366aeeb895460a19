"""What the service worker keeps and sends when things go wrong: proxies in the way, people who leave meanwhile, a
database that was put back. Its functions are called inside it, with a network that answers what the story needs."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import answers, card, with_kept
from tests.browsers.worker import KEPT, Device, until
from tests.support.length import some

pytestmark = pytest.mark.ci

WAITS = """async (answers) => {
  const {ref} = await person();
  await store("answers", ...answers.map((answer, at) => ({comment: "", title: "Approve", heading: "A task", csrf: "",
                                                          ref, lang: "en", at, ...answer})));
}"""
PROXY = """(status) => {
  self.fetch = async () => status === 403 ? new Response("<h1>Not from here</h1>", {status})
    : Object.defineProperty(new Response("<h1>Sign in to this Wi-Fi</h1>"), "redirected", {value: true});
}"""
"""What a network says that wants something of its own first."""

ANSWERED = """{code: "already_answered", action: "approve", answered_by: {ref: "carol", name: "Carol"},
               answered_at: "2025-11-24T10:00:00Z"}"""


@pytest.mark.parametrize("status", some([200, 404], 1))
async def test_a_page_of_a_proxy_ends_no_answer(installation: Installation, sign_in: SignIn, status: int) -> None:
    device = await Device.of(installation, await sign_in("dave"))
    await device.worker.evaluate(f"self.fetch = async () => new Response('<h1>Maintenance</h1>', {{status: {status}}})")
    await device.worker.evaluate(WAITS, [{"key": "k1", "id": str(uuid4()), "action": "approve"}])

    left = await device.worker.evaluate("sendAnswers().then((left) => [...left.keys()])")

    assert left == ["k1"]
    (kept,) = await device.worker.evaluate("allStored('answers')")
    assert "ended" not in kept


async def test_a_page_of_a_proxy_is_no_answer_to_who_looks_at_the_inbox_either(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await with_kept(installation, sign_in, "Approve the orchard")
    await dave.evaluate("self.fetch = async () => new Response('<h1>Maintenance</h1>')")

    mine = card(dave, "Approve the orchard")
    await mine.get_by_role("button", name="Approve").click()

    await expect(mine.locator(".outcome")).to_contain_text("Approved.")
    assert answers(installation, "Approve the orchard") == [("approve", "")]


async def test_a_proxy_that_redirects_or_refuses_takes_away_nothing_that_is_kept(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await with_kept(installation, sign_in, "Approve the orangery")
    device = await Device.of(installation, dave)
    for status in (403, 302):
        await device.worker.evaluate(PROXY, status)
        await dave.goto("/")
        await device.worker.evaluate("Promise.all([keepPage('another look'), freshToken(), catchUp()])")

    kept = await dave.evaluate(KEPT)

    assert "Approve the orangery" in kept["items"] and "wfpush person" in kept["caches"]


async def test_an_answer_of_which_nothing_can_be_told_holds_up_no_other(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await sign_in("dave")
    device = await Device.of(installation, dave)
    await dave.goto("about:blank")
    first, second, third = (str(uuid4()) for _ in range(3))
    await device.worker.evaluate(f"self.fetch = async () => new Response(JSON.stringify({ANSWERED}), {{status: 409}})")
    await device.worker.evaluate(
        WAITS,
        [
            {"key": "k1", "id": first, "action": "approve", "lang": "de_AT"},
            {"key": "k2", "id": second, "action": "approve", "lang": "no language", "heading": None},
            {"key": "k3", "id": third, "action": "approve"},
        ],
    )

    assert await device.worker.evaluate("sendAnswers().then((left) => left.size)") == 0

    said = {shown["tag"]: shown["body"] for shown in await device.shown()}
    assert re.fullmatch(r"Bereits am 24\. November 2025 um \d\d:00 von Carol genehmigt\.", said[first])
    assert said[third].startswith("Already approved by Carol on 24 November 2025 at")


async def test_what_the_server_lists_no_more_goes_when_everything_is_listed_anew(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await with_kept(installation, sign_in, "Approve the lighthouse")
    device = await Device.of(installation, dave)
    await device.worker.evaluate("""navigator.locks.request('wfpush items', async () => {
      await store('items', {id: 'gone', title: 'Gone', state: 'open', seq: 1});
      await tellPerson({seq: 0});
    })""")  # not while the page's own catching up ends, which tells its seq last

    await device.worker.evaluate("catchUp(1)")

    items = (await dave.evaluate(KEPT))["items"]
    assert "Approve the lighthouse" in items
    assert "Gone" not in items


async def test_the_page_before_goes_only_once_the_next_one_is_kept(installation: Installation, sign_in: SignIn) -> None:
    dave = await sign_in("dave")
    device = await Device.of(installation, dave)
    await device.worker.evaluate("""async () => {
      await caches.open("wfpush shell before");
      await tellPerson({shell: {...(await person()).shell, version: "before"}});
      self.reached = self.fetch;
      self.fetch = async () => { throw new TypeError("no connection"); };
      await onlyThisShell();
    }""")
    assert await device.worker.evaluate("caches.has('wfpush shell before')")

    await device.worker.evaluate("() => { self.fetch = self.reached; return onlyThisShell(); }")

    assert not await device.worker.evaluate("caches.has('wfpush shell before')")


# --- people who leave -------------------------------------------------------------------------------
async def test_what_arrives_for_somebody_who_has_signed_out_meanwhile_is_not_kept(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await sign_in("dave")
    device = await Device.of(installation, dave)
    await device.worker.evaluate("navigator.locks.request('wfpush documents', () => {})")  # nothing is being kept
    documents = [{"title": name, "url": f"{installation.url}/{name}"} for name in ("plan", "list")]
    asked = await device.worker.evaluate(
        """async (documents) => {
          const asked = [], reached = self.fetch;
          await store("items", {id: "open", title: "Open", state: "open", seq: 1, documents});
          await tellPerson({seq: 1});
          self.fetch = async (url) => {
            asked.push(url);
            await forget(self.registration);
            return new Response("The plan", {headers: {"Content-Type": "text/plain"}});
          };
          await keepDocuments();
          await tellPerson({ref: "dave"});
          self.fetch = async (url) => {
            const page = await reached(url);
            if (url === "/offline") await forget(self.registration);
            return page;
          };
          await keepPage("of Dave");
          return asked;
        }""",
        documents,
    )

    assert len(asked) == 1
    assert await device.worker.evaluate("allStored('documents')") == []
    assert await dave.evaluate(KEPT) == {"items": [], "answers": 0, "to_send": 0, "caches": []}


async def test_signing_out_at_the_desk_leaves_nothing_on_the_device_either(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await with_kept(installation, sign_in, "Approve the strongbox")

    await dave.evaluate("fetch('/admin/logout/', {method: 'POST'})")

    async def nothing_is_left() -> bool:
        found = await dave.evaluate(KEPT)
        return found["items"] == [] and found["caches"] == [] and "ref" not in found

    await until(nothing_is_left, "nothing of Dave is left")


# --- a database that was put back -------------------------------------------------------------------
@pytest.mark.long
async def test_a_device_that_the_server_has_never_heard_of_registers_anew(
    installation: Installation, sign_in: SignIn
) -> None:
    dave = await sign_in("dave")
    await Device.of(installation, dave)
    await dave.add_init_script(
        "PushManager.prototype.subscribe = async () => { window.subscribes = true; throw new DOMException(''); };"
    )
    await dave.evaluate(
        """async (device) => {
          const {tellPerson} = await import("/static/wfpush/store.js");
          await tellPerson({push: "on", device, endpoint: "https://push.example/1", checked: Date.now()});
        }""",
        str(uuid4()),
    )

    await dave.reload()

    await until(lambda: dave.evaluate("window.subscribes"), "the browser subscribes once more")
