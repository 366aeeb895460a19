"""An engine's form in Chromium: it asks what its kind and way of signing in need; and everybody can use its pages."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page

from notifications.admin.engines.engine_accounts import USED
from notifications.models import Engine, EngineAccess, PersonalSignIn, Poll
from notifications.reasons import said
from tests.admin.desk import Browse
from tests.admin.pages import adding, page_of
from tests.admin.test_sla_report import AA
from tests.admin.world import World

pytestmark = [pytest.mark.browser, pytest.mark.ci]


FIELDS = ("token_url", "name", "header", "new_secret", "token_body", "scope", "audience", "paths")


def seen(page: Page) -> list[str]:
    return [name for name in FIELDS if page.locator(f"#access-group .field-{name}").first.is_visible()]


def test_the_form_asks_what_kind_and_sign_in_need(db: None, browse: Browse) -> None:
    def address(page: Page) -> tuple[str, str]:
        label, hint = page.locator('label[for="id_callback_url"]'), page.locator("#id_callback_url_helptext")
        return label.inner_text(), hint.inner_text()

    def visit(page: Page) -> list[Any]:
        page.goto(adding(Engine))
        found: list[Any] = [page.locator("#access-group, #poll-group").first.is_visible(), address(page)]
        page.select_option("#id_kind", "opentext")
        found += [seen(page), address(page), page.locator("#id_access-0-paths_helptext").inner_text()]
        page.select_option("#id_kind", "camunda8")
        found += [seen(page), address(page)[1], page.locator("#poll-group").is_visible()]
        for auth in ("basic", "bearer", "api_key", "oauth2"):
            page.select_option("#id_access-0-auth", auth)
            found.append((seen(page), page.locator('label[for="id_access-0-new_secret"]').inner_text()))
        page.select_option("#id_kind", "webhook")
        found += [seen(page), address(page)]
        return found

    webhook = ("Address for answers", "Where answers are sent. Empty: answers are kept and can be read by API.")
    kept = "Empty: answers are kept and can be read by API."
    assert browse(visit) == [
        False,
        webhook,
        ["paths"],
        ("Address of the REST interface", f"Its root, such as https://{{region}}.api.opentext.com/workflow/v1. {kept}"),
        'Default: {"read_task": "/tasks/{task}", "update_task": "/tasks/{task}"}. Empty: the default.',
        [],
        f"Its root, such as http://localhost:8080/v2. {kept}",
        True,
        (["name", "new_secret"], "Password"),
        (["new_secret"], "Token"),
        (["header", "new_secret"], "Key"),
        (["token_url", "name", "new_secret", "token_body", "scope", "audience"], "Client secret"),
        [],
        webhook,
    ]


def test_people_who_sign_in_themselves_need_more_fields(world: World, root: Client, browse: Browse) -> None:
    Engine.objects.update(kind="opentext", callback_url="https://workflow.acme.example/v1")

    def visit(page: Page) -> list[list[bool]]:
        page.goto(page_of(world.engine))
        found = []
        for mode in ("service", "person", "either", "service"):
            page.select_option("#id_personal-0-mode", mode)
            found.append([page.locator(f"#personal-group .field-{name}").first.is_visible() for name in USED])
        return found

    assert browse(visit) == [[False] * 5, [True] * 5, [True] * 5, [False] * 5]


@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.long), "de"])
def test_its_pages_fit_a_phone_and_axe_finds_nothing(world: World, root: Client, browse: Browse, language: str) -> None:
    Engine.objects.update(kind="flowable", callback_url="https://flowable.acme.example/flowable-rest/service")
    signing = {"auth": "oauth2", "token_url": "https://id.acme.example/token", "name": "wfpush", "secret": "geheim-1"}
    EngineAccess.objects.create(engine=world.engine, **signing)
    PersonalSignIn.objects.create(engine=world.engine, mode="person", client_id="wfpush", client_secret="geheim-2")
    Poll.objects.create(engine=world.engine, error_fact=said("The engine answered 503.").as_json())
    form, preview, check = (page_of(world.engine, page) for page in ("", "what_would_be_sent", "test_connection"))
    parts = {form: "#access-group, #personal-group, #poll-group", preview: "#content", check: "#content"}
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = language

    def visit(page: Page) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for address, part in parts.items():
            for scheme, width in (("light", 390), ("dark", 1280)):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.set_viewport_size({"width": width, "height": 844})
                page.goto(address)
                page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true })")
                wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
                wrong = Axe().run(page, context=part, options=AA).response["violations"]
                told = [(each["id"], each["nodes"][0]["html"][:200]) for each in wrong]
                found |= {f"{address} {scheme} {width}": (wide, told)} if wide or wrong else {}
        return found

    assert browse(visit) == {}
