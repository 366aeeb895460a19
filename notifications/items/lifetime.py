"""How long messages are worth sending, and how long push services keep them."""

from datetime import datetime, timedelta

USUAL = timedelta(days=3)
PAST_DUE = timedelta(days=1)
"""How long after its due date a task's message is still worth sending."""
ONCE_HELD = timedelta(days=1)
"""How long a message that was held back is worth sending at least, after that."""
KEPT_LEAST, KEPT_MOST = timedelta(hours=4), timedelta(days=28)


def worth_until(due_at: datetime | None, now: datetime) -> datetime:
    """When a message of now is no longer worth sending: after 3 days, or a day past due if that is later."""
    return max(now + USUAL, due_at + PAST_DUE) if due_at else now + USUAL


def kept_for(due_at: datetime | None, now: datetime) -> timedelta:
    """How long push services keep a message: until a day past due, at least 4 hours, at most 28 days."""
    span = due_at + PAST_DUE - now if due_at else USUAL
    return min(max(span, KEPT_LEAST), KEPT_MOST)
