"""wfpush with its demo engine, the push services of two browser makers, and people with browsers on their desktops."""

import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.browsers.installation import Installation
from tests.pushlab import certificates, hosts
from tests.pushlab.background import Background
from tests.pushlab.browser import Browser
from tests.pushlab.chromium import Chromium
from tests.pushlab.desktop import Desktop
from tests.pushlab.firefox import Firefox
from tests.pushlab.gcm import HOST, Gcm
from tests.pushlab.network import Network
from tests.pushlab.service import Mozilla, PushService

Made = TypeVar("Made", bound=Browser)

HTTPS = 443


class World:
    """The project's processes are as they always are. They are told of the authority, and of hosts on loopback."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wfpush-pushlab-"))
        self.background = Background()
        self.certificates = certificates.issue(self.folder, "localhost", HOST)
        self.network = Network()
        self.mozilla = Mozilla()
        self.gcm = Gcm()
        self.installation = Installation()
        self._running: list[PushService] = []
        self._browsers: list[Browser] = []

    @property
    def url(self) -> str:
        """Where people reach wfpush; the engine has a way of its own."""
        return f"http://127.0.0.1:{self.network.port}"

    def start(self) -> None:
        self._start(self.mozilla, self.mozilla.start(self.certificates.server))
        self.without_gcm = self._start_gcm()
        self.background.run(self.network.start())
        self.network.leads_to(self.installation.port)
        self.installation.start(
            BASE_URL=self.url,
            PUSH_ALLOWED_HOSTS=HOST,
            PUSH_ALLOWED_CIDRS="127.0.0.0/8",
            SSL_CERT_FILE=str(self.certificates.authority),
        )

    def _start(self, service: PushService, start: Coroutine[Any, Any, None]) -> None:
        self.background.run(start)
        self._running.append(service)

    def _start_gcm(self) -> str:
        """Why Chromium cannot be reached; empty if it can."""
        address = hosts.address_with_port(HTTPS)
        if address is None:
            return f"Endpoints of Chromium are on port {HTTPS}, which this user may not listen on."
        words = hosts.before(self.folder, address, HOST)
        if words is None:
            return f"Endpoints of Chromium are on {HOST}, and this user may not have a hosts file of their own."
        self.installation.house.before = words
        self._start(self.gcm, self.gcm.start(self.certificates.server, address))
        return ""

    @contextmanager
    def without_network(self) -> Iterator[None]:
        """Nobody's browser reaches wfpush within. Push services and the engine are on other lines."""
        self.background.run(self.network.cut())
        try:
            yield
        finally:
            self.background.run(self.network.mend())

    @contextmanager
    def hanging_network(self) -> Iterator[None]:
        """Within, wfpush is reached, and does not answer."""
        self.background.run(self.network.hang())
        try:
            yield
        finally:
            self.background.run(self.network.flow())

    def firefox(self, owner: str) -> Firefox:
        return self._keep(Firefox(Desktop(self.background), self._profile(owner), self.url, self.mozilla.address))

    def chromium(self, owner: str) -> Chromium:
        return self._keep(
            Chromium(Desktop(self.background), self._profile(owner), self.url, self.gcm, self.certificates)
        )

    def _profile(self, owner: str) -> Path:
        return self.folder / f"{owner}-{len(self._browsers)}"

    def _keep(self, browser: Made) -> Made:
        self._browsers.append(browser)
        return browser

    def stop(self) -> None:
        for browser in self._browsers:
            browser.quit()
            browser.desktop.stop()
        self.installation.house.clear()
        for service in self._running:
            self.background.run(service.stop())
        self.background.run(self.network.cut())
        self.background.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
