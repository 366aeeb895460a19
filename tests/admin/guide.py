"""The pages of the desk of which docs/administrators.md has a picture, light and dark."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.urls import reverse
from playwright.sync_api import Page

from escalations.admin.rules import page as rules
from tests.admin.world import World

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "administrators.md"
SCHEMES = {"light": "", "dark": "-dark"}
"""And the ends of the names of their pictures."""


@dataclass(frozen=True)
class Shot:
    """`ready` brings the page to what is to be seen; it must not use the database. `whole`: down to its end."""

    name: str
    address: Callable[[World], str]
    ready: Callable[[Page], object] = lambda page: None
    whole: bool = False


def filled_in(page: Page) -> None:
    page.fill("[name=conditions-0-path]", "variables.amount")
    page.select_option("[name=conditions-0-operator]", "gt")
    page.fill("[name=conditions-0-value]", "1000")
    page.select_option("[name=targets-0-kind]", "team")
    page.select_option("[name=targets-0-team]", label="Finance")
    page.select_option("[name=late-counted]", "duration")
    page.fill("[name=steps-0-offset]", "2h")
    page.click("[data-add=steps]")
    page.fill("[name=steps-1-offset]", "4h")
    page.wait_for_selector("[data-part=try] .desk-steps")
    page.evaluate("document.activeElement.blur()")


SHOTS = [
    Shot("desk-rule", lambda world: reverse(rules.NAME), filled_in, whole=True),
]
