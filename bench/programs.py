"""Programs that parts of the benchmark need and machines may lack. They are looked for before anything is measured."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Needed:
    """`whole`: without it nothing of the part can be measured; otherwise `what` is left out."""

    part: str
    program: str
    package: str
    what: str
    whole: bool = False

    def is_missing(self) -> bool:
        return shutil.which(self.program) is None

    def sentence(self) -> str:
        return (
            f"{self.part}: {self.program} is missing, so that {self.what} is not measured. "
            f"Install it (Debian: apt-get install {self.package})."
        )


CHROMIUM = Needed("paint", "/usr/bin/chromium", "chromium", "an inbox on a slow phone", whole=True)
FIREFOX = Needed("push", "/usr/bin/firefox-esr", "firefox-esr", "how soon a browser shows a message")
DBUS = Needed("push", "/usr/bin/dbus-daemon", "dbus", "how soon a browser shows a message")
NPM = Needed("push", "npm", "npm", "web-push of Node, a peer,")
NEEDED = (CHROMIUM, FIREFOX, DBUS, NPM)


def missing(parts: Collection[str]) -> list[Needed]:
    """What these parts need and this machine lacks."""
    return [needed for needed in NEEDED if needed.part in parts and needed.is_missing()]
