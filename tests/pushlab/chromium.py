"""Chromium, pointed at push services on loopback."""

from contextlib import suppress
from pathlib import Path

import psutil
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome as ChromeDriver
from selenium.webdriver import ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

from tests.pushlab.browser import Browser
from tests.pushlab.certificates import Certificates
from tests.pushlab.desktop import Desktop
from tests.pushlab.gcm import Gcm
from tests.support import chromium
from tests.support.waiting import eventually

FLAGS = (
    *chromium.FLAGS,
    "--headless=new",
    "--disable-quic",
    "--disable-sync",
    "--lang=en",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
ALLOWED = 1


class Chromium(Browser):
    name = "Chromium"
    calls_itself = "Chrome"
    binary = chromium.PROGRAM
    driver_binary = Path("/usr/bin/chromedriver")

    def __init__(
        self, desktop: Desktop, profile: Path, base_url: str, service: Gcm, certificates: Certificates
    ) -> None:
        super().__init__(desktop, profile, base_url)
        self._service = service
        self._certificates = certificates

    def _launch(self) -> WebDriver:
        options = ChromeOptions()
        options.binary_location = str(self.binary)
        options.add_argument(f"--user-data-dir={self.profile}")
        for flag in (*FLAGS, *self._flags()):
            options.add_argument(flag)
        options.add_experimental_option(
            "prefs", {"profile.default_content_setting_values.notifications": ALLOWED, "intl.accept_languages": "en"}
        )
        return ChromeDriver(options, Service(str(self.driver_binary), env=self.environment))

    def quit(self) -> None:
        """chromedriver kills a browser that takes its time, and its newest cookies are not on the disk then."""
        if self._driver is not None:
            running = psutil.Process(self._driver.service.process.pid).children()
            with suppress(WebDriverException):  # the connection ends, too
                self._driver.execute_cdp_cmd("Browser.close", {})
            eventually(lambda: not any(map(_runs, running)), f"{self.name} has ended")
        super().quit()

    def _flags(self) -> tuple[str, ...]:
        http = f"http://127.0.0.1:{self._service.port}"
        return (
            f"--gcm-checkin-url={http}/checkin",
            f"--gcm-registration-url={http}/register3",
            f"--gcm-mcs-endpoint=https://localhost:{self._service.mcs_port}",
            f"--ignore-certificate-errors-spki-list={self._certificates.fingerprint}",
        )


def _runs(process: psutil.Process) -> bool:
    """Its parent may not have asked for its exit code yet."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
