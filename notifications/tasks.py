"""The functions that django-q2 runs by schedule for this app. Tasks take names only.

A schedule in the database contains the function's dotted name, so it stays here.
"""

import structlog
from django.utils import timezone

from notifications.items import search_index
from notifications.people import revocation

log = structlog.get_logger(__name__)


def settle_accounts() -> None:
    """Once a minute: end credentials of people whose account was closed or changed in any way."""
    settled = revocation.sweep(timezone.now())
    if settled:
        log.info("accounts_settled", people=settled)


def gather_searched() -> None:
    """Once a minute: index the searchable text of people with very many items."""
    search_index.gather()
