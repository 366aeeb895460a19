"""Two people at the desk make the same at the same moment: the later one is told."""

import pytest
from django.test import Client

from notifications.models import Recipient
from notifications.transfer.tests.test_importing import sent
from tests.admin.pages import text_of
from tests.admin.test_at_once import done_beside

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_import_the_same_person(root: Client) -> None:
    preview = sent(root, "ref,name\nzoe,Zoe\n")
    address, digest = preview.redirect_chain[-1][0], preview.context["plan"].digest
    answer = done_beside(
        lambda: Recipient.objects.create(ref="zoe", name="Zoe of another"),
        lambda: root.post(address, {"digest": digest}),
    )
    assert "Data changed meanwhile" in text_of(answer)
    assert "0 new, 1 changed" in text_of(answer)
    assert [person.name for person in Recipient.objects.filter(ref="zoe")] == ["Zoe of another"]
