"""The desk in Chromium: what its few scripts add, and that nothing is wider than a phone or refused by the policy."""

from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page

from escalations.models import BusinessCalendar, Escalation, Policy
from notifications.feature_targets import feature_targets
from notifications.models import (
    ApiKey,
    Callback,
    Event,
    EventType,
    Notification,
    Recipient,
    Response,
    SigningSecret,
    Task,
    Team,
    Template,
    TemplateVersion,
)
from notifications.models import Route as Routing
from notifications.wording import template_versions
from tests.admin import sla
from tests.admin.desk import Browse
from tests.admin.pages import adding, list_of, page_of
from tests.admin.world import World
from tests.soak.installation import LONG

pytestmark = [pytest.mark.browser, pytest.mark.ci]


def test_a_reload_neither_shows_a_key_again_nor_makes_another(world: World, browse: Browse) -> None:
    form = f"{adding(ApiKey)}?engine={world.engine.pk}"

    def visit(page: Page) -> tuple[str, str, int]:
        page.goto(form)
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/change/")  # the page's script gives it the address of what was made
        shown, address = page.inner_text(".desk-secret"), page.url
        page.reload()
        return shown, address, page.locator(".desk-secret").count()

    shown, address, shown_again = browse(visit)
    assert shown.startswith("wfp_")
    made = ApiKey.objects.first()
    assert made is not None
    assert urlsplit(address).path == page_of(made)
    assert shown_again == 0
    assert ApiKey.objects.count() == 2


def test_a_slug_is_made_of_the_name_until_somebody_writes_one(world: World, browse: Browse) -> None:
    def visit(page: Page) -> list[str]:
        page.goto(adding(Team))
        name, slug = page.locator("#id_name"), page.locator("#id_slug")
        assert not slug.is_visible()
        page.locator("summary", has_text="Slug").click()
        found = []
        name.fill("Größe & Maß, Überblick")
        found.append(slug.input_value())
        slug.fill("sizes")
        name.fill("Größen")
        found.append(slug.input_value())
        slug.fill("")
        name.fill("Schadenmeldungen " * 9)
        found.append(slug.input_value())
        return found

    made, written, long = browse(visit)
    assert (made, written) == ("grosse-mass-uberblick", "sizes")
    assert long.startswith("schadenmeldungen-schadenmeldungen-") and len(long) <= 100


def test_a_targets_form_shows_what_its_kind_needs(world: World, browse: Browse) -> None:
    form = page_of(Routing.objects.get(name="Tasks that wait too long"))

    def seen(page: Page, place: int) -> list[str]:
        names = ("team", "person", "path")
        inner = {name: page.locator(f"td:has([name=targets-{place}-{name}]) > div").first for name in names}
        return [name for name, part in inner.items() if part.is_visible()]

    def visit(page: Page) -> list[list[str]]:
        page.goto(form)
        found = [seen(page, 0)]
        page.select_option("#id_targets-0-kind", "path")
        found.append(seen(page, 0))
        page.get_by_text("Add another Target").click()
        for kind in ("person", "assignee"):
            page.select_option("#id_targets-2-kind", kind)
            found.append(seen(page, 2))
        return found

    assert browse(visit) == [["team"], ["path"], ["person"], []]


def test_a_policys_form_shows_what_its_clock_and_steps_need(world: World, browse: Browse) -> None:
    form = page_of(sla.policy())
    names = ("target", "level", "team", "person", "template", "category", "channels", "priority")

    def seen(page: Page, place: int) -> list[str]:
        group = page.locator(f".form-group:has([name=steps-{place}-kind])").last
        return [name for name in names if group.locator(f".field-{name}").is_visible()]

    def visit(page: Page) -> list[Any]:
        page.goto(form)
        found: list[Any] = [page.locator(".field-minutes").is_visible(), seen(page, 2)]
        page.select_option("#id_clock", "duration")
        page.select_option("#id_on_acknowledge", "holds")
        found.append([page.locator(f".field-{name}").is_visible() for name in ("minutes", "hold_minutes")])
        title = page.get_by_role("button", name="1 h after due: notify the assignee's manager")
        found.append(title.get_attribute("aria-expanded"))
        title.press("Enter")
        page.locator("#id_steps-2-kind").wait_for()
        page.wait_for_function("title => title.ariaExpanded === 'true'", arg=title.element_handle())
        found.append(seen(page, 2))
        page.select_option("#id_steps-2-target", "team")
        found.append(seen(page, 2))
        page.get_by_text("Add another Step").click()
        page.locator("#id_steps-3-kind").wait_for()
        for kind in ("raise_priority", "tell_engine", "reassign"):
            page.select_option("#id_steps-3-kind", kind)
            found.append(seen(page, 3))
        page.select_option("#id_steps-3-target", "person")
        found.append(seen(page, 3))
        offered = "select => Array.from(select.options).filter(o => !o.disabled).map(o => o.value)"
        found += [page.locator(f"#id_steps-{place}-target").evaluate(offered) for place in (3, 2)]
        return found

    message = ["template", "category", "channels"]
    added = feature_targets()
    assert browse(visit) == [
        False,
        [],  # folded: its sentence is enough
        [True, True],
        "false",
        ["target", "level", *message],
        ["target", "team", *message],
        ["priority"],
        [],
        ["target"],
        ["target", "person"],
        ["", "team_lead", "manager", "person", *(value for value, kind in added.items() if kind.is_one_person)],
        ["", "assignee", "candidates", "task_teams", "team", "team_lead", "manager", "person", *added],
    ]


def test_the_preview_follows_what_is_typed(world: World, browse: Browse) -> None:
    template = Template.objects.get(slug="task")
    draft = template_versions.new_draft(template, template.versions.get())
    languages = [text.language for text in draft.texts.all()]
    place = languages.index("en")

    def visit(page: Page) -> list[Any]:
        page.goto(page_of(draft))
        title, card = page.locator(f"#id_texts-{place}-title"), page.locator(".desk-inbox h3")
        found: list[Any] = [page.locator(".desk-live").bounding_box(), title.bounding_box()]
        title.fill("Pay {{ case.title }} soon")
        page.wait_for_function("document.querySelector('.desk-inbox h3').textContent === 'Pay Invoice 4711 soon'")
        found.append(page.get_by_label("Language", exact=True).last.input_value())
        title.fill("Pay {{ case.title")
        fault = page.locator("[data-live-fault]")
        fault.wait_for()
        found += [fault.inner_text(), title.get_attribute("aria-describedby"), fault.get_attribute("id")]
        title.fill("Pay at once")
        page.wait_for_function("document.querySelector('.desk-inbox h3').textContent === 'Pay at once'")
        found += [fault.count(), card.inner_text()]
        page.select_option(".desk-live [name=sample]", label="case.status_changed")
        page.wait_for_function("document.querySelector('.desk-lead').textContent.includes('case.status_changed')")
        found.append(page.locator(f"#id_texts-{1 - place}-title").is_visible())
        page.locator("[data-language=de]").click()
        page.wait_for_function("document.querySelector('.desk-inbox').lang === 'de'")
        found += [page.locator(f"#id_texts-{at}-title").is_visible() for at in (1 - place, place)]
        return found

    beside, typed_in, language, said, described_by, fault_id, faults_left, shown, *seen = browse(visit)
    assert seen == [False, True, False], "one language at a time"
    assert beside["x"] >= typed_in["x"] + typed_in["width"], "text left, preview right"
    assert language == "en", "that of the text in which one types"
    assert "is never closed" in said
    assert described_by == fault_id
    assert (faults_left, shown) == (0, "Pay at once")
    assert draft.texts.get(language="en").title != "Pay at once", "nothing is saved"


def test_variables_and_filters_are_inserted_with_the_keyboard_and_languages_added(world: World, browse: Browse) -> None:
    template = Template.objects.get(slug="task")
    draft = template_versions.new_draft(template, template.versions.get())
    languages = [text.language for text in draft.texts.all()]
    place = languages.index("en")
    card = "document.querySelector('.desk-inbox h3').textContent === "

    def insert(page: Page, words: str) -> None:
        page.locator(".field-title:visible [data-insert-open]").first.press("Enter")
        page.locator("[data-insert-find]").fill(words)
        page.keyboard.press("Enter")

    def visit(page: Page) -> list[Any]:
        page.goto(page_of(draft))
        title = page.locator(f"#id_texts-{place}-title")
        title.fill("Pay  now")
        title.evaluate("field => field.setSelectionRange(4, 4)")
        insert(page, "case.title")
        found = [title.input_value(), page.evaluate("document.activeElement.id")]
        page.wait_for_function(card + "'Pay Invoice 4711 now'")
        title.fill("{{ case.title }}")
        title.evaluate("field => field.setSelectionRange(13, 13)")
        insert(page, "upper upcase")
        found.append(title.input_value())
        page.wait_for_function(card + "'INVOICE 4711'")
        page.locator("[data-add-language]").click()
        page.keyboard.type("it")
        new = page.locator(f"#id_texts-{len(languages)}-title")
        new.fill("È da pagare")
        page.locator("[data-language=it][aria-current]").wait_for()
        page.wait_for_function(card + "'È da pagare'")
        return [*found, new.is_visible(), title.is_visible(), page.locator("[data-of-language=it]").inner_text()]

    inserted, focused, filtered, new_seen, old_seen, lacks = browse(visit)
    assert inserted == "Pay {{ case.title }} now"
    assert focused == f"id_texts-{place}-title"
    assert filtered == "{{ case.title | upcase }}"
    assert (new_seen, old_seen) == (True, False)
    assert "body" in lacks


@pytest.mark.long
def test_a_template_is_written_without_javascript(world: World, browse: Browse) -> None:
    template = Template.objects.get(slug="task")
    draft = template_versions.new_draft(template, template.versions.get())
    new = draft.texts.count()

    def visit(page: Page) -> list[Any]:
        page.goto("/admin/login/")
        address = page.url.partition("/admin")[0]
        browser = page.context.browser
        assert browser is not None
        with browser.new_context(java_script_enabled=False, base_url=address) as context:
            plain = context.new_page()
            plain.goto(page_of(draft))
            found = [plain.locator(f"#id_texts-{at}-title").is_visible() for at in (0, 1)]
            plain.locator("noscript a, a[href='?more=1']").first.click()
            plain.locator(f"#id_texts-{new}-language").fill("it")
            plain.locator(f"#id_texts-{new}-title").fill("È da pagare")
            plain.locator("button[name=_save]").click()
            plain.locator(".desk-live [name=language]").select_option("it")
            plain.get_by_role("button", name="Show the saved version").click()
            return [*found, plain.locator(".desk-inbox h3").inner_text()]

    assert browse(visit) == [True, True, "È da pagare"]


def test_nothing_is_wider_than_a_phone(evening: World, browse: Browse) -> None:
    """Lists of rows, a task and an engine: test_story.py, test_engine_in_browser.py."""
    version = TemplateVersion.objects.filter(template__routes__isnull=False)[0]
    sample = EventType.objects.get(name="task.assigned")
    addresses = [
        "/admin/",
        page_of(Event.objects.get(event_id="e-2")),
        page_of(Routing.objects.all()[0]),
        adding(ApiKey),
        adding(SigningSecret),
        page_of(version, "preview"),
        page_of(template_versions.new_draft(version.template, version)),
        page_of(evening.engine, "try_mapping"),
        f"{reverse('admin:notifications_route_dry_run')}?sample={sample.pk}",
        *map(list_of, (Policy, BusinessCalendar)),
        *(page_of(each.objects.all()[0]) for each in (Policy, BusinessCalendar, Escalation)),
    ]

    def visit(page: Page) -> dict[str, int]:
        page.set_viewport_size({"width": 390, "height": 844})
        widths = {}
        for address in addresses:
            page.goto(address)
            widths[address] = page.evaluate("document.documentElement.scrollWidth")
        return widths

    assert {address: width for address, width in browse(visit).items() if width > 390} == {}


ROOM = """() => {
  const rows = [...document.querySelectorAll('#result_list tr.data-row')].map((row) => row.getBoundingClientRect());
  const foot = document.querySelector('[class*="scrollable-top"]').getBoundingClientRect().top;
  const box = document.querySelector('.desk-results .simplebar-content-wrapper');
  const height = Math.max(...rows.map((row) => row.height));
  return {height, fit: Math.floor((foot - rows[0].top) / height), cut: box.scrollWidth > box.clientWidth};
}"""


def test_a_list_has_one_line_a_row_and_shows_twelve_rows(evening: World, browse: Browse) -> None:
    """With long names, in German, on a screen of 1280 × 800; in `make soak` every list that has rows. A task's page is
    less than two such screens."""
    Task.objects.update(name="Reise von Maximiliane Freifrau von Habsburg-Lothringen nach Rio de Janeiro")
    Recipient.objects.filter(pk=evening.bob.pk).update(name="Bartholomäus Bauer-Schwarzenberger")
    task = Task.objects.get(task_id="T-101")
    models = list(admin.site._registry) if LONG else [Task, Notification, Response, Callback, Event]
    others = {TemplateVersion, Routing, Policy}
    addresses = [list_of(model) for model in models if model not in others and model._default_manager.exists()]

    def visit(page: Page) -> dict[str, Any]:
        page.set_extra_http_headers({"Accept-Language": "de"})
        found = {}
        for address in addresses:
            page.goto(address)
            page.locator(".desk-results .simplebar-content-wrapper").wait_for()
            found[address] = page.evaluate(ROOM)
        page.goto(page_of(task))
        page.get_by_text("What happened").wait_for()
        found["task"] = page.evaluate(
            "Math.max(...['main', 'page'].map((id) => document.getElementById(id).scrollHeight))"
        )
        page.goto(list_of(Task))
        title = page.locator("#result_list th .desk-cell").first
        return {**found, "title": title.get_attribute("title"), "align": page.evaluate(ALIGN)}

    rooms = browse(visit)
    assert rooms.pop("task") <= 1500
    assert rooms.pop("title").endswith("Rio de Janeiro")
    assert rooms.pop("align") == ["right", "right"]
    assert {address: room for address, room in rooms.items() if room["cut"] or room["height"] > 36} == {}
    assert {address: room for address, room in rooms.items() if room["fit"] < 12} == {}


NUMBER = """(cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell.querySelector('a').lastChild);
  const words = cell.querySelector('.desk-words');
  const isIn = range.getBoundingClientRect().right <= cell.getBoundingClientRect().right;
  return [range.toString().trim(), isIn, words.scrollHeight > words.clientHeight];
}"""


def test_a_cut_title_keeps_its_number(evening: World, browse: Browse) -> None:
    name = "Release the purchase order for the new warehouse in Hamburg-Altona with all of its racks 4500012345"
    Task.objects.filter(task_id="T-102").update(name=name)

    def visit(page: Page) -> Any:
        page.goto(list_of(Task))
        return page.locator("#result_list th .desk-cell", has_text="4500012345").evaluate(NUMBER)

    assert browse(visit) == ["4500012345", True, True]


CUT = """() => [...document.querySelectorAll('#result_list .desk-cell')].filter((cell) =>
  cell.scrollWidth > cell.clientWidth || cell.scrollHeight > cell.clientHeight || cell.innerText.includes('…'),
).map((cell) => cell.innerText)"""


def test_of_rules_and_policies_nothing_is_cut(evening: World, browse: Browse) -> None:
    """They wrap instead, in two lines as a rule, on a screen of 1280 × 800."""

    def visit(page: Page) -> list[Any]:
        found = []
        for language, model in product(("en", "de"), (Routing, Policy)):
            page.set_extra_http_headers({"Accept-Language": language})
            page.goto(list_of(model))
            page.locator(".desk-results .simplebar-content-wrapper").wait_for()
            room = page.evaluate(ROOM)
            found += [*page.evaluate(CUT), *([room] if room["cut"] or room["height"] > 80 else [])]
        return found

    assert browse(visit) == []


ALIGN = """() => ['.column-amount', '.field-amount']
  .map((each) => getComputedStyle(document.querySelector('#result_list ' + each)).textAlign)"""


def test_a_list_of_bars_leaves_the_columns_of_pages_as_they_are(world: World, browse: Browse) -> None:
    def visit(page: Page) -> list[str]:
        page.goto(reverse("admin:escalations_escalation_sla"))
        columns = page.locator("#content .desk-columns").first
        return [columns.evaluate(f"part => getComputedStyle(part).{name}") for name in ("display", "columnGap")]

    assert browse(visit) == ["grid", "24px"]
