"""The job of a rule in Chromium, with counted clicks and typed values, and by keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from escalations.models import Policy
from notifications.models import Route, Template
from tests.admin import sla
from tests.admin import world as story
from tests.admin.desk import Visit
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci]

JOB_CLICKS = 15
"""Of: for invoices above 1,000 tell Finance, remind after 2 working hours, tell the manager after 4; and try it."""


class Hand:
    """Counts what a person does. A list takes two clicks: one to open it, one to choose."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks, self.typed = page, 0, 0

    def click(self, selector: str) -> None:
        self.clicks += 1
        self.page.click(selector)

    def choose(self, name: str, label: str) -> None:
        self.clicks += 2
        self.page.select_option(f"[name={name}]", label=label)

    def write(self, name: str, text: str) -> None:
        """One click, unless the field has the focus."""
        field = self.page.locator(f"[name={name}]")
        if not field.evaluate("field => field === document.activeElement"):
            self.clicks += 1
            field.click()
        self.typed += 1
        field.press_sequentially(text)


def test_the_whole_job_takes_less_than_twenty_clicks(world: World, browse: Callable[[Visit], Any]) -> None:
    story.live(world)
    sla.calendar()

    def visit(page: Page) -> tuple[int, int, str, str]:
        hand = Hand(page)
        page.goto(reverse("admin:index"))
        hand.click("nav a:has-text('Rules'), aside a:has-text('Rules')")
        hand.click("a:has-text('New rule')")
        hand.write("conditions-0-path", "variables.amount")
        hand.choose("conditions-0-operator", "is more than")
        hand.write("conditions-0-value", "1000")
        hand.choose("targets-0-kind", "the members of a team")
        hand.choose("targets-0-team", "Finance")
        hand.choose("late-counted", "after the task was given to somebody")
        hand.write("steps-0-offset", "2h")
        hand.click("[data-add=steps]")
        hand.write("steps-1-offset", "4h")
        page.wait_for_selector("[data-part=try] .desk-steps")
        page.wait_for_function(
            "document.querySelector('[data-part=late]').innerText.includes('4 h after the assignment')"
        )
        means = page.locator(".desk-rule-means, [data-part=try]").all_inner_texts()
        hand.click("[name=_publish]")
        page.wait_for_url("**/rule/")
        return hand.clicks, hand.typed, " ".join(means), page.locator("body").inner_text()

    clicks, typed, means, page = browse(visit)
    assert (clicks, typed) == (JOB_CLICKS, 4)
    for words in (
        "It is for 4 of the last 4",
        "Alice Adams, Bob Bauer",
        "Approve invoice 4714",
        "4 h after the assignment",
    ):
        assert words in means
    assert "is published" in page
    route = Route.objects.get(name="amount is more than 1,000 → Finance")
    steps = [(step.offset, step.target, step.time) for step in Policy.objects.get(route=route).steps.all()]
    assert steps == [(-120, "team", "business"), (0, "manager", "business")]


def test_the_same_by_keyboard(world: World, browse: Callable[[Visit], Any]) -> None:
    story.live(world)
    sla.calendar()

    def to(page: Page, name: str) -> None:
        """Tab until the field has the focus: a bounded way, in the order of the page."""
        for _ in range(80):
            if page.evaluate("document.activeElement.dataset.add || document.activeElement.name") == name:
                return
            page.keyboard.press("Tab")
        pytest.fail(f"no Tab leads to {name}")

    def choose(page: Page, name: str, label: str) -> None:
        """By arrow keys: letters would have to come within a second of each other."""
        to(page, name)
        labels = page.evaluate("[...document.activeElement.options].map((option) => option.label)")
        page.keyboard.press("Home")
        for _ in range(labels.index(label)):
            page.keyboard.press("ArrowDown")

    def write(page: Page, name: str, text: str) -> None:
        to(page, name)
        page.keyboard.type(text)

    def visit(page: Page) -> str:
        page.goto(reverse("admin:notifications_route_new_rule"))
        page.wait_for_selector("[data-rule][data-answered]")
        write(page, "conditions-0-path", "variables.amount")
        choose(page, "conditions-0-operator", "is more than")
        write(page, "conditions-0-value", "1000")
        choose(page, "targets-0-kind", "the members of a team")
        choose(page, "targets-0-team", "Finance")
        choose(page, "late-counted", "after the task was given to somebody")
        write(page, "steps-0-offset", "2h")
        to(page, "steps")
        page.keyboard.press("Enter")
        page.keyboard.type("4h")
        to(page, "_publish")
        page.keyboard.press("Enter")
        page.wait_for_url("**/rule/")
        return page.locator("body").inner_text()

    assert "is published" in browse(visit)
    steps = Policy.objects.get(route__name="amount is more than 1,000 → Finance").steps.all()
    assert [(step.offset, step.target) for step in steps] == [(-120, "team"), (0, "manager")]


def test_another_template_replaces_no_words_that_were_typed(world: World, browse: Callable[[Visit], Any]) -> None:
    reminder, other = (Template.objects.get(slug=slug) for slug in ("task-reminder", "task-late"))
    text = reminder.versions.get(state="published").texts.get(language="en", channel="")

    def visit(page: Page) -> str:
        page.goto(reverse("admin:notifications_route_new_rule"))
        page.wait_for_selector("[data-rule][data-answered]")
        page.check("[name=words-own]")
        page.select_option("[name=template]", label="Reminder of a task")
        filled = "title => document.querySelector('[name=texts-0-title]').value === title"
        page.wait_for_function(filled, arg=text.title)
        page.fill("[name=texts-0-title]", "My own words")
        with page.expect_response(lambda answer: f"template={other.pk}&" in (answer.request.post_data or "")):
            page.select_option("[name=template]", label=other.name)
        return page.input_value("[name=texts-0-title]")

    assert browse(visit) == "My own words"
