"""What a person signs: one decision as canonical JSON (RFC 8785), or the list of the digests of several.

The challenge that a passkey signs is the SHA-256 of this text. So the signature covers exactly these members, and
nothing else.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from notifications.forms.fields import Form
from notifications.items.representation import iso_utc
from notifications.models import Attachment, Recipient, Task, TaskContent
from notifications.revisions.content import canonical_json
from notifications.types import Json
from wfpush.identifiers import parse_uuid

VERSION = 1
ONE, SEVERAL = "wfpush answer", "wfpush answers"
"""The values of `purpose`: a signature for one purpose is none for another."""


@dataclass(frozen=True)
class Once:
    """What makes a statement one of a kind: the installation, a random nonce, and the time."""

    origin: str
    nonce: str
    at: datetime

    def members(self, purpose: str) -> Json:
        return {
            "version": VERSION,
            "purpose": purpose,
            "origin": self.origin,
            "nonce": self.nonce,
            "time": iso_utc(self.at),
        }


def decision_members(
    task: Task,
    item: UUID,
    person: Recipient,
    *,
    revision: str,
    action: str,
    effect: str,
    comment: str,
    variables: Json,
    values: Json,
    files: Mapping[str, str],
) -> Json:
    """Return the members of a statement that describe the decision: on the person's copy `item`, as that `revision` of
    the task's content was shown. `values` are normalised, with files by their ids; `files` has their digests."""
    return {
        "engine": task.engine.slug,
        "task": task.task_id,
        "item": str(item),
        "revision": revision,
        "content": content_digest(task, revision),
        "person": person.ref,
        "action": action,
        "effect": effect,
        "comment": comment,
        "variables": variables,
        "values": values,
        "files": dict(files),
    }


def content_digest(task: Task, revision: str) -> str:
    """Return the SHA-256 of the task's content in that revision, in hex; empty if none is stored."""
    content = TaskContent.objects.filter(task=task, revision=revision).values_list("content", flat=True).first()
    return sha256(canonical_json(content)) if content is not None else ""


def file_digests(form: Form | None, values: Json, person: Recipient) -> dict[str, str]:
    """Return the SHA-256 of each file of the person that the values of the form name, by its id."""
    named = [each for field in form or () if field.has_files for each in values.get(field.name) or ()]
    ids = [pk for each in named if (pk := parse_uuid(str(each))) is not None]
    rows = Attachment.objects.filter(pk__in=ids, uploader=person).values_list("pk", "sha256") if ids else ()
    return {str(pk): digest for pk, digest in rows}


def statement(members: Json, once: Once) -> str:
    """Return the canonical text of a decision, as one person signs it once."""
    return canonical_json({**members, **once.members(ONE)}).decode()


def listing(statements: Sequence[str], once: Once) -> str:
    """Return the canonical text that several decisions are signed by at once."""
    digests = [sha256(each.encode()) for each in statements]
    return canonical_json({**once.members(SEVERAL), "statements": digests}).decode()


def read(text: str) -> Json:
    """Return the members of a signed text. Raises ValueError if it is not a canonical JSON object."""
    members = json.loads(text)
    if not isinstance(members, dict) or canonical_json(members) != text.encode():
        raise ValueError("This is not canonical JSON.")
    return members


def differing(signed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the names of members of the decision that differ, in their order."""
    return [name for name in now if canonical_json({"": signed.get(name)}) != canonical_json({"": now[name]})]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def challenge_of(text: str) -> bytes:
    """Return the challenge by which a text is signed."""
    return hashlib.sha256(text.encode()).digest()
