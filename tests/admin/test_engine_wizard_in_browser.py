"""The steps of connecting an engine in Chromium: the light turns by itself, and everybody can use each page."""

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from notifications.admin.engines import engine_wizard
from notifications.connectors import samples
from notifications.models import ApiKey
from tests.admin.desk import Browse
from tests.admin.test_accessible import AA
from tests.admin.world import World
from tests.support.receiver import receiving

pytestmark = [pytest.mark.browser, pytest.mark.ci]


def looked_at(page: Page) -> list[Any]:
    """What is wrong with the page. The next one is dark if this was light."""
    found: list[Any] = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        found += [page.url] if page.evaluate("document.documentElement.scrollWidth > innerWidth") else []
    wrong = Axe().run(page, options=AA).response["violations"]
    found += [(page.url, each["id"], each["nodes"][0]["html"][:200]) for each in wrong]
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="light" if is_dark else "dark")
    return found


def test_an_engine_is_connected_from_its_kind_to_its_first_answer(world: World, loopback: None, browse: Browse) -> None:
    example = json.dumps(samples.example_of("webhook_task.json", "bob"))

    def visit(page: Page) -> list[Any]:
        page.goto(reverse(engine_wizard.NAME))
        page.select_option("#id_kind", "flowable")
        expect(page.locator('label[for="id_callback_url"]')).to_contain_text("Address of the REST interface")
        page.select_option("#id_kind", "webhook")
        page.fill("#id_name", "Claims")
        page.fill("#id_callback_url", receiver.url)
        wrong = looked_at(page)
        page.get_by_role("button", name="Next", exact=True).click()

        page.get_by_role("button", name="Make the key").click()
        expect(page.locator('[data-copy="shown-once"]')).to_be_visible()  # then a reload sends no form again
        key = page.locator("#shown-once").inner_text()
        assert key in page.locator("#text-curl").inner_text()
        wrong += looked_at(page)
        page.reload()
        expect(page.get_by_text("It has the key wfp_")).to_be_visible()
        expect(page.locator("#shown-once")).to_have_count(0)
        page.get_by_role("link", name="Next: wait for the first event").click()

        light, headers = page.locator("[data-light]"), {"X-API-Key": key, "Content-Type": "application/json"}
        expect(light).to_contain_text("Waiting for the first event of Claims")
        expect(page.get_by_role("link", name="Look again")).to_be_hidden()
        page.request.post("/api/v1/events", headers=headers, data="{}")
        expect(light).to_contain_text("refused: 422")
        wrong += looked_at(page)
        page.request.post("/api/v1/events", headers=headers, data=example)
        expect(light).to_contain_text("An event of Claims came.")
        expect(light.get_by_role("link", name="Outcome")).to_be_visible()
        wrong += looked_at(page)
        page.get_by_role("link", name="Next: its JSON").click()

        expect(page.get_by_text("it needs no mapping")).to_be_visible()
        wrong += looked_at(page)
        page.get_by_role("link", name="Next", exact=True).click()

        page.get_by_role("button", name="Make the secret").click()
        secrets.append(page.locator("#shown-once").inner_text())
        page.get_by_role("button", name="Send a signed test callback").click()
        expect(page.get_by_text("Claims accepted the signed test: it answered 204")).to_be_visible()
        return wrong + looked_at(page)

    secrets: list[str] = []
    with receiving() as receiver:
        assert browse(visit) == []
    assert receiver.calls[0].signed_with(*secrets)
    assert ApiKey.objects.filter(engine__name="Claims").count() == 1
