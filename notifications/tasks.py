"""What django-q2 runs by the clock for this app: names and nothing else go in."""

import structlog
from django.utils import timezone

from notifications import standing

log = structlog.get_logger(__name__)


def settle_accounts() -> None:
    """Once a minute: end what people hold whose account was closed or changed without anybody saying so."""
    settled = standing.sweep(timezone.now())
    if settled:
        log.info("accounts_settled", people=settled)
