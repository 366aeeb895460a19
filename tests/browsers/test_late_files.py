"""Files that were sent a week before their answer: the server has removed them meanwhile, the device has not."""

from typing import Any

import pytest
from playwright.async_api import FilePayload, Locator, expect

from tests.browsers.conftest import SignIn, is_live
from tests.browsers.installation import Installation
from tests.browsers.items import opened
from tests.browsers.worker import until
from tests.support.files import png

pytestmark = pytest.mark.ci

PHOTO: FilePayload = {"name": "crack.png", "mimeType": "image/png", "buffer": png(30, 20)}
FORM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "properties": {
            name: {"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": 1}
            for name in ("photo", "plan")
        },
        "required": ["photo", "plan"],
    },
    "ui": {"fields": {"photo": {"kind": "photo", "title": "Photo"}, "plan": {"kind": "files", "title": "Plan"}}},
}
DRAFT = """async () => {
  const { allStored } = await import("/static/wfpush/store.js");
  const files = (await allStored("about")).flatMap(({ files }) => files ?? []).flat();
  return files.length === 2 && files.every(({ sent, blob }) => sent && blob.size);
}"""
NO_DRAFT = """async () => {
  const { allStored } = await import("/static/wfpush/store.js");
  return !(await allStored("about")).some(({ name }) => name.startsWith("draft"));
}"""


async def attach(box: Locator) -> None:
    await box.get_by_label("Take a photo").set_input_files(PHOTO)
    await expect(box.locator(".attached progress")).to_have_count(1)
    await expect(box.locator(".attached progress")).to_be_hidden()


def a_week_passes(installation: Installation) -> None:
    installation.set_up(
        "from datetime import timedelta\n"
        "from django.db.models import F\n"
        "from django.utils import timezone\n"
        "from notifications.housekeeping import prune\n"
        "from notifications.models import Attachment\n"
        "unused = Attachment.objects.filter(message=None, response=None)\n"
        "assert unused.update(at=F('at') - timedelta(days=8))\n"
        "prune(timezone.now())\n"
        "assert not unused.exists()\n"
        "print('none is left')"
    )


async def test_a_question_that_waits_for_a_connection_has_its_photo(
    installation: Installation, sign_in: SignIn
) -> None:
    title = "Approve the dam"
    installation.assign(title, initiator="alice")
    installation.waits_for("dave", title)
    dave = await sign_in("dave", phone=True)
    item = await opened(dave, title)
    await item.get_by_text("Ask for information…").click()
    await item.get_by_label("What do you need to know?").fill("Is this crack new?")
    await attach(item.locator(".ask"))
    await dave.context.set_offline(True)
    await item.get_by_role("button", name="Ask for information").click()
    await expect(item.locator(".outcome")).to_have_text("“Ask for information” will be sent when you are back.")
    a_week_passes(installation)

    await dave.context.set_offline(False)

    await expect(item.locator(".outcome")).to_contain_text("Sent to Alice.")
    lines = item.locator(".message-list")
    await expect(lines.locator(".line-text")).to_have_text("Is this crack new?")
    await expect(lines.locator("img")).to_have_js_property("naturalWidth", 30)


@pytest.mark.long
async def test_the_draft_of_a_form_has_its_files(installation: Installation, sign_in: SignIn) -> None:
    title = "Approve the sluice"
    task = {"id": "sluice", "name": title, "kind": "approval", "assignee": "dave", "form": FORM}
    installation.send("task.assigned", {"task": task})
    installation.waits_for("dave", title)
    dave = await sign_in("dave", phone=True)
    item = await opened(dave, title)
    for name in ("photo", "plan"):
        await attach(item.locator(f"[data-name={name}]"))
    await until(lambda: dave.evaluate(DRAFT), "the draft has the files")
    a_week_passes(installation)
    await dave.reload()
    await is_live(dave)
    await expect(item.locator(".attached li")).to_have_count(2)

    await item.get_by_role("button", name="Approve", exact=True).click()

    await expect(item.locator("[data-slot=outcome]")).to_contain_text("Approved.")
    await expect(item.locator(".files img")).to_have_count(2)
    for shown in await item.locator(".files img").all():
        await expect(shown).to_have_js_property("naturalWidth", 30)
    await until(lambda: dave.evaluate(NO_DRAFT), "the draft is gone")
