"""A person's browser: a profile that outlives it, on a desktop that shows its notifications."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from tests.pushlab.desktop import Desktop
from tests.support.waiting import PATIENCE_SECONDS, eventually

NOWHERE = "about:blank"
EVERY = 0.1
"""Seconds between two looks at a page: each costs this process, the driver and the browser."""
VISIBLE = r"""
const [css, text] = arguments;
const reads = (each) => each.innerText.replace(/\s+/g, " ");
const shows = (each) => each.checkVisibility({opacityProperty: true, visibilityProperty: true})
  && each.getClientRects().length && reads(each).includes(text);
return [...document.querySelectorAll(css)].find(shows) ?? null;
"""
KEPT_TITLES = """
const titles = async () => {
  const {allStored} = await import("/static/wfpush/store.js");
  return await caches.has("wfpush person") ? (await allStored("items")).map(({title}) => title) : [];
};
return titles();
"""


class Browser:
    """Makers differ in `_launch`. `base_url` is where paths begin."""

    name = ""
    calls_itself = ""
    """To servers, in its User-Agent header."""
    binary = Path()

    def __init__(self, desktop: Desktop, profile: Path, base_url: str) -> None:
        self.desktop = desktop
        self.profile = profile
        self.base_url = base_url
        self._driver: WebDriver | None = None

    def _launch(self) -> WebDriver:
        raise NotImplementedError

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.desktop.environment, "HOME": str(self.profile)}

    @property
    def driver(self) -> WebDriver:
        assert self._driver is not None, f"{self.name} is not running"
        return self._driver

    @property
    def is_running(self) -> bool:
        return self._driver is not None

    def start(self) -> None:
        self.profile.mkdir(parents=True, exist_ok=True)
        self._driver = self._launch()
        self._driver.set_script_timeout(PATIENCE_SECONDS)

    def quit(self) -> None:
        """As by its menu. The profile stays."""
        if self._driver is not None:
            self._driver.quit()
            self._driver = None

    # --- pages ------------------------------------------------------------------------------------
    def open(self, path: str) -> None:
        self.driver.get(self.base_url + path)

    def leave(self) -> None:
        """No tab shows the site any more; the browser itself goes on."""
        first, *others = self.driver.window_handles
        for handle in others:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.driver.get(NOWHERE)

    @property
    def tabs(self) -> list[str]:
        """The addresses that are open."""
        addresses = []
        for handle in self.driver.window_handles:
            self.driver.switch_to.window(handle)
            addresses.append(self.driver.current_url)
        return addresses

    def tab_with(self, *words: str) -> str:
        """Wait for a tab whose address has these words, and turn to it. Returns the address."""

        def look() -> str:
            for handle in self.driver.window_handles:
                with suppress(WebDriverException):  # a tab that closes or navigates this very moment
                    self.driver.switch_to.window(handle)
                    if all(word in self.driver.current_url for word in words):
                        return self.driver.current_url
            return ""

        return eventually(look, f"a tab of {self.name} at an address with {words}", every=EVERY)

    def find(self, css: str, text: str = "") -> WebElement:
        """Wait for a visible element, with this text in it."""

        def look() -> WebElement | None:
            with suppress(WebDriverException):  # the page is being changed
                found: WebElement | None = self.driver.execute_script(VISIBLE, css, text)
                return found
            return None

        try:
            return eventually(look, f"{css} with {text!r}", every=EVERY)  # type: ignore[return-value]
        except AssertionError as fault:
            raise AssertionError(f"{fault}\n{self.name} is at {self.driver.current_url}:\n{self.text}") from None

    def click(self, css: str, text: str = "") -> None:
        """A trusted click."""

        def press() -> bool:
            with suppress(WebDriverException):  # it moved away, or something still lies over it
                self.find(css, text).click()
                return True
            return False

        eventually(press, f"{css} with {text!r} can be clicked")

    def press(self, within: WebElement, words: str) -> None:
        """The button of a part of the page that has these words."""

        def push() -> bool:
            with suppress(WebDriverException):
                for button in within.find_elements(By.TAG_NAME, "button"):
                    if button.is_displayed() and words in button.text:
                        button.click()
                        return True
            return False

        eventually(push, f"a button {words!r} can be clicked")

    def type(self, css: str, text: str) -> None:
        def write() -> bool:
            with suppress(WebDriverException):  # the page was changed meanwhile
                field = self.find(css)
                field.clear()
                field.send_keys(text)
                return True
            return False

        eventually(write, f"{text!r} is typed into {css}")

    def is_focused(self, css: str) -> bool:
        return bool(
            self.evaluate("return document.activeElement !== null && document.activeElement.matches(arguments[0])", css)
        )

    @property
    def text(self) -> str:
        with suppress(WebDriverException):
            return self.driver.find_element(By.TAG_NAME, "body").text
        return ""

    def shows(self, *words: str, css: str = "body") -> None:
        for each in words:
            self.find(css, each)

    def keeps(self, title: str) -> None:
        """Wait until the service worker has what it needs to show the item with no connection. A page is open."""
        eventually(lambda: title in self.evaluate(KEPT_TITLES), f"{self.name} keeps {title!r}")

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """`script` is the body of a function; a promise is awaited."""
        return self.driver.execute_script(script, *arguments)
