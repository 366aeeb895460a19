"""Dave connects his account at an engine as people do: from what waits, by the engine's own page, and back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.test_accessible import faults
from tests.engines.flowable import FlowableServer
from tests.support.authorization import CLIENT, CLIENT_SECRET, SCOPE, AuthorizationServer
from tests.support.length import some

pytestmark = pytest.mark.ci

SET_UP = """
from notifications.models import Engine, PersonalSignIn
engine = Engine.objects.get(slug="{slug}")
engine.name, engine.kind, engine.callback_url = "Acme {slug}", "flowable", "{address}"
engine.save()
PersonalSignIn.objects.create(engine=engine, mode="person", authorize_url="{authorize}", token_url="{token}",
                              client_id="{client}", client_secret="{secret}", scope="{scope}")
print(engine)
"""


@dataclass
class Acme:
    engine: FlowableServer
    people: AuthorizationServer
    slug: str
    key: str


@pytest_asyncio.fixture(loop_scope="session")
async def acme(installation: Installation, request: pytest.FixtureRequest) -> AsyncIterator[Acme]:
    slug = f"contracts-{'phone' if request.node.callspec.params['phone'] else 'desktop'}"
    people = AuthorizationServer({"wfpush": f"{installation.url}/accounts/{slug}/return"})
    people.user = "dave@acme.example"
    engine = FlowableServer(people)
    await people.start()
    await engine.start()
    key = installation.engine(slug)
    words = {"address": engine.base, "authorize": people.authorize_url, "token": people.token_url}
    words |= {"client": CLIENT, "secret": CLIENT_SECRET, "scope": SCOPE}
    installation.set_up(SET_UP.format(slug=slug, **words))
    yield Acme(engine, people, slug, key)
    await engine.stop()
    await people.stop()


@pytest.mark.parametrize(("phone", "scheme"), some([(True, "dark"), (False, "light")], 1), ids=["phone", "desktop"])
async def test_an_answer_goes_in_daves_own_name(
    installation: Installation, sign_in: SignIn, acme: Acme, phone: bool, scheme: str
) -> None:
    title = f"Sign the contract, {acme.slug}"
    theirs = acme.engine.book.open(name=title)
    task = {"id": theirs.id, "name": title, "assignee": "dave", "kind": "approval"}
    installation.send("task.assigned", {"task": task}, key=acme.key)
    dave = await sign_in("dave", phone=phone, color_scheme=scheme)
    await dave.get_by_role("link", name=title, exact=True).click()
    await dave.locator("#item").get_by_role("button", name="Approve").click()
    await expect(dave.locator('#item [data-slot="outcome"]')).to_contain_text("It waits until you have connected")
    await dave.goto("/")
    asking = dave.locator(".list .connect", has_text=acme.slug)
    await expect(asking).to_contain_text("takes answers in your own name.")
    found = await faults(dave)

    await asking.get_by_role("link").click()
    row = dave.locator(".device", has_text=acme.slug)
    await expect(row.get_by_text("1 answer of yours waits for it.")).to_be_visible()
    found += await faults(dave)
    assert await dave.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await row.get_by_role("button").click()  # a page leads on by itself
    await dave.get_by_role("button", name="Sign in as dave@acme.example").click()
    await expect(dave.get_by_text("1 answer that waited is on its way.")).to_be_visible()
    await expect(row.get_by_text("Connected as dave@acme.example")).to_be_visible()
    found += await faults(dave)

    await dave.goto("/")
    await dave.locator("#done").get_by_role("link", name=title).click()
    await expect(dave.locator('#item [data-slot="outcome"]')).to_have_text(f"Approved. Acme {acme.slug} has it.")
    assert [done.by for done in theirs.completions] == ["dave@acme.example"]
    await expect(asking).to_have_count(0)
    assert found == []
