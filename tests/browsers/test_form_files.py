"""Files and a signature in a form: kept with the draft, taken away with it, and asked for only where needed."""

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import opened
from tests.browsers.worker import until
from tests.notifications.forms.invoice import invoice_form
from tests.support.files import pdf

pytestmark = pytest.mark.ci

FILES = {"type": "array", "items": {"type": "string", "format": "uuid"}}
INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let dots = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at] === 0x10 && data[at + 1] === 0x23) dots += 1;
  return dots;
}"""
DRAFTS = """async () => {
  const { allStored } = await import("/static/wfpush/store.js");
  return (await allStored("about")).flatMap(({ files = [] }) => files.flat()).filter(({ sent }) => sent).length;
}"""


def assign(installation: Installation, title: str) -> None:
    said = invoice_form()
    receipt = {**FILES, "title": "Receipt", "maxItems": 1}
    said["schema"]["properties"] = {"receipt": receipt, "signed": {**FILES, "title": "Signed by the tenant"}}
    said["schema"]["required"] = ["signed"]
    said["ui"] = {"fields": {"signed": {"kind": "signature"}}}
    task = {"id": title, "name": title, "kind": "approval", "assignee": "dave", "initiator": "grace", "form": said}
    installation.person("grace", name="Grace")
    installation.send("task.assigned", {"task": {**task, "actions": ["approve", "reject", "request_info"]}})


async def stroke(page: Page, y: float) -> None:
    box = await page.locator("#item canvas").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 40, box["y"] + y)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 200, box["y"] + y + 20, steps=5)
    await page.mouse.up()


async def test_a_signature_is_there_again_until_dave_starts_over_and_a_receipt_stays_until_the_next(
    installation: Installation, sign_in: SignIn
) -> None:
    assign(installation, "Approve the stairs")
    dave = await sign_in("dave")
    item = await opened(dave, "Approve the stairs")
    canvas, state = item.locator("canvas"), item.locator("[data-name=signed] .attached")
    await expect(canvas).to_be_visible()
    assert await canvas.evaluate(INK) == 0
    await canvas.scroll_into_view_if_needed()
    await stroke(dave, 30)
    first = await canvas.evaluate(INK)
    await stroke(dave, 80)  # before the first is sent: both are one signature
    drawn = await canvas.evaluate(INK)
    assert 0 < first < drawn
    await expect(state).to_have_text("Signed.", use_inner_text=True)
    await until(lambda: dave.evaluate(DRAFTS), "the draft has the signature")

    await dave.reload()
    await expect(state).to_contain_text("Signed.")

    async def is_drawn() -> bool:
        return bool(await canvas.evaluate(INK) == drawn)

    await until(is_drawn, "the signature is shown again")
    await dave.get_by_role("button", name="Start over").click()
    await expect(state).to_be_empty()
    assert await canvas.evaluate(INK) == 0

    # A receipt that is refused leaves the one before.
    part = item.locator("[data-name=receipt]")
    names = part.locator(".attached li [dir]")

    async def attach(name: str, content: bytes) -> None:
        file: FilePayload = {"name": name, "mimeType": "application/pdf", "buffer": content}
        await part.get_by_label("Attach a file").set_input_files(file)

    await attach("first.pdf", pdf())
    await expect(part.locator("progress")).to_be_hidden()
    await attach("large.pdf", pdf() + bytes(10_000_001))
    await expect(part.get_by_role("alert")).to_contain_text("large.pdf is larger than 10 MB.")
    await attach("page.pdf", b"<html></html>")
    await expect(part.get_by_role("alert")).to_contain_text("page.pdf: This file type is not accepted")
    await expect(names).to_have_text(["first.pdf"])
    await attach("second.pdf", pdf())
    await expect(names).to_have_text(["second.pdf"])
    await expect(part.get_by_role("alert")).to_be_hidden()


@pytest.mark.long
async def test_a_question_needs_no_signature(installation: Installation, sign_in: SignIn) -> None:
    assign(installation, "Approve the door")
    dave = await sign_in("dave")
    item = await opened(dave, "Approve the door")
    await item.get_by_role("button", name="Approve").click()
    await expect(item.locator(".fault-summary")).to_contain_text("Sign, or write your name.")
    await item.get_by_text("Ask for information…").click()
    await item.get_by_label("What do you need to know?").fill("Which door?")
    await item.get_by_role("button", name="Ask for information").click()
    await expect(item.locator(".outcome")).to_contain_text("Sent to Grace.")
    await expect(item.locator(".fault-summary")).to_have_count(0)
    await expect(item.locator("[aria-invalid=true]")).to_have_count(0)
