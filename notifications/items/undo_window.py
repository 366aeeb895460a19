"""The period for which a final answer is held back from the engine, so that its person may take it back."""

from datetime import datetime, timedelta

from django.conf import settings

from notifications.models import Callback, CallbackState, Via

HELD: timedelta = timedelta(seconds=settings.UNDO_SECONDS)
FROM_PAGES = (Via.INBOX, Via.PORTAL)


def told_at(effect: str, via: str, now: datetime) -> datetime:
    """Return when the engine may get an answer given now."""
    return now + HELD if effect == "final" and via in FROM_PAGES else now


def is_held(callback: Callback, now: datetime) -> bool:
    """Return whether the engine may not get the answer yet. Reads the callback's response."""
    response = callback.response
    waits = callback.state == CallbackState.WAITING and callback.attempts == 0
    return waits and response is not None and now < told_at(response.effect, response.via, response.at)
