"""Compares a signed answer with what the database says today."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifications.attachments.representation import content_of
from notifications.forms import recorded_values
from notifications.items.representation import iso_utc
from notifications.models import Assurance, Attachment, Response
from notifications.signed_answers import challenges, statements
from notifications.signed_answers.bundles import Bundle
from notifications.signed_answers.models import AnswerSignature
from notifications.types import Json

GONE = "content"
"""The member whose row may be removed before the answer is: then it cannot be compared."""


@dataclass(frozen=True)
class Altered:
    """A member of the statement that reads otherwise in the database."""

    name: str
    signed: Any
    now: Any


def decided_now(response: Response) -> Json:
    """Return the members of the statement as the database has them."""
    return statements.decision_members(
        response.task,
        response.notification_id,
        response.recipient,
        revision=response.revision,
        action=response.action,
        effect=response.effect,
        comment=response.comment,
        variables=response.variables,
        values=recorded_values.given_of(response.values),
        files={str(file.pk): _digest(file) for file in response.attachments.all()},
    )


def _digest(file: Attachment) -> str:
    """Return the SHA-256 of the stored bytes: the column may have been altered with them."""
    digest = hashlib.sha256()
    for piece in content_of(file):
        digest.update(piece)
    return digest.hexdigest()


def alterations(response: Response, bundle: Bundle) -> list[Altered]:
    """Return every member in which the database differs from what was signed. `bundle.members` must be readable."""
    signed, now = bundle.members, decided_now(response)
    if not now[GONE]:
        now.pop(GONE)
    members = [Altered(name, signed.get(name), now[name]) for name in statements.differing(signed, now)]
    return [*members, *_about_the_answer(response, signed)]


def is_content_gone(response: Response) -> bool:
    return not statements.content_digest(response.task, response.revision)


def _about_the_answer(response: Response, signed: Json) -> Iterator[Altered]:
    """Yield what follows from the signature, and is no member of the decision."""
    at = datetime.fromisoformat(str(signed.get("time")))
    if not at <= response.at <= at + challenges.LIFE:
        yield Altered("time", f"{iso_utc(at)} to {iso_utc(at + challenges.LIFE)}", iso_utc(response.at))
    if response.assurance != Assurance.PASSKEY:
        yield Altered("assurance", Assurance.PASSKEY.value, response.assurance or None)


def copies_of(row: AnswerSignature) -> list[str]:
    """Return the ids of other answers with the same statement, which was signed for one."""
    others = AnswerSignature.objects.filter(statement=row.statement).exclude(pk=row.pk)
    return [str(pk) for pk in others.values_list("pk", flat=True)]
