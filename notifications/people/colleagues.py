"""People as forms name them: by a text that means one of them."""

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from notifications.models import Recipient

SEVERAL = 5
"""Number of names returned when what was typed means several people."""

MOST_TYPED = 500
"""Characters: longer than any name with its ref."""


def colleagues() -> QuerySet[Recipient]:
    """Everybody who can stand in for somebody."""
    return Recipient.objects.filter(engine=None, active=True)


def label(person: Recipient) -> str:
    """The person's text in the field: unique and readable."""
    return f"{person.name} ({person.ref})" if person.name and person.name != person.ref else person.ref


def named(text: str) -> Recipient:
    """The person meant by a proposed text, a ref, a name or an e-mail address. Raises ValidationError."""
    if "\x00" in text or len(text) > MOST_TYPED:
        raise ValidationError(_("Nobody here is called that."))
    ends = [text[place + 1 : -1] for place, sign in enumerate(text) if sign == "(" and text.endswith(")")]
    proposed = [person for person in colleagues().filter(ref__in=ends) if label(person) == text]
    found = proposed or list(colleagues().filter(ref=text))
    found = found or list(colleagues().filter(Q(name__iexact=text) | Q(email__iexact=text))[: SEVERAL + 1])
    found = found or list(colleagues().filter(name__icontains=text)[: SEVERAL + 1])
    if not found:
        raise ValidationError(_("Nobody here is called that."))
    if len(found) > 1:
        names = ", ".join(label(person) for person in found[:SEVERAL])
        more = ", …" if len(found) > SEVERAL else ""
        raise ValidationError(_("That may be several people: %(names)s. Choose one.") % {"names": names + more})
    return found[0]
