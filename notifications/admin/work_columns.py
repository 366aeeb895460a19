"""Columns about the work that a row stands for: when it is done, by a claim until when, and how often it was tried."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from notifications.admin.decorators import display
from wfpush.queue.outbox import Work


class WorkColumns:
    @display(description=_("tries"), ordering="attempts")
    def tries(self, row: Work) -> str:
        return str(row.attempts)

    @display(description=_("next try"), ordering="due_at")
    def work_due(self, row: Work) -> datetime | None:
        return row.due_at

    @display(description=_("claimed until"), ordering="lease_until")
    def claimed_until(self, row: Work) -> datetime | None:
        return row.lease_until
