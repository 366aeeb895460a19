"""What web and worker look at before they start."""

import structlog
from django.db import OperationalError, connection

from wfpush.postgres import pooling, schema
from wfpush.security import lost_secrets

log = structlog.get_logger(__name__)

SAMPLE = 50
"""Secrets of each kind, from either end, that a start reads: `manage.py doctor` reads more."""


def look() -> None:
    """Raises WrongPooling, WrongSchema; warns of secrets that cannot be read, which concern some engines and nobody
    else.

    A database that does not answer is no reason to stay away: both wait for it, and `/readyz` looks again.
    """
    try:
        pooling.demand()
        schema.demand()
        for fault in lost_secrets.faults(SAMPLE):
            log.error("secrets_unreadable", fault=fault)
    except OperationalError as fault:
        log.warning("database_not_looked_at", fault=str(fault).strip())
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has one
