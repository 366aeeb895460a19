"""wfpush on a clock of the tests' own: web, worker, database and Redis have the date that a test gives them."""

from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from notifications import reasons
from tests.browsers.conftest import by_the_form, cannot, is_live, new_page
from tests.browsers.installation import Installation, Json
from tests.support import dates
from tests.support.mailserver import Mailbox
from tests.support.moved import set_clock
from tests.support.waiting import eventually
from wfpush import zones

BERLIN = zones.zone("Europe/Berlin")
BEGINS = datetime(2026, 12, 4, 21, 30, tzinfo=BERLIN)
"""A Friday evening."""


class MovedInstallation(Installation):
    """libfaketime moves the clocks of its processes, forward alone, and the clocks of open pages follow; monotonic
    clocks stay. Between two moves time goes on."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__()
        self.mailbox = mailbox
        self.now = BEGINS
        self._offsets = Path(f"/tmp/wfpush-offset-{self.house.folder.name}")

    def begin(self) -> None:
        library = dates.library()
        if library is None:
            cannot(dates.MISSING)
        else:
            began = dates.Moment("story", BEGINS, again=True)
            self.house.environment = dates.moved(began, library, self._offsets, self.house.environment)
            self.start(demo=False, EMAIL_URL=f"smtp://127.0.0.1:{self.mailbox.port}")
            for name in ("Alice", "Bob", "Carol"):
                self.account(name.lower(), name)

    def end(self) -> None:
        self.house.clear()
        self._offsets.unlink(missing_ok=True)

    async def goes_on_to(self, moment: datetime, *pages: Page) -> None:
        assert moment > self.now
        self.now = moment
        set_clock(self._offsets, moment.timestamp())
        for page in pages:
            await page.clock.set_system_time(moment)

    def trace(self, address: str) -> Json:
        """What became of an event."""
        return self._ask("GET", address, headers=self._as(self.key))

    def unsent(self, who: str, many: int) -> list[str]:
        """Return when so many e-mails to a person wait or are not sent at all, for a reason: the reasons."""
        query = (
            "SELECT d.reason_fact FROM notifications_delivery d JOIN notifications_recipient r ON r.id = d.recipient_id"
            f" WHERE r.ref = '{who}' AND d.channel = 'email' AND d.state IN ('pending', 'suppressed')"
            " AND d.reason_fact IS NOT NULL ORDER BY d.id"
        )

        def sentences() -> list[str]:
            found = [str(reasons.of(fact)) for (fact,) in self.house.rows(query)]
            return found if len(found) >= many else []

        return eventually(sentences, f"{many} e-mails to {who} are not sent")

    def mails_to(self, who: str, many: int) -> list[EmailMessage]:
        """Return when so many mails have come to a person's address."""
        eventually(lambda: len(self.mailbox.to(who)) >= many, f"{many} mails to {who}")
        return self.mailbox.to(who)

    async def opens(
        self, browser: Browser, complaints: list[str], who: str = "", *, phone: bool = False, **how: Any
    ) -> Page:
        """A person's inbox in a browser profile of their own, with the date of the story; without a name an empty
        page."""
        place: dict[str, Any] = {"timezone_id": "Europe/Berlin", "locale": "en-GB", **how}
        page = await new_page(browser, complaints, phone, base_url=self.url, **place)
        await page.clock.install(time=self.now)
        if who:
            await page.goto("/")
            await by_the_form(page, who, self)
            await is_live(page)
        return page
