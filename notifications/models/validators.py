"""Checks shared by models and API."""

import unicodedata
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_ID = 200


def validate_ref(value: str) -> None:
    """Ids and refs are any text up to 200 characters without control characters."""
    if not value or len(value) > MAX_ID or any(unicodedata.category(each) == "Cc" for each in value):
        raise ValidationError(_("Write 1 to 200 characters without control characters."))


def validate_timezone(value: str) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise ValidationError(_("Unknown time zone. Write one such as Europe/Berlin.")) from fault
