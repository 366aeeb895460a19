"""Senders of brands: checks, as far as we can, that mail programs will believe that a brand's e-mails are from it."""

from collections.abc import Callable, Iterator
from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from notifications.channels.base import Identity
from notifications.models import Brand
from notifications.models.validators import validate_own_address


def domain_of(sender: str) -> str:
    """Return the part after the @, empty where there is none."""
    return parseaddr(sender)[1].partition("@")[2]


def check_sender(sender: str) -> None:
    """Raise ValidationError for a sender that cannot be in the header of a mail."""
    try:
        validate_email(parseaddr(sender)[1])
    except ValidationError:
        fault = True
    else:
        fault = not sender.isprintable()
    if fault:
        raise ValidationError(_("Enter an address, or a name and an address, such as Acme <no-reply@acme.example>."))


def needs(sender: str) -> str:
    """Return the DNS entries and signatures that the sender's domain needs; empty for the usual sender's domain, which
    is set up already."""
    domain = domain_of(sender)
    if not domain or domain == domain_of(settings.DEFAULT_FROM_EMAIL):
        return ""
    text = _(
        "%(server)s sends the e-mails of %(domain)s. Its SPF record must allow that server, and DKIM "
        "for %(domain)s must sign List-Unsubscribe and List-Unsubscribe-Post, too."
    )
    return text % {"domain": domain, "server": getattr(settings, "EMAIL_HOST", "") or "localhost"}


def identity(brand: Brand) -> Identity:
    """Return the sender of the brand's e-mails."""
    return Identity(brand.from_email or settings.DEFAULT_FROM_EMAIL, note=needs(brand.from_email))


def diagnose(say: Callable[[str], object]) -> Iterator[str]:
    for brand in Brand.objects.exclude(from_email="", domain=""):
        if brand.from_email:
            try:
                check_sender(brand.from_email)
            except ValidationError as fault:
                yield f"The sender of the brand {brand.slug} is wrong. {fault.message}"
            if needed := needs(brand.from_email):
                say(f"Brand {brand.slug}: {needed}")
        if brand.domain:
            try:
                validate_own_address(brand.domain)
            except ValidationError as fault:
                yield f"The address of the pages of the brand {brand.slug}, {brand.domain}, is wrong. {fault.message}"
