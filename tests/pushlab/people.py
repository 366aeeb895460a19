"""Somebody with a browser on a desktop."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.pushlab.browser import Browser
from tests.pushlab.desktop import Desktop
from tests.pushlab.service import Post, PushService, Subscription
from tests.pushlab.world import World
from tests.support.waiting import eventually

ON = "#push:not([aria-busy]) [data-when=on]:not([hidden])"
"""What the card says when the browser itself knows which device it is: after the server, which tells it."""
FAILED = "#push:not([aria-busy]) [data-when=failed]:not([hidden])"
"""What the card says after a try that did not work, and while there is no other."""


class Person:
    def __init__(self, world: World, ref: str, browser: Browser, service: PushService) -> None:
        self.ref = ref
        self.browser = browser
        self._world = world
        self._service = service

    @property
    def desktop(self) -> Desktop:
        return self.browser.desktop

    def sign_in(self) -> None:
        self.browser.open("/sign-in")
        self.browser.type("#id_username", self.ref)
        self.browser.type("#id_password", self._world.installation.passwords[self.ref])
        self.browser.click("main button")
        self.browser.find("#connection[data-mood=live]")

    def turn_on(self) -> None:
        """Notifications, by the card in the inbox."""
        before = set(self.endpoints)
        self.browser.click("main button", "Turn on")
        eventually(lambda: self._is_registered(before), f"{self.ref}'s browser is registered")
        self.browser.find(ON)

    def _is_registered(self, before: set[str]) -> bool:
        """The first sign-in of a fresh browser at its push service fails at times: then people press again."""
        if self.browser.evaluate(f"return Boolean(document.querySelector({FAILED!r}))"):
            self.browser.click("#push button", "Try again")
        return bool(set(self.endpoints) - before)

    def is_there(self) -> None:
        """The browser runs, and its push service reaches it."""
        if not self.browser.is_running:
            self.browser.start()
        eventually(lambda: all(map(self._service.reaches, self.subscriptions)), "the push service reaches it")

    @property
    def is_away(self) -> bool:
        return not any(map(self._service.reaches, self.subscriptions))

    @property
    def endpoints(self) -> list[str]:
        """Of the person's devices, as the server has them."""
        rows = self._world.installation.house.rows(
            "SELECT d.address FROM notifications_device d JOIN notifications_recipient r ON r.id = d.recipient_id"
            f" WHERE r.ref = '{self.ref}' AND d.channel = 'webpush' ORDER BY d.created_at"
        )
        return [str(address) for (address,) in rows]

    @property
    def subscriptions(self) -> list[Subscription]:
        """The same, as this browser's push service has them."""
        known = self._service.subscriptions
        tokens = (endpoint.rpartition("/")[2] for endpoint in self.endpoints)
        return [known[token] for token in tokens if token in known]

    @property
    def posts(self) -> list[Post]:
        """What the push service has taken for this browser."""
        tokens = {subscription.token for subscription in self.subscriptions}
        return [post for post in self._service.taken if post.token in tokens]


@contextmanager
def reached(world: World, ref: str, browser: Browser, service: PushService) -> Iterator[Person]:
    """The person signs in and turns notifications on; at the end their browser is closed."""
    person = Person(world, ref, browser, service)
    browser.start()
    try:
        person.sign_in()
        person.turn_on()
        yield person
    finally:
        browser.quit()
