"""What the forms of a rule share: how fields look, and people named as they are read."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from notifications.models import Recipient

REF = re.compile(r".*\((?P<ref>[^()]+)\)\s*")
SUGGESTED = 10


class Plain:
    """Gives the fields of a form the look of the desk's own pages."""

    fields: dict[str, forms.Field]

    def dress(self) -> None:
        for field in self.fields.values():
            widget = field.widget
            if isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple | forms.HiddenInput):
                continue
            look = "desk-select" if isinstance(widget, forms.Select) else "desk-input"
            widget.attrs["class"] = f"{widget.attrs.get('class', '')} {look}".strip()
            widget.attrs.setdefault("autocomplete", "off")


class PersonField(forms.CharField):
    """A person, written as “Bob Bauer (bob)” or as the `ref` alone. The page suggests people while it is typed."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"list": "people", "data-people": ""}))
        super().__init__(required=False, max_length=400, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            value = Recipient.objects.filter(pk=value).first()
        return person_label(value) if isinstance(value, Recipient) else value

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        match = REF.fullmatch(text)
        people = Recipient.objects.filter(ref=match["ref"] if match else text).order_by("engine", "pk")
        by_label = (each for each in people if person_label(each) == text)
        person = next(by_label, None) or (None if match else people.first())
        if person is None:
            raise ValidationError(_("Nobody is known as “%(text)s”. Choose somebody of the list.") % {"text": text})
        return person

    def run_validators(self, value: Any) -> None:
        """The person was found."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            person = self.to_python(data)
        except ValidationError:
            return True
        return bool((person.pk if person else None) != getattr(initial, "pk", initial))


def person_label(person: Recipient) -> str:
    engine = f" · {person.engine}" if person.engine_id else ""
    return f"{person.name}{engine} ({person.ref})"


def people_like(words: str) -> list[str]:
    """Some active people whose name or `ref` begins so, or has such a word."""
    words = words.strip()
    if len(words) < 2 or "\0" in words:
        return []
    like = Q(name__icontains=words) | Q(ref__istartswith=words)
    people = Recipient.objects.filter(like, active=True).select_related("engine").order_by("name", "pk")
    return [person_label(person) for person in people[:SUGGESTED]]
