"""A form in a browser: checked as the server checks it, kept while it is typed, and filled in where no signal is."""

import json
import re
from typing import Any

from django.utils import translation
from playwright.async_api import FilePayload, Locator, Page, expect

from notifications.forms.rendering import form_json, words_of_forms
from tests.browsers.conftest import SignIn, is_live
from tests.browsers.installation import Installation
from tests.browsers.items import answers, values
from tests.browsers.test_accessible import faults
from tests.browsers.worker import is_kept, until
from tests.notifications.forms.invoice import VARIABLES, invoice_form
from tests.notifications.forms.rows import GIVEN, delivery_form
from tests.notifications.forms.test_patterns import VECTORS as PATTERNS
from tests.notifications.forms.test_vectors import VECTORS, form
from tests.support.files import png

COMPARED = """async (cases) => {
  const { fieldOf, sentenceOf, valuesOf } = await import("/static/wfpush/values.js");
  const isObject = (said) => said?.constructor === Object;
  const ordered = (_key, said) => (isObject(said) ? Object.fromEntries(Object.entries(said).sort()) : said);
  const sorted = (said) => JSON.stringify(said, ordered);
  const read = ({ form, texts, language, words }) => {
    const { values, faults } = valuesOf(form, texts);
    const place = ({ name, row, column }) => (column ? [name, row, column].join(".") : name);
    const said = faults.map((fault) => [place(fault), sentenceOf(fault, fieldOf(form, fault), language, words)]);
    return { values, faults: Object.fromEntries(said) };
  };
  return cases.map((known) => ({ known, found: read(known) }))
    .filter(({ known, found }) => ["values", "faults"].some((name) => sorted(known[name]) !== sorted(found[name])))
    .map(({ known, found }) => [known.language, known.texts, found]);
}"""
UNLIKE = """async (cases) => {
  const { beginCheck, fits } = await import("/static/wfpush/patterns.js");
  for (let cell = 0; cell < 600; cell++) fits("(?:.|..)".repeat(6) + ".*?.*?.*?[0-9]", "a".repeat(100));
  return cases.filter(([pattern, text, does]) => { beginCheck(); return fits(pattern, text) !== does; });
}"""
"""A check of so many cells takes days where ways are tried one after the other."""

DRAFT = """async ([note, article]) => {
  const { allStored } = await import("/static/wfpush/store.js");
  const drafts = (await allStored("about")).map(({ texts }) => texts);
  return drafts.some((texts) => texts?.note[0] === note && texts["lines.1.article"][0] === article);
}"""
PHOTO: dict[str, Any] = {"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": 1}
TITLE = "Approve the pump in the cellar"


def cases() -> list[dict[str, Any]]:
    found = []
    for case in VECTORS["cases"]:
        language = case["language"]
        with translation.override("de" if language == "de" else "en"):
            found.append({**case, "form": form_json(form(), language), "words": words_of_forms()})
    return found


async def opened(page: Page) -> None:
    await page.get_by_role("link", name=TITLE, exact=True).click()
    await expect(page.locator("#value-amount")).to_be_visible()


def cell(page: Page, row: int, column: str) -> Locator:
    return page.locator(f"[name='value-lines.{row}.{column}']")


async def fill_in_rows(page: Page) -> None:
    """The valve was a tap, and cheaper: by the keyboard alone."""
    rows, news, add = (
        page.locator(".table tbody tr"),
        page.locator("#news"),
        page.get_by_role("button", name="Add a row"),
    )
    await expect(rows).to_have_count(2)
    await add.focus()
    await page.keyboard.press("Enter")
    await expect(cell(page, 2, "article")).to_be_focused()
    await expect(news).to_have_text("Row 3 was added.")
    await page.keyboard.type("Tap")
    await cell(page, 2, "price").focus()
    await page.keyboard.type("6")
    await expect(page.locator(".total")).to_have_text("Sum of the column “Price”: €48.50")
    await page.get_by_role("button", name="Remove row 2").focus()
    await page.keyboard.press("Enter")
    await expect(news).to_have_text("Row 2 was removed.")
    await expect(page.get_by_role("button", name="Remove row 2")).to_be_focused()
    await expect(page.get_by_role("textbox", name="Article Row 2", exact=True)).to_have_value("Tap")
    await expect(page.locator(".total")).to_have_text("Sum of the column “Price”: €36.00")


async def sign(page: Page) -> None:
    """By the keyboard, then anew by finger."""
    part = page.locator("#item [data-name=signed]")
    place, files = part.get_by_role("img", name="Sign here with a finger or the mouse"), part.locator(".attached li")
    await part.get_by_label("Or write your name").press_sequentially("Tina")
    await expect(files).to_contain_text("It will be sent when you are back.")
    assert await faults(page) == []
    await part.get_by_role("button", name="Clear").click()
    await expect(files).to_have_count(0)
    await expect(part.get_by_label("Or write your name")).to_have_value("")
    await place.evaluate("(canvas) => canvas.scrollIntoView({ block: 'center' })")
    box = await place.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 40, box["y"] + 60)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 200, box["y"] + 30, steps=5)
    await page.mouse.up()
    await expect(files).to_contain_text("It will be sent when you are back.")


async def test_dave_fills_in_a_form_in_a_cellar(installation: Installation, sign_in: SignIn) -> None:
    said = invoice_form()
    said["ui"]["fields"]["note"]["when"] = {"field": "account", "is": "office"}
    table = delivery_form()
    said["schema"]["properties"]["lines"] = table["schema"]["properties"]["lines"]
    said["ui"]["fields"]["lines"] = table["ui"]["fields"]["lines"]
    said["schema"]["properties"]["photo"] = PHOTO
    said["schema"]["properties"]["signed"] = {**PHOTO, "title": "Signed by the tenant"}
    said["schema"]["required"].append("signed")
    said["ui"]["fields"] |= {"photo": {"kind": "photo", "title": "Photo of it"}, "signed": {"kind": "signature"}}
    task = {"id": "pump", "name": TITLE, "kind": "approval", "assignee": "dave", "form": said}
    installation.send("task.assigned", {"task": task, "variables": {**VARIABLES, **GIVEN}})
    dave = await sign_in("dave", phone=True)
    assert await dave.evaluate(COMPARED, cases()) == []
    assert await dave.evaluate(UNLIKE, PATTERNS["fits"]) == []

    # What is typed is kept by itself, and there again.
    await opened(dave)
    await expect(dave.locator("#value-note")).to_be_hidden()
    await dave.get_by_label("Office").check()
    await dave.locator("#value-note").fill("Nine came.")
    await fill_in_rows(dave)
    await until(lambda: dave.evaluate(DRAFT, ["Nine came.", "Tap"]), "the draft is stored")
    await is_kept(dave, TITLE)
    await dave.reload()
    await expect(dave.locator("#value-note")).to_have_value("Nine came.")
    await expect(cell(dave, 1, "article")).to_have_value("Tap")
    await dave.evaluate("scrollTo(0, 0)")  # what lies half under the page's head is too small, says axe
    assert await faults(dave) == []

    # With no signal: one tap and a number.
    await dave.context.set_offline(True)
    await dave.goto("/")
    await dave.locator("#list").get_by_role("link", name="Approve…").first.click()
    await expect(dave.locator("#value-note")).to_have_value("Nine came.")
    await expect(cell(dave, 1, "article")).to_have_value("Tap")
    await expect(dave.locator(".total")).to_have_text("Sum of the column “Price”: €36.00")
    await cell(dave, 1, "article").fill("")
    await dave.locator("#value-amount").fill("10.000")
    await dave.locator("#item").get_by_role("button", name="Approve", exact=True).click()
    summary = dave.locator(".fault-summary")
    await expect(summary).to_be_focused()
    await expect(summary).to_contain_text("Amount: Is it 10000 or 10.0000?")
    await summary.get_by_text("Lines, Row 2, Article: Fill this in.").click()
    await expect(cell(dave, 1, "article")).to_be_focused()
    await cell(dave, 1, "article").fill("Tap")
    await dave.keyboard.press("Tab")
    await expect(dave.locator("#value-lines\\.1\\.article-fault")).to_have_count(0)
    await expect(dave.locator("#value-amount")).to_have_attribute("aria-invalid", "true")
    assert await faults(dave) == []
    await dave.locator("#value-amount").fill("900")
    pump: FilePayload = {"name": "pump.png", "mimeType": "image/png", "buffer": png(30, 20)}
    part = dave.locator("#item [data-name=photo]")
    await part.get_by_label("Take a photo").set_input_files(pump)
    await expect(part.locator(".attached")).to_contain_text("It will be sent when you are back.")
    await sign(dave)
    assert await faults(dave) == []
    await dave.get_by_text("Add a comment").click()
    await dave.get_by_label("Your comment", exact=True).fill("Nine of twelve.")
    await dave.locator("#value-amount").press("Enter")
    outcome = dave.locator("#item [data-slot=outcome]")
    await expect(outcome).to_have_text("“Approve” will be sent when you are back.")

    await dave.context.set_offline(False)
    await is_live(dave)
    await expect(outcome).to_contain_text("Approved.")
    await expect(dave.locator("#item [data-slot=history]")).to_contain_text("Amount: €900.00 (instead of €1,000.00)")
    await expect(dave.locator(".unsent")).to_have_count(0)  # its comment was sent
    filled_in = values(installation, TITLE)
    (photo,), (signed,) = filled_in.pop("photo"), filled_in.pop("signed")
    assert [(each["name"], each["type"]) for each in (photo, signed)] == [
        ("pump.png", "image/png"), ("signature.png", "image/png"),
    ]  # fmt: skip
    shown = dave.locator("#item .files img")
    await expect(shown.first).to_have_js_property("naturalWidth", 30)
    await expect(shown.last).to_have_js_property("naturalWidth", 960)
    lines = [{"article": "Pump", "pieces": 2, "price": 30}, {"article": "Tap", "price": 6}]
    assert filled_in == {
        "amount": 900, "account": "office", "cost_center": "4100", "note": "Nine came.", "iban": "DE02", "lines": lines,
    }  # fmt: skip


async def test_a_cell_that_only_the_server_finds_wrong_is_named(installation: Installation, sign_in: SignIn) -> None:
    """It may know more than the page, such as of a file that is gone."""
    title, form = "Approve the taps", delivery_form()
    task = {"id": "taps", "name": title, "kind": "approval", "assignee": "dave", "form": form}
    installation.send("task.assigned", {"task": task, "variables": GIVEN})
    installation.waits_for("dave", title)
    dave = await sign_in("dave", again="forms")
    await dave.get_by_role("link", name=title, exact=True).click()
    await expect(cell(dave, 1, "article")).to_have_value("Valve")
    fault = {"pointer": "/values/lines/1/price", "detail": "Enter €50.00 or less."}
    refusal = {"code": "invalid_values", "status": 422, "errors": [fault]}
    await dave.route(
        re.compile("/responses$"),
        lambda route: route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(refusal)),
    )

    # The second row is empty, and so is none of the answer's.
    await cell(dave, 1, "article").fill("")
    await cell(dave, 1, "price").fill("")
    await dave.get_by_role("button", name="Add a row").click()
    await cell(dave, 2, "article").fill("Tap")
    await cell(dave, 2, "price").fill("60")
    await dave.locator("#value-note").fill("Nine came.")
    await dave.get_by_text("Add a comment").click()
    await dave.get_by_label("Your comment", exact=True).fill("Nine of twelve.")
    async with dave.expect_response(re.compile("/responses$")) as sent:
        await dave.locator("#item").get_by_role("button", name="Approve", exact=True).click()
    assert (await sent.value).status == 422

    summary = dave.locator(".fault-summary")
    await expect(summary).to_be_focused()
    await expect(summary).to_contain_text("Lines, Row 3, Price: Enter €50.00 or less.")
    assert await faults(dave) == []
    await dave.keyboard.press("Tab")
    await dave.keyboard.press("Enter")
    wrong = cell(dave, 2, "price")
    await expect(wrong).to_be_focused()
    await expect(wrong).to_have_value("60")
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    await expect(wrong).to_have_accessible_description(re.compile("Enter €50.00 or less."))
    await expect(cell(dave, 2, "article")).to_have_value("Tap")
    await expect(cell(dave, 0, "article")).to_have_value("Pump")
    await expect(dave.locator("#value-note")).to_have_value("Nine came.")
    await expect(dave.get_by_label("Your comment", exact=True)).to_have_value("Nine of twelve.")
    await dave.unroute(re.compile("/responses$"))

    await wrong.fill("40")
    await dave.locator("#item").get_by_role("button", name="Approve", exact=True).click()
    await expect(dave.locator("#item [data-slot=outcome]")).to_contain_text("Approved.")
    assert answers(installation, title) == [("approve", "Nine of twelve.")]
