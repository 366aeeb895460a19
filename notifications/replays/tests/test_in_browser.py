"""The preview of a replay is a page that everybody can use, in Chromium."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from tests.admin.desk import Browse
from tests.admin.test_engine_wizard_in_browser import looked_at
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci]


def test_nothing_is_wrong_with_the_preview(day: World, browse: Browse) -> None:
    def visit(page: Page) -> list[Any]:
        page.goto(reverse("admin:notifications_event_again"))
        return looked_at(page)

    assert browse(visit) == []
