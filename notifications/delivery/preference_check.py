"""Checks claimed messages against the current choices of their people: some messages end, others wait."""

from collections.abc import Sequence
from datetime import datetime

from notifications.delivery import frequency_caps
from notifications.items import ledger
from notifications.items.ledger import Outcome
from notifications.models import Category, Delivery, DeliveryState
from notifications.preferences import delivery_decision
from notifications.preferences.lookup import PreferenceSet, Reading
from wfpush.postgres import revision
from wfpush.postgres.revision import Compiled

_CATEGORIES = Compiled(lambda: Category.objects.in_bulk())


def not_now(rows: Sequence[Delivery], reading: Reading, now: datetime) -> list[Outcome]:
    """Return the outcomes of claimed rows that may not be sent now. Replacements on devices are always sent."""
    rows = [row for row in rows if not row.is_replacement]
    with revision.held():
        categories = _CATEGORIES.get()
        reading.look_up(row.recipient for row in rows)
    outcomes = []
    for row in rows:
        row.notification.category = categories[row.notification.category_id]
        outcome = _outcome(row, reading.of(row.recipient), now)
        outcomes += [outcome] if outcome is not None else []
    over = {each.delivery for each in outcomes}
    return outcomes + frequency_caps.repeated([row for row in rows if row.pk not in over], reading, now)


def _outcome(row: Delivery, chosen: PreferenceSet, now: datetime) -> Outcome | None:
    waited, critical = row.held is not None, bool(row.critical)
    off = delivery_decision.not_wanted(chosen, row.notification, row.channel, critical=critical)
    if off:
        return ledger.outcome(row, DeliveryState.SUPPRESSED, off, attempted=False)
    wait = delivery_decision.wait_for(chosen, row.notification, now, critical=critical, waited=waited)
    if wait is None:
        return None
    return ledger.outcome(row, DeliveryState.PENDING, wait.reason, again_at=wait.until, attempted=False, held=wait.held)


def settle(rows: Sequence[Delivery], reading: Reading, now: datetime) -> list[Delivery]:
    """Record the rows that end or wait. Return the others."""
    outcomes = not_now(rows, reading, now)
    ledger.record([each for each in outcomes if each.again_at is None], now)
    ledger.put_back([each for each in outcomes if each.again_at is not None])
    settled = {each.delivery for each in outcomes}
    return [row for row in rows if row.pk not in settled]
