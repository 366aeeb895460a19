"""A role in Chromium: its work is done there."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from escalations.admin.rules import page as rules
from escalations.models import Policy
from notifications.models import Route
from notifications.roles import RULE_EDITORS
from tests.admin import sla
from tests.admin.chromium import Chromium
from tests.admin.conftest import member_of, signed_in
from tests.admin.desk import Desk
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci]


def test_a_rule_editor_makes_a_rule_without_seeing_an_event(world: World, chromium: Chromium, desk: Desk) -> None:
    sla.calendar()

    def visit(page: Page) -> list[str]:
        page.goto(reverse(rules.NAME))
        page.click("[data-chip=target]")
        page.click("[data-people-list] option:has-text('Finance')")
        page.click("[data-kind=remind]")
        page.click("[data-chip=due]")
        page.select_option("[name=late-counted]", "duration")
        page.click(".desk-fold > summary")
        page.wait_for_selector("[data-part=try] .desk-steps")
        shown = page.locator("[data-part=when], [data-part=try]").all_inner_texts()
        page.click("[name=_publish]")
        page.wait_for_url("**/rule/")
        return shown

    when, tried = desk.browse(visit, chromium, signed_in(member_of(RULE_EDITORS)))
    assert when == ""
    assert "Alice Adams" in tried
    assert Policy.objects.get(route=Route.objects.get(name__contains="→ Finance")).minutes == 120
