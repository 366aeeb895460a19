"""The state of an engine as the desk shows it, wherever it does."""

from django.utils.safestring import SafeString

from notifications.admin.desk.display import Tone, mark, short, shortened, with_why
from notifications.engines import health
from notifications.engines.health import Health
from wfpush.observability.services import SLOW

TONES: dict[str, Tone] = {health.OFF: "quiet", SLOW: "wait"}
"""Tones of faults; others are bad."""


def state_mark(state: Health) -> SafeString:
    """Return the state in a few words."""
    if state.faults:
        return mark(TONES.get(state.faults[0].code, "bad"), state.label)
    return mark("ok" if state.is_proven else "quiet", state.label)


def state_with_faults(state: Health, length: int = 1_000) -> SafeString:
    """Return the state, and below it its faults in at most so many characters."""
    return with_why(state_mark(state), shortened(state.sentences(short), length))
