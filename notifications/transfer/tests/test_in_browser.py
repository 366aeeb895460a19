"""A file of people is chosen, looked at and imported in Chromium, on pages that everybody can use."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from notifications.models import Recipient
from tests.admin.desk import Visit
from tests.admin.pages import list_of
from tests.admin.test_engine_wizard_in_browser import looked_at
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci]


def test_people_are_imported_after_a_look(world: World, browse: Callable[[Visit], Any]) -> None:
    imports = reverse("admin:notifications_recipient_import_rows")

    def choose(page: Page, content: str) -> None:
        file = {"name": "people.csv", "mimeType": "text/csv", "buffer": content.encode()}
        page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        page.get_by_role("button", name="Preview changes").click()

    def visit(page: Page) -> list[Any]:
        page.goto(list_of(Recipient))
        page.locator(f'a[href^="{imports}"]:visible').click()
        expect(page.get_by_role("button", name="Preview changes")).to_be_visible()
        wrong = looked_at(page)
        choose(page, "ref,name,manager\nzoe,Zoe,nobody\n")
        expect(page.get_by_text("Nobody internal has the ref “nobody”.")).to_be_visible()
        wrong += looked_at(page)
        page.get_by_role("link", name="Choose another file").click()
        choose(page, "ref,name,manager\nzoe,Zoe,bob\nbob,Bob B.,carol\n")
        expect(page.get_by_text("1 new, 1 changed, 0 unchanged")).to_be_visible()
        wrong += looked_at(page)
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text("1 new, 1 changed, 0 unchanged")).to_be_visible()
        page.goto(reverse("admin:notifications_recipient_export_rows"))
        return wrong + looked_at(page)

    assert browse(visit) == []
    zoe = Recipient.objects.get(ref="zoe")
    assert zoe.manager is not None and zoe.manager.name == "Bob B."
