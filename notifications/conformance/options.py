"""What a person chooses for a run, and how long the kit waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from notifications.connectors.access import Access

Value = TypeVar("Value")

PAUSE = 0.05
LONGEST_PAUSE = 1.0


@dataclass(frozen=True)
class Options:
    """`patience`: seconds to wait for what the engine shows late. `by_hand`: seconds for a person to start processes.
    `limited`: an account that may not complete tasks. `assignees`: the engine's names of two people."""

    patience: float
    assignees: tuple[str, str]
    by_hand: float = 1800.0
    paths: dict[str, str] = field(default_factory=dict)
    limited: Access | None = None


async def until(ask: Callable[[], Awaitable[Value]], seconds: float) -> Value | None:
    """Return the first true answer, or None after `seconds`."""
    end, pause = time.monotonic() + seconds, PAUSE
    while not (value := await ask()):
        if time.monotonic() > end:
            return None
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    return value
