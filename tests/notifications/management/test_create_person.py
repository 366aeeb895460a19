"""What `manage.py create_person` changes of a person who exists."""

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from notifications.models import Recipient


def create_person(ref: str, **options: object) -> User:
    call_command("create_person", ref, stdout=StringIO(), **options)
    person = Recipient.objects.get(ref=ref)
    assert person.user is not None
    return person.user


@pytest.mark.django_db
def test_only_staff_is_a_superuser() -> None:
    assert not create_person("alice").is_staff
    assert create_person("bob", staff=True).is_superuser
    assert create_person("bob", email="bob@acme.example").is_superuser, "as before"


@pytest.mark.django_db
def test_a_new_address_gives_no_rights_to_whoever_has_those_of_a_role() -> None:
    carol = create_person("carol")
    carol.is_staff = True
    carol.save()
    assert not create_person("carol", email="carol@acme.example").is_superuser
