"""Periods for which messages are worth sending, and for which push services keep them."""

from datetime import datetime, timedelta

USUAL = timedelta(days=3)
PAST_DUE = timedelta(days=1)
"""Time after the due date for which a task's message is still worth sending."""
ONCE_HELD = timedelta(days=1)
"""Minimum time for which a message is still worth sending after it was held back."""
KEPT_LEAST, KEPT_MOST = timedelta(hours=4), timedelta(days=28)


def worth_until(due_at: datetime | None, now: datetime) -> datetime:
    """Return when a message of now is no longer worth sending: after 3 days, or a day past due if that is later."""
    return max(now + USUAL, due_at + PAST_DUE) if due_at else now + USUAL


def kept_for(due_at: datetime | None, now: datetime) -> timedelta:
    """Return how long push services keep a message: until a day past due, at least 4 hours, at most 28 days."""
    span = due_at + PAST_DUE - now if due_at else USUAL
    return min(max(span, KEPT_LEAST), KEPT_MOST)
