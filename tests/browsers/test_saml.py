"""Ines signs in by SAML at a provider of npm, with its own signer and pages, in Chromium and in Firefox."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Error, Page, expect

from tests.browsers.conftest import is_live, new_page
from tests.browsers.in_firefox import firefox_at, line_to
from tests.browsers.installation import Installation
from tests.browsers.test_sign_on import start
from tests.support import npm
from tests.support.npm_provider import NpmProvider, npm_provider

pytestmark = pytest.mark.ci

SET_UP = """
import urllib.request
from notifications.models import Recipient, Team
from notifications.sign_on.models import IdentityProvider
from notifications.sign_on.saml import read_metadata
described = read_metadata(urllib.request.urlopen("{issuer}/metadata").read().decode())
provider, _ = IdentityProvider.objects.update_or_create(slug="{slug}", defaults=dict(
    described, name="{slug}", kind="saml", domains=["{domain}"], trusts_addresses=True, creates_people=True))
values = dict(name="Ines", email="ines@{domain}", email_verified=True)
Recipient.objects.update_or_create(ref="ines.{slug}", defaults=values)
team, _ = Team.objects.get_or_create(slug="trains", defaults=dict(name="Trains"))
provider.mappings.get_or_create(group="g-trains", team=team)
print(provider)
"""
OVER = """
from notifications.sign_on.models import IdentityProvider
print(IdentityProvider.objects.filter(kind="saml").update(active=False))
"""
PEOPLE = """
from notifications.models import Recipient
people = Recipient.objects.filter(email__endswith="@rail.example").order_by("email")
print([(person.email, list(person.teams.values_list("slug", flat=True))) for person in people])
"""


@pytest.fixture(scope="module")
def provider(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NpmProvider]:
    npm.needed()
    client = f"{installation.url}/sign-on/rail"
    with npm_provider("saml", tmp_path_factory.mktemp("saml"), "rail.example", client) as provider:
        installation.set_up(SET_UP.format(slug="rail", domain="rail.example", issuer=provider.issuer))
        yield provider
        installation.set_up(OVER)


def people(installation: Installation) -> str:
    return installation.house.clerk().run("shell", "-c", PEOPLE).strip().splitlines()[-1]


async def sign_in(page: Page, installation: Installation, name: str) -> None:
    await start(page, f"{name}@rail.example")
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{installation.url}/")
    await is_live(page)


async def test_people_sign_in_by_saml_and_are_signed_out_from_there(
    browser: object, installation: Installation, provider: NpmProvider, complaints: list[str]
) -> None:
    provider.groups(ines=["g-trains"])
    page = await new_page(browser, complaints, True, base_url=installation.url)  # type: ignore[arg-type]
    await sign_in(page, installation, "ines")
    assert people(installation) == "[('ines@rail.example', ['trains'])]"

    tab = await page.context.new_page()
    await tab.goto(f"{provider.issuer}/logout")
    await expect(page.get_by_text("You have been signed out.")).to_be_visible()
    assert "/sign-in" in tab.url
    await tab.close()

    provider.groups(ines=[])
    await sign_in(page, installation, "ines")
    await page.context.clear_cookies()
    await sign_in(page, installation, "jule")  # who is nobody here yet
    assert people(installation) == "[('ines@rail.example', []), ('jule@rail.example', [])]"

    provider.stop()
    try:
        await page.goto("/settings")
        await expect(page.get_by_role("heading", name="Settings")).to_be_visible()
        await page.context.clear_cookies()
        tab = await page.context.new_page()
        with pytest.raises(Error, match="net::ERR_CONNECTION_REFUSED"):
            await tab.goto("/sign-on/rail/login")
        await tab.close()
        await page.goto("/sign-in?by=password")
        await expect(page.get_by_label("Password")).to_be_visible()
    finally:
        provider.start()
    assert complaints == []
    await page.context.close()


@pytest.mark.long
def test_ines_signs_in_by_saml_in_firefox(installation: Installation, provider: NpmProvider, tmp_path: Path) -> None:
    with line_to(installation) as line:
        client = f"http://127.0.0.1:{line.network.port}/sign-on/tram"
        folder = tmp_path / "provider"
        folder.mkdir()
        with (
            npm_provider("saml", folder, "tram.example", client) as tram,
            firefox_at(line, tmp_path / "firefox") as ines,
        ):
            installation.set_up(SET_UP.format(slug="tram", domain="tram.example", issuer=tram.issuer))
            ines.open("/sign-in")
            ines.type("#id_username", "ines@tram.example")
            ines.click("main form button.primary")
            ines.type("[name=name]", "ines")
            ines.click("button")
            ines.find("#connection[data-mood=live]")
