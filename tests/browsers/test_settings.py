"""Dave is left in peace: he ticks and types, reads what would happen, and saves; with scripts or without."""

import pytest
from playwright.async_api import Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import account_menu
from tests.browsers.keyboard import tab_to
from tests.browsers.test_accessible import faults

SET_UP = """
from notifications.models import Category, CategoryDefault, Recipient, Team
Category.objects.update(mandatory=[], mandatory_reason="")
Category.objects.filter(slug="incidents").update(mandatory=["email"], mandatory_reason="Somebody has to act.")
team, _ = Team.objects.get_or_create(slug="sales", defaults={"name": "Sales"})
dave = Recipient.objects.get(ref="dave")
team.members.add(dave)
dave.email, dave.timezone, dave.locale = "dave@example.org", "Europe/Berlin", "en"
dave.save()
dave.quiet_hours.all().delete()
dave.category_choices.all().delete()
updates = Category.objects.get(slug="case-updates")
CategoryDefault.objects.get_or_create(team=team, category=updates, defaults={"channels": {"email": False}})
print(dave)
"""


async def is_wide_enough(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(("phone", "scheme"), [(True, "dark"), (False, "light")], ids=["phone", "desktop"])
async def test_dave_decides_and_reads_what_would_happen(
    installation: Installation, sign_in: SignIn, phone: bool, scheme: str
) -> None:
    installation.set_up(SET_UP)
    dave = await sign_in("dave", phone=phone, color_scheme=scheme)
    await (await account_menu(dave)).get_by_role("link", name="Settings").click()
    await expect(dave.get_by_role("heading", name="How you are notified")).to_be_visible()
    found = await faults(dave)
    assert await is_wide_enough(dave)
    locked = dave.get_by_role("checkbox", name="Incidents: e-mail")
    await expect(locked).to_be_disabled()
    await expect(locked).to_be_checked()
    await expect(locked).to_have_accessible_description("Always on. Somebody has to act.")
    theirs = dave.get_by_role("checkbox", name="Case updates: e-mail")
    await expect(theirs).to_have_accessible_description("off by default (team Sales)")

    await tab_to(dave, theirs, most=120)  # with the keyboard alone
    await dave.keyboard.press("Space")
    first = dave.get_by_role("group", name="Quiet hours 1")
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat"):
        await tab_to(dave, first.get_by_label(day), most=120)
        await dave.keyboard.press("Space")
    await first.get_by_label("From").fill("00:00")
    await first.get_by_label("Until").fill("00:00")
    outlook = dave.locator("#outlook")
    await expect(outlook).to_contain_text("quiet hours, from")
    await expect(outlook).not_to_have_attribute("aria-busy", "true")

    await dave.get_by_role("combobox", name="Time zone").fill("Middle Earth")
    await dave.keyboard.press("Enter")  # saves, and drops no row
    await expect(dave.get_by_text("Choose a time zone from the list, such as")).to_be_visible()
    await expect(first.get_by_label("Sat")).to_be_checked()
    found += await faults(dave)
    await dave.get_by_role("combobox", name="Time zone").fill("Europe/Berlin")
    await dave.get_by_role("button", name="Save", exact=True).click()
    await expect(dave.get_by_text("Saved.")).to_be_visible()
    await expect(theirs).to_be_checked()
    await expect(dave.get_by_role("group", name="Quiet hours 1").get_by_label("Sat")).to_be_checked()
    await expect(dave.get_by_role("group", name="Quiet hours 2")).to_be_visible()
    assert await is_wide_enough(dave)
    found += await faults(dave)
    assert found == []
