"""Checks that web and worker make before they start."""

import structlog
from django.db import OperationalError, connection

from wfpush.postgres import pooling, schema
from wfpush.security import lost_secrets

log = structlog.get_logger(__name__)

SAMPLE = 50
"""Number of secrets of each kind, from either end, that are read at a start: `manage.py doctor` reads more."""


def check() -> None:
    """Raises WrongPooling, WrongSchema. Logs secrets that cannot be read, which concern single engines only.

    Web and worker start also while the database does not answer: they wait for it, and `/readyz` checks again.
    """
    try:
        pooling.require_transactions()
        schema.require_current_schema()
        for fault in lost_secrets.faults(SAMPLE):
            log.error("secrets_unreadable", fault=fault)
    except OperationalError as fault:
        log.warning("database_not_looked_at", fault=str(fault).strip())
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has one
