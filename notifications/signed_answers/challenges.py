"""Issues the challenges that people sign, and lets each be used once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from notifications.errors import InvalidAnswer, NotFound
from notifications.forms import checking
from notifications.forms.fields import form_of
from notifications.models import Notification, Recipient
from notifications.signed_answers import statements
from notifications.signed_answers.models import SigningChallenge
from notifications.signed_answers.statements import Once
from notifications.types import Json
from wfpush.identifiers import uuid7

LIFE = timedelta(minutes=5)


@dataclass(frozen=True)
class AnswerToSign:
    """An answer that its person is about to sign. `revision`: of the content that they were shown."""

    notification: UUID
    action: str
    comment: str
    variables: Json
    values: Json
    revision: str


@dataclass(frozen=True)
class IssuedChallenge:
    """`challenge`: the bytes that a passkey signs: the digest of `text`, which is a statement or a list of them."""

    id: UUID
    text: str
    statements: Sequence[str]
    expires_at: datetime

    @property
    def challenge(self) -> bytes:
        return statements.challenge_of(self.text)


def issue(person: Recipient, session: str, answers: Sequence[AnswerToSign], now: datetime) -> IssuedChallenge:
    """Issue one challenge for these answers of the person, who is signed in by the session with this digest. Raises
    NotFound, InvalidAnswer. Whether the answers can be given is checked when they come."""
    keys = [each.notification for each in answers]
    rows = Notification.objects.filter(recipient=person, pk__in=keys).exclude(task=None)
    by_key = {row.pk: row for row in rows.select_related("task__engine")}
    if set(keys) - by_key.keys():
        raise NotFound("There is no such notification of yours.")
    group, expires_at = uuid7(), now + LIFE
    texts = [_statement(person, by_key[each.notification], each, now) for each in answers]
    listing = statements.listing(texts, _once(now)) if len(texts) > 1 else ""
    SigningChallenge.objects.bulk_create(
        SigningChallenge(
            group=group,
            person=person,
            notification_id=answer.notification,
            session=session,
            statement=text,
            listing=listing,
            issued_at=now,
            expires_at=expires_at,
        )
        for answer, text in zip(answers, texts, strict=True)
    )
    return IssuedChallenge(group, listing or texts[0], texts, expires_at)


def _statement(person: Recipient, item: Notification, answer: AnswerToSign, now: datetime) -> str:
    task = item.task
    assert task is not None  # others are not found
    form = form_of(task.data)
    values = checking.normal(form, answer.values) if form is not None and answer.values else answer.values
    members = statements.decision_members(
        task,
        item.pk,
        person,
        revision=answer.revision or item.revision,
        action=answer.action,
        effect=next((each["effect"] for each in item.actions if each["action"] == answer.action), ""),
        comment=answer.comment,
        variables=answer.variables,
        values=values,
        files=statements.file_digests(form, values, person),
    )
    try:
        text = statements.statement(members, _once(now))
        statements.read(text)
    except ValueError as fault:
        raise InvalidAnswer("A value cannot be signed: numbers are below 2^53, and texts are Unicode.") from fault
    return text


def _once(now: datetime) -> Once:
    return Once(settings.BASE_URL, secrets.token_urlsafe(16), now)


def find(group: UUID, person: int, notification: UUID, session: str) -> SigningChallenge | None:
    """Return the challenge for this answer, if it was issued to this person in this session."""
    rows = SigningChallenge.objects.filter(group=group, person=person, notification=notification, session=session)
    return rows.first() if session else None


def use(challenge: SigningChallenge, now: datetime) -> bool:
    """Use a challenge up. Return whether it was still valid: of two requests, one gets True."""
    unused = SigningChallenge.objects.filter(pk=challenge.pk, used_at=None, expires_at__gt=now)
    return bool(unused.update(used_at=now))


def older_than(time: datetime) -> QuerySet[SigningChallenge]:
    return SigningChallenge.objects.filter(expires_at__lt=time)
