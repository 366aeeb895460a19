"""What axe finds on the desk's pages, unfold's own included: nothing.

`make test` looks at one page of each kind that unfold, Django's select2 or its lists of permissions draw; `make soak`
at every list, its first form and its form for something new.
"""

import os
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from escalations.admin.rules import page as rules
from notifications.models import ActionToken, Event, Recipient, Route, Task, Template, TemplateVersion, VersionState
from notifications.sign_on.models import SignInRecord
from notifications.wording import template_versions
from tests.admin.desk import Browse
from tests.admin.pages import adding, list_of, page_of
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci, pytest.mark.soak]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AA = {"runOnly": TAGS, "resultTypes": ["violations"]}


def kinds() -> list[str]:
    published = TemplateVersion.objects.get(template__slug="task", state=VersionState.PUBLISHED)
    return [
        reverse("admin:index"),
        list_of(Event, "o=1"),
        page_of(Event.objects.latest("pk")),
        page_of(Task.objects.latest("pk")),
        page_of(Route.objects.get(name="Tasks that wait too long")),
        adding(Recipient),
        adding(Group),
        list_of(ActionToken),
        page_of(template_versions.new_draft(Template.objects.get(slug="task"), published)),
        page_of(published, "compare_with"),
        reverse(rules.NAME),
        page_of(Route.objects.get(name="Tasks that wait too long"), "history"),
        f"{reverse('admin:notifications_recipient_why_not_notified')}?person={Recipient.objects.get(ref='alice').pk}",
    ]


def everything(client: Client) -> list[str]:
    lists = {model: list_of(model) for model in admin.site._registry}
    forms = [page_of(row) for model in lists for row in model._default_manager.all()[:1]]
    new = [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add") for model in lists
    ]  # fmt: skip
    further = [reverse(rules.NAME)]
    return [page for page in [*lists.values(), *forms, *new, *further] if client.get(page).status_code == 200]


def test_axe_finds_nothing_and_no_page_is_wider_than_its_window(day: World, root: Client, browse: Browse) -> None:
    pages = everything(root) if os.environ.get("WFPUSH_SOAK") == "long" else kinds()

    SignInRecord.objects.create(at=timezone.now(), outcome="refused", identity="bob")
    pages.append(list_of(SignInRecord))  # its first heading is narrow: “At”

    def visit(page: Page) -> dict[str, Any]:
        found = {}
        for number, address in enumerate([*pages, reverse("admin:login")]):
            page.emulate_media(color_scheme="dark" if number % 2 else "light")
            if number == len(pages):
                page.context.clear_cookies()
            page.goto(address)
            wrong = Axe().run(page, options=AA).response["violations"]
            told = [(each["id"], len(each["nodes"]), each["nodes"][0]["html"][:200]) for each in wrong]
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            found |= {address: (wide, told)} if wide or told else {}
        return found

    assert browse(visit) == {}


def test_fields_are_named_that_a_library_draws_or_that_are_added_later(day: World, browse: Browse) -> None:
    form = page_of(Route.objects.get(name="Tasks that wait too long"))

    def visit(page: Page) -> list[Any]:
        page.goto(form)
        page.get_by_text("Add another Condition").click()
        event_types = page.get_by_role("combobox", name="Event types")
        return [
            page.get_by_role("combobox", name="Path", exact=True).count(),
            event_types.count(),
            page.get_by_role("searchbox", name="Event types").count(),
            _switch_in_forced_colours(page),
        ]

    before, boxes, searched, switch = browse(visit)
    assert before >= 1
    assert (boxes, searched, switch) == (1, 1, "auto")


def _switch_in_forced_colours(page: Page) -> str:
    """How one of unfold's is drawn, of which nothing is left where grounds are not drawn."""
    page.emulate_media(forced_colors="active")
    return str(page.locator("#id_enabled").evaluate("box => getComputedStyle(box).appearance"))
