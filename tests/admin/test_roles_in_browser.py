"""Each role in Chromium: its desk holds what it may touch, and its work is done there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from escalations.admin.rules import page as rules
from escalations.models import Policy
from notifications.models import Route
from notifications.roles import ADMINISTRATORS, AUDITORS, CONNECTION_OWNERS, EDITORS, OPERATORS, RULE_EDITORS
from tests.admin import sla
from tests.admin.chromium import Chromium
from tests.admin.conftest import member_of, signed_in
from tests.admin.desk import Desk
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci]

EVERYTHING = ["Overview", "Events", "Tasks", "People", "Rules", "Templates", "SLA", "Engines"]
ENTRIES = {
    ADMINISTRATORS: EVERYTHING,
    AUDITORS: EVERYTHING,
    OPERATORS: EVERYTHING,
    EDITORS: ["Overview", "Templates"],
    RULE_EDITORS: ["Overview", "People", "Rules", "Templates", "SLA"],
    CONNECTION_OWNERS: ["Overview", "Engines"],
}


@pytest.fixture
def browse_as(chromium: Chromium, desk: Desk) -> Callable[[str, Callable[[Page], Any]], Any]:
    return lambda group, visit: desk.browse(visit, chromium, signed_in(member_of(group)))


def test_each_role_finds_its_work(day: World, browse_as: Callable[..., Any]) -> None:
    def visit(page: Page) -> list[str]:
        page.goto(reverse("admin:index"))
        return page.locator("#nav-sidebar-apps ol").first.locator("a span:last-child").all_inner_texts()

    assert {group: browse_as(group, visit) for group in ENTRIES} == ENTRIES


def test_a_rule_editor_makes_a_rule_without_seeing_an_event(world: World, browse_as: Callable[..., Any]) -> None:
    sla.calendar()

    def visit(page: Page) -> list[str]:
        page.goto(reverse(rules.NAME))
        page.select_option("[name=targets-0-kind]", "team")
        page.select_option("[name=targets-0-team]", label="Finance")
        page.select_option("[name=late-counted]", "duration")
        page.fill("[name=steps-0-offset]", "2h")
        page.wait_for_selector("[data-part=try] .desk-steps")
        shown = page.locator("[data-part=when], [data-part=try]").all_inner_texts()
        page.click("[name=_publish]")
        page.wait_for_url("**/rule/")
        return shown

    when, tried = browse_as(RULE_EDITORS, visit)
    assert when == ""
    assert "Alice Adams" in tried
    assert Policy.objects.get(route=Route.objects.get(name__contains="→ Finance")).minutes == 120
