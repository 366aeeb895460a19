"""The job of a rule in Chromium, with counted clicks and typed values, and by keyboard alone."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page

from escalations.models import Policy
from notifications.models import Route, Template
from tests.admin import sla
from tests.admin import world as story
from tests.admin.desk import Visit
from tests.admin.test_accessible import AA
from tests.admin.world import World
from tests.support.documentation import section

pytestmark = [pytest.mark.browser, pytest.mark.ci]

JOB_CLICKS = 11
"""Of: for invoices above 1,000 notify Finance, remind 2 h before they are due, notify the manager then; and publish."""
PAGE = "docs/start/rule.md"
STEPS = re.findall(r"^\d\. .*", section(PAGE, "The eight steps"), re.M)
QUOTE = re.findall(r"^> (.*)", section(PAGE, "The eight steps").replace("10,000", "1,000"), re.M)

AS_SERVED = """async () => {
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
  return [...page.querySelectorAll("form [data-chip]")].map((chip) => chip.textContent);
}"""


def opened(page: Page) -> str:
    """The name of what is open, or nothing."""
    return str(
        page.evaluate("document.querySelector('.desk-chip-open:popover-open')?.getAttribute('aria-label') ?? ''")
    )


def chips(page: Page) -> list[str]:
    return page.locator("form [data-chip]").all_text_contents()


def test_the_whole_job_takes_eleven_clicks(world: World, browse: Callable[[Visit], Any]) -> None:
    story.live(world)
    sla.calendar()

    def visit(page: Page) -> tuple[list[str], str, str, int, str, bool]:
        clicks = []

        def click(selector: str) -> None:
            clicks.append(page.locator(selector).first.inner_text())
            page.click(selector)

        page.goto(reverse("admin:index"))
        click("nav a:has-text('Rules'), aside a:has-text('Rules')")
        click("a:has-text('New rule')")
        click("[data-chip=engine]")
        click("[name=engine] option:has-text('Invoices')")
        click("[data-add=conditions]")
        click(".desk-path:has-text('variables.amount')")
        page.keyboard.type("1000")
        page.wait_for_function("document.querySelector('[data-unready]').textContent === 'Recipient: Add a recipient.'")
        click("[data-chip=target]")
        assert Axe().run(page, options=AA).response["violations"] == []
        click("[data-people-list] option:has-text('Finance')")
        click("[data-kind=remind]")
        click("[data-kind=escalate]")
        page.wait_for_function("document.querySelector('[data-part=try]').textContent.includes('assignee')")
        assert page.inner_text("[data-unready]") == ""
        sentence, means = page.inner_text(".desk-say"), " ".join(page.locator("[data-part]").all_text_contents())
        height = page.evaluate("document.documentElement.scrollHeight")
        click("[name=_publish]")
        page.wait_for_url("**/rule/")
        return clicks, sentence, means, height, page.inner_text("body"), chips(page) == page.evaluate(AS_SERVED)

    clicks, sentence, means, height, published, is_as_served = browse(visit)
    assert (len(clicks), height <= 1600, is_as_served) == (JOB_CLICKS, True, True)
    labels = [label for step in STEPS for label in re.findall(r"\*\*(.*?)\*\*", step)]
    assert [label for label, text in zip(labels, clicks, strict=True) if label not in text] == [], PAGE
    assert [line for line in QUOTE if line not in sentence] == [], PAGE
    assert "It is due on the engine's due date. Times count in the working hours of Munich." in sentence
    for words in ("It matches 4 of the last 4", "Alice Adams, Bob Bauer", "Approve invoice 4714"):
        assert words in means
    assert "is published" in published
    route = Route.objects.get(name="amount is more than 1,000 → Finance")
    steps = [(step.offset, step.target, step.time) for step in Policy.objects.get(route=route).steps.all()]
    assert steps == [(-120, "team", "business"), (0, "manager", "business")]


@pytest.mark.long
def test_the_same_by_keyboard(world: World, browse: Callable[[Visit], Any]) -> None:
    story.live(world)
    sla.calendar()

    def to(page: Page, selector: str) -> None:
        """Tab until the element has the focus: a bounded way, in the order of the page."""
        for _ in range(80):
            if page.evaluate("css => document.activeElement.matches(css)", selector):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"no Tab leads to {selector}")

    def press(page: Page, *keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    def visit(page: Page) -> tuple[list[str], list[bool], str]:
        page.goto(reverse("admin:notifications_route_new_rule"))
        page.wait_for_selector("[data-rule][data-answered]")
        to(page, "[data-chip=engine]")
        press(page, "Enter")
        seen, returned = [opened(page)], []
        press(page, "Escape")
        seen.append(opened(page))
        returned.append(page.evaluate("document.activeElement.dataset.chip === 'engine'"))
        to(page, "[data-chip=target]")
        press(page, "Enter")
        page.keyboard.type("Fin")
        press(page, "Enter")
        seen.append(page.evaluate("document.activeElement.textContent"))
        to(page, "[data-add=conditions]")
        press(page, "Enter")
        page.keyboard.type("variables.amount")
        press(page, "Tab", *["ArrowDown"] * 5, "Tab")
        page.keyboard.type("1000")
        press(page, "Enter")
        seen.append(page.evaluate("document.activeElement.textContent"))
        to(page, "[data-kind=remind]")
        press(page, "Enter")
        to(page, "[data-kind=escalate]")
        press(page, "Enter")
        to(page, "[data-chip=due]")
        press(page, "Enter", "ArrowUp", "Escape")
        seen += page.locator("[data-chip=when]").all_inner_texts()
        to(page, "[name=_publish]")
        press(page, "Enter")
        page.wait_for_url("**/rule/")
        return seen, returned, page.inner_text("body")

    seen, returned, published = browse(visit)
    assert seen == [
        *("Engine", "", "Finance", "amount is more than 1,000"),
        *("2 h after the assignment", "4 h after the assignment"),
    ]
    assert returned == [True]
    assert "is published" in published
    steps = Policy.objects.get(route__name="amount is more than 1,000 → Finance").steps.all()
    assert [(step.offset, step.target) for step in steps] == [(-120, "team"), (0, "manager")]


def test_words_are_plain_text_until_liquid_is_asked_for(world: World, browse: Callable[[Visit], Any]) -> None:
    story.live(world)
    reminder, other = (Template.objects.get(slug=slug) for slug in ("task-reminder", "task-late"))
    text = reminder.versions.get(state="published").texts.get(language="en", channel="")

    def choose(page: Page, template: Template) -> None:
        page.select_option("[name=template]", label=template.name)

    def visit(page: Page) -> tuple[str, str, str, list[str], str]:
        page.goto(reverse("admin:notifications_route_new_rule"))
        page.wait_for_selector("[data-rule][data-answered]")
        page.click("[data-chip=template]")
        page.check("[name=words-own]")
        choose(page, reminder)
        page.wait_for_function(
            "title => document.querySelector('[name=texts-0-title]').value === title", arg=text.title
        )
        page.keyboard.press("Escape")
        assert Axe().run(page, options=AA).response["violations"] == []
        words, liquid = page.locator("[data-rows=texts]"), "Check {{ task.name }} of {{ variables.vendor }}"
        page.click("[data-rows=texts] [data-as-liquid]")
        page.fill("[name=texts-0-title]", liquid)
        page.click("[data-rows=texts] [data-as-liquid]")
        title, shown = page.locator(".field-title [data-editor]").first, words.inner_text()
        title.click()
        page.keyboard.press("End")
        page.keyboard.type(": ")
        page.wait_for_function("document.querySelector('[data-insert-items]').textContent.includes('variables.amount')")
        page.click("[data-rows=texts] .field-title [data-insert-open]")
        page.keyboard.type("variables.amount")
        page.keyboard.press("Enter")
        chips = title.locator(".desk-variable").all_inner_texts()
        page.click("[data-chip=template]")
        with page.expect_response(lambda answer: f"template={other.pk}&" in (answer.request.post_data or "")):
            choose(page, other)
        return shown, title.inner_text(), page.input_value("[name=texts-0-title]"), chips, page.inner_text(".desk-say")

    shown, title, value, chips, sentence = browse(visit)
    assert "{{" not in shown and title.startswith("Check task name of vendor: ")
    assert (
        value == "Check {{ task.name }} of {{ variables.vendor }}: {{ variables.amount | money: variables.currency }}"
    )
    assert chips == ["task name", "vendor", "amount · money"]
    assert "this rule's own text" in sentence, "what was typed stays when another template is chosen"
