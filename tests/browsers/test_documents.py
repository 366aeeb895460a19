"""Documents of the engine's, shown beside the decision: by mouse, by keyboard, and with JavaScript off."""

import pytest
from django.conf import settings
from playwright.async_api import Locator, Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.keyboard import THROUGH_A_VIEWER, tab_to
from tests.browsers.test_accessible import faults
from tests.browsers.worker import until
from tests.support.files import pdf
from tests.support.receiver import Receiver, receiving

pytestmark = pytest.mark.ci

PICTURE = (settings.BASE_DIR / "static/wfpush/icons/512.png").read_bytes()


def with_documents(installation: Installation, engine: Receiver, task_id: str, name: str) -> str:
    """A task with two documents; returns the key of its engine."""
    key = installation.engine(f"gallery-{task_id.lower()}", callback_url=engine.url)
    documents = [{"title": title, "url": f"{engine.url}/{title.lower()}"} for title in ("Photo", "Sketch")]
    task = {"id": task_id, "name": name, "assignee": "dave", "kind": "approval"}
    installation.send("task.assigned", {"task": task, "documents": documents}, key=key)
    installation.waits_for("dave", name)
    return key


def picture_in(page: Page, title: str) -> Locator:
    return page.frame_locator(f"iframe[title={title}]").locator("img")


async def shows_pdf(page: Page) -> bool:
    """By Chromium's extension for it."""
    return any(frame.url.startswith("chrome-extension:") for frame in page.frames)


async def test_a_picture_stands_beside_the_decision_and_stays_open(installation: Installation, sign_in: SignIn) -> None:
    with receiving() as engine:
        engine.answer((200, {"Content-Type": "image/png"}, PICTURE))
        key = with_documents(installation, engine, "G-1", "Approve the picture")
        dave = await sign_in("dave", again="documents")
        await dave.get_by_role("link", name="Approve the picture", exact=True).click()
        await dave.locator("#item summary").filter(has_text="Show here: Photo").click()

        picture = picture_in(dave, "Photo")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("picture => picture.naturalWidth") == 512
        await dave.set_viewport_size({"width": 390, "height": 844})
        assert await picture.evaluate("picture => picture.width <= innerWidth"), "it is shown whole"
        await dave.set_viewport_size({"width": 1280, "height": 800})
        assert await faults(dave) == []

        installation.send("task.updated", {"task": {"id": "G-1", "priority": "urgent"}}, key=key)
        await expect(dave.locator("#item").get_by_text("urgent")).to_be_visible()
        await expect(picture).to_be_visible()


@pytest.mark.long
async def test_by_the_keyboard_alone(installation: Installation, sign_in: SignIn) -> None:
    with receiving() as engine:
        engine.answer((200, {"Content-Type": "image/png"}, PICTURE))
        with_documents(installation, engine, "K-1", "Approve the mosaic")
        dave = await sign_in("dave", again="documents")
        await tab_to(dave, dave.get_by_role("link", name="Approve the mosaic", exact=True))
        await dave.keyboard.press("Enter")
        await expect(dave.locator("#item-heading")).to_be_focused()

        # The list of documents, then each of them beside the decision.
        await tab_to(dave, dave.locator("#item").get_by_role("link", name="Sketch"))
        show = dave.locator("#item summary").filter(has_text="Show here: Photo")
        await tab_to(dave, show)
        await dave.keyboard.press("Enter")
        await expect(picture_in(dave, "Photo")).to_be_visible()
        await expect(show).to_be_focused()

        # In a page of its own, too; the item's page is as it was when that is closed.
        whole = dave.locator("details[open]").get_by_role("link", name="Open it in a page of its own")
        await tab_to(dave, whole)
        async with dave.context.expect_page() as opened:
            await dave.keyboard.press("Enter")
        page = await opened.value
        await expect(page.locator("img")).to_have_js_property("naturalWidth", 512)
        await page.close()
        await expect(whole).to_be_focused()

        await tab_to(dave, show, back=True)
        await dave.keyboard.press("Space")
        await expect(dave.locator("iframe[title=Photo]")).to_be_hidden()
        await expect(show).to_be_focused()

        # A PDF has the browser's own controls: they come after its title, and end.
        engine.answer((200, {"Content-Type": "application/pdf"}, pdf()))
        show = dave.locator("#item summary").filter(has_text="Show here: Sketch")
        await tab_to(dave, show)
        await dave.keyboard.press("Enter")
        await until(lambda: shows_pdf(dave), "the PDF is shown")
        await tab_to(dave, whole, most=THROUGH_A_VIEWER)
        await tab_to(dave, show, back=True, most=THROUGH_A_VIEWER)
        await dave.keyboard.press("Enter")
        await tab_to(dave, dave.locator("#item").get_by_role("button", name="Approve"))
