"""Finds what is wrong with senders and addresses of brands: for `manage.py doctor`."""

from collections.abc import Callable, Iterator

from django.core.exceptions import ValidationError

from notifications.channels.email import senders
from notifications.models import Brand
from notifications.models.validators import validate_own_address


def diagnose(say: Callable[[str], object]) -> Iterator[str]:
    for brand in Brand.objects.exclude(from_email="", domain=""):
        if brand.from_email:
            try:
                senders.check_sender(brand.from_email)
            except ValidationError as fault:
                yield f"The sender of the brand {brand.slug} is wrong. {fault.message}"
            if needed := senders.needs(brand.from_email):
                say(f"Brand {brand.slug}: {needed}")
        if brand.domain:
            try:
                validate_own_address(brand.domain)
            except ValidationError as fault:
                yield f"The address of the pages of the brand {brand.slug}, {brand.domain}, is wrong. {fault.message}"
