"""An outage that somebody asks for: for two minutes the engine takes no answers, and it is seen how they wait."""

import xml.etree.ElementTree as ET
from datetime import datetime, timedelta

from demo.clock import Clock, utc_now
from demo.html import el

LASTS = timedelta(minutes=2)


class Outage:
    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._until: datetime | None = None

    def begin(self) -> None:
        self._until = self._clock() + LASTS

    def end(self) -> None:
        self._until = None

    @property
    def until(self) -> datetime | None:
        """The end of the outage; None when there is none."""
        return self._until if self._until is not None and self._clock() < self._until else None


def section(until: datetime | None) -> list[ET.Element]:
    """What the overview says of it, with the button that begins or ends it."""
    if until is None:
        words = (
            "For two minutes this engine takes no answers. Answer a task meanwhile: it waits in wfpush, is told once"
        )
        return [el("p", f"{words}, and the process goes on.", cls="quiet"), _button("/away", "Let the engine be away")]
    end = el("time", f"{until:%H:%M:%S} UTC", datetime=until.isoformat())
    return [
        el("p", "The engine is away until ", end, ": answers wait in wfpush.", cls="lead", role="status"),
        _button("/back", "Be back now"),
    ]


def _button(action: str, words: str) -> ET.Element:
    return el("form", el("button", words), method="post", action=action, cls="starters")
