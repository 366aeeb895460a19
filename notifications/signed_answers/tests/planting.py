"""Puts a person into the tables of signed answers, for the test of erasure (notifications/retention/tests)."""

from allauth.mfa.models import Authenticator
from django.utils import timezone

from notifications.models import Notification, Recipient, Response
from notifications.models.history import record_parts
from notifications.signed_answers.models import AnswerSignature, PasskeyCounter, SignatureRule, SigningChallenge
from tests.support.world import World
from wfpush.identifiers import uuid7


def plant(world: World, person: Recipient) -> None:
    """They are named by a rule and its condition, have signed an answer, and are about to sign another."""
    now, statement = timezone.now(), f'{{"comment":"As {person.name} said.","person":"{person.ref}"}}'
    rule = SignatureRule.objects.create(name=f"Payments of {person.name}")
    rule.conditions.create(path="task.data.owner", value=person.ref)
    record_parts(rule)
    response = Response.objects.order_by("pk").first()
    assert response is not None
    AnswerSignature.objects.create(response=response, statement=statement, credential_id="AbC", public_key="AbC")
    item = Notification.objects.filter(recipient=person).first() or Notification.objects.order_by("pk").first()
    assert item is not None
    SigningChallenge.objects.create(
        group=uuid7(),
        person=person,
        notification=item,
        session="0" * 64,
        statement=statement,
        issued_at=now,
        expires_at=now,
    )
    key = Authenticator.objects.create(user=person.user, type="webauthn", data={"name": f"Laptop of {person.name}"})
    PasskeyCounter.objects.create(authenticator=key, count=1, group=uuid7())
