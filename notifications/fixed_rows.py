"""Rows that are owned elsewhere, such as by files: the desk and the API show them, and do not change them."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.module_loading import import_string

from notifications.additions import FixedRows
from notifications.errors import NotAllowed
from wfpush import features


class RowIsFixed(NotAllowed, PermissionDenied):
    """Raised instead of saving such a row. The desk answers with its page for forbidden requests, the API as usual."""


def why_fixed(row: Any, member: str = "") -> str:
    """Return a sentence for people who want to change the row, or this member of it; empty if they may."""
    sentences = (import_string(each.why)(row, member) for each in features.added(FixedRows))
    return next(filter(None, sentences), "")
