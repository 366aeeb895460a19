"""Ines signs in at her company's identity provider: the one of npm, with its own pages, in Chromium and in Firefox."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.async_api import Page, expect

from tests.browsers.conftest import is_live, new_page
from tests.browsers.in_firefox import firefox_at, line_to
from tests.browsers.installation import Installation
from tests.browsers.items import answers, card
from tests.browsers.test_offline import nothing_waits
from tests.browsers.worker import is_kept, until
from tests.pushlab.firefox import Firefox
from tests.support import npm
from tests.support.npm_provider import NpmProvider, npm_provider

pytestmark = pytest.mark.ci

SET_UP = """
from notifications.models import Recipient, Team
from notifications.sign_on.models import IdentityProvider
provider, _ = IdentityProvider.objects.update_or_create(slug="{slug}", defaults=dict(
    name="{name}", issuer="{issuer}", client_id="wfpush", client_secret="a secret of the client",
    domains=["acme.example"], active=True))
for ref in ("ines", "hans"):
    values = dict(name=ref.title(), email=ref + "@acme.example", email_verified=True)
    Recipient.objects.update_or_create(ref=ref, defaults=values)
team, _ = Team.objects.get_or_create(slug="boats", defaults=dict(name="Boats"))
provider.mappings.get_or_create(group="g-boats", team=team)
print(provider)
"""
OVER = """
from notifications.sign_on.models import IdentityProvider
print(IdentityProvider.objects.update(active=False))
"""
ENDED = """
from django.contrib.sessions.models import Session
print(Session.objects.filter(session_key="{key}").delete())
"""
TEAMS = """
from notifications.models import Recipient
print(list(Recipient.objects.get(ref="ines").teams.values_list("slug", flat=True)))
"""


@pytest.fixture(scope="module")
def provider(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NpmProvider]:
    npm.needed()
    with npm_provider(
        "oidc", tmp_path_factory.mktemp("oidc"), "acme.example", f"{installation.url}/sign-on/acme"
    ) as provider:
        installation.set_up(SET_UP.format(slug="acme", name="Acme", issuer=provider.issuer))
        yield provider
        installation.set_up(OVER)


async def sign_in_there(page: Page, name: str) -> None:
    """On the provider's pages: who it is, and that wfpush may know it."""
    await page.locator("[name=login]").fill(name)
    await page.locator("[name=password]").fill("any")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def start(page: Page, address: str) -> None:
    await page.goto("/sign-in")
    await page.get_by_label("User name or e-mail").fill(address)
    await page.get_by_role("button", name="Continue").click()


async def test_ines_signs_in_there_and_is_signed_out_from_there(
    browser: object, installation: Installation, provider: NpmProvider, complaints: list[str]
) -> None:
    provider.groups(ines=["g-boats"])
    page = await new_page(browser, complaints, True, base_url=installation.url)  # type: ignore[arg-type]
    await start(page, "ines@acme.example")
    await sign_in_there(page, "ines")
    await page.wait_for_url(f"{installation.url}/")
    await is_live(page)
    assert installation.house.clerk().run("shell", "-c", TEAMS).strip().endswith("['boats']")

    tab = await page.context.new_page()
    await tab.goto(f"{provider.issuer}/session/end")
    await tab.get_by_role("button", name="Yes").click()
    await expect(page.get_by_text("You have been signed out.")).to_be_visible()
    await page.goto("/")
    assert "/sign-in" in page.url

    provider.groups(ines=[])
    await start(page, "ines@acme.example")
    await sign_in_there(page, "ines")
    await page.wait_for_url(f"{installation.url}/")
    assert installation.house.clerk().run("shell", "-c", TEAMS).strip().endswith("[]")
    assert complaints == []
    await page.context.close()


async def test_strangers_cancelled_sign_ins_and_a_silent_provider_are_explained(
    browser: object, installation: Installation, provider: NpmProvider, complaints: list[str]
) -> None:
    page = await new_page(browser, complaints, False, base_url=installation.url)  # type: ignore[arg-type]
    await start(page, "nobody@acme.example")
    await sign_in_there(page, "nobody")
    await expect(page.get_by_role("alert")).to_have_text(
        "There is no account for you here yet. Contact your administrator."
    )
    await page.context.clear_cookies()
    await start(page, "ines@acme.example")
    await page.get_by_role("link", name="Cancel").click()
    await expect(page.get_by_text("You cancelled the sign-in.")).to_be_visible()

    installation.set_up(
        SET_UP.format(slug="down", name="Down", issuer="http://127.0.0.1:1").replace("acme.e", "down.e")
    )
    await start(page, "ines@down.example")
    await expect(page.get_by_role("alert")).to_contain_text("Down does not answer. Try again in a few minutes.")
    assert complaints == []
    await page.context.close()


async def test_an_answer_that_waits_is_sent_after_the_sign_in_there(
    browser: object, installation: Installation, provider: NpmProvider, complaints: list[str]
) -> None:
    page = await new_page(browser, complaints, True, base_url=installation.url)  # type: ignore[arg-type]
    await start(page, "ines@acme.example")
    await sign_in_there(page, "ines")
    await page.wait_for_url(f"{installation.url}/")
    await is_live(page)
    installation.assign("Approve the boat", assignee="ines")
    await is_kept(page, "Approve the boat")
    await page.context.set_offline(True)
    outcome = card(page, "Approve the boat").locator(".outcome")
    await card(page, "Approve the boat").get_by_role("button", name="Approve").click()
    await expect(outcome).to_have_text("“Approve” will be sent when you are back.")
    (key,) = [each["value"] for each in await page.context.cookies() if each["name"] == settings.SESSION_COOKIE_NAME]
    assert "1" in installation.house.clerk().run("shell", "-c", ENDED.format(key=key))

    await page.context.set_offline(False)
    await page.goto("/")
    await expect(page).to_have_url(re.compile("/sign-in"))
    assert answers(installation, "Approve the boat") == []
    await start(page, "ines@acme.example")  # who is still signed in at the provider
    await page.wait_for_url(f"{installation.url}/")

    await expect(outcome).to_contain_text("Approved.")
    assert answers(installation, "Approve the boat") == [("approve", "")]
    await until(lambda: nothing_waits(page), "nothing waits to be sent")
    assert complaints == []
    await page.context.close()


@pytest.mark.long
def test_hans_signs_in_there_in_firefox(installation: Installation, provider: NpmProvider, tmp_path: Path) -> None:
    with line_to(installation) as line:
        here = f"http://127.0.0.1:{line.network.port}"
        folder = tmp_path / "provider"
        folder.mkdir()
        address = f"{here}/sign-on/other"
        with (
            npm_provider("oidc", folder, "other.example", address) as other,
            firefox_at(line, tmp_path / "firefox") as hans,
        ):
            script = SET_UP.format(slug="other", name="Other", issuer=other.issuer)
            installation.set_up(script.replace("acme.example", "other.example"))
            _signs_in(hans, "hans")


def _signs_in(person: Firefox, name: str) -> None:
    person.open("/sign-in")
    person.type("#id_username", f"{name}@other.example")
    person.click("main form button.primary")
    person.type("[name=login]", name)
    person.type("[name=password]", "any")
    person.click("button[type=submit]")
    person.click("button[type=submit]", "Continue")
    person.find("#connection[data-mood=live]")
