"""Colleagues of a person: people whom they lead, and people named by the text of a form's field."""

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from notifications.models import Recipient

MAX_NAMES = 5
"""Number of names returned when a text matches several people."""

MAX_PROPOSED = 200
"""Number of names that a field for a colleague proposes. Other people are found by the typed text."""

MOST_TYPED = 500
"""Characters: longer than any name with its ref."""


def colleagues() -> QuerySet[Recipient]:
    """Return all people who can stand in for somebody."""
    return Recipient.objects.filter(engine=None, active=True)


def led_by(reader: Recipient) -> QuerySet[Recipient]:
    """Return active people of the organisation itself, by name; never the reader."""
    theirs = Q(manager=reader) | Q(teams__lead=reader)
    return Recipient.objects.filter(theirs, engine=None, active=True).exclude(pk=reader.pk).distinct()


def label(person: Recipient) -> str:
    """Return the person's text in the field: unique and readable."""
    return f"{person.name} ({person.ref})" if person.name and person.name != person.ref else person.ref


def proposed_names(person: Recipient) -> list[str]:
    """Return names for a field for one of the person's colleagues: teammates, manager, reports and the manager's other
    reports come first."""
    near = Q(teams__in=person.teams.all()) | Q(pk=person.manager_id) | Q(manager=person)
    if person.manager_id:
        near |= Q(manager=person.manager_id)
    others = colleagues().exclude(pk=person.pk)
    close_people = list(others.filter(near).distinct()[:MAX_PROPOSED])
    rest = others.exclude(pk__in=[each.pk for each in close_people])[: MAX_PROPOSED - len(close_people)]
    return [label(each) for each in [*close_people, *rest]]


def find_colleague(text: str) -> Recipient:
    """Return the person with this proposed text, ref, name or e-mail address. Raise ValidationError."""
    if "\x00" in text or len(text) > MOST_TYPED:
        raise ValidationError(_("There is nobody with this name."))
    ends = [text[place + 1 : -1] for place, sign in enumerate(text) if sign == "(" and text.endswith(")")]
    proposed = [person for person in colleagues().filter(ref__in=ends) if label(person) == text]
    people = proposed or list(colleagues().filter(ref=text))
    people = people or list(colleagues().filter(Q(name__iexact=text) | Q(email__iexact=text))[: MAX_NAMES + 1])
    people = people or list(colleagues().filter(name__icontains=text)[: MAX_NAMES + 1])
    if not people:
        raise ValidationError(_("There is nobody with this name."))
    if len(people) > 1:
        names = ", ".join(label(person) for person in people[:MAX_NAMES])
        more = ", …" if len(people) > MAX_NAMES else ""
        raise ValidationError(_("That may be several people: %(names)s. Choose one.") % {"names": names + more})
    return people[0]
