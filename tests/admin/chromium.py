"""Chromium for the pages of the desk: one for all tests, in a thread of its own.

Playwright's objects belong to the thread that made them.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import sync_playwright

from tests.support.chromium import FLAGS, PROGRAM


class Chromium:
    """`browser` is used in `thread` only. Without the program, whoever needs it is skipped; with CI set it fails."""

    def __init__(self) -> None:
        if not PROGRAM.exists():
            missing = f"{PROGRAM} is missing: nobody has looked at the desk. Install it (apt-get install chromium)."
            if os.environ.get("CI"):
                pytest.fail(missing)
            pytest.skip(missing)
        self.thread = ThreadPoolExecutor(1)
        self.thread.submit(self._start).result()

    def _start(self) -> None:
        self._playwright = sync_playwright().start()
        self.browser = self._playwright.chromium.launch(executable_path=str(PROGRAM), args=FLAGS)

    def _stop(self) -> None:
        self.browser.close()
        self._playwright.stop()

    def quit(self) -> None:
        self.thread.submit(self._stop).result()
        self.thread.shutdown()
