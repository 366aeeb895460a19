"""A document of the engine's, shown beside the decision."""

from django.conf import settings
from playwright.async_api import expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.test_accessible import faults
from tests.support.receiver import receiving

PICTURE = (settings.BASE_DIR / "static/wfpush/icons/192.png").read_bytes()


async def test_a_picture_stands_beside_the_decision_and_stays_open(installation: Installation, sign_in: SignIn) -> None:
    with receiving() as engine:
        engine.answer((200, {"Content-Type": "image/png"}, PICTURE))
        key = installation.engine("gallery", callback_url=engine.url)
        documents = [{"title": "Photo", "url": f"{engine.url}/photo"}]
        task = {"id": "G-1", "name": "Approve the picture", "assignee": "dave", "kind": "approval"}
        installation.send("task.assigned", {"task": task, "documents": documents}, key=key)
        installation.waits_for("dave", "Approve the picture")
        dave = await sign_in("dave", again="documents")
        await dave.get_by_role("link", name="Approve the picture", exact=True).click()
        await dave.get_by_text("Show “Photo” here").click()

        picture = dave.frame_locator("iframe[title=Photo]").locator("img")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("picture => picture.naturalWidth") == 192
        assert await faults(dave) == []

        installation.send("task.updated", {"task": {"id": "G-1", "priority": "urgent"}}, key=key)
        await expect(dave.locator("#item").get_by_text("urgent")).to_be_visible()
        await expect(picture).to_be_visible()
