"""An answer as a person gives it, and as it is recorded."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from notifications.models import Response, TaskMessage
from notifications.types import Json
from notifications.wording.plaintext import clean

MAX_COMMENT = 4_000
MAX_VARIABLES = 64 * 1024
"""Bytes of an answer's variables as JSON; the same as for an event's data."""


@dataclass(frozen=True)
class Answer:
    """A person's answer, and how it came. `values`: the values of the task's form; `offered`: the actions that its
    token was made for; None: all actions of the copy.

    `to`: the ref of the person who is asked a question; empty: the usual one. `files`: ids of attachments of a question
    or a reply. `delivery`: the message that had the token. `revision`: of the content that the person was shown; empty
    if unknown.

    `assurance`: an `Assurance`, how the person signed in; empty if unknown. `proof`: what the browser sent to prove
    that the person gives exactly this answer (`AnswerProof` of notifications/additions.py). `session`: the digest of
    the session's key; empty for tokens.
    """

    action: str
    comment: str = ""
    variables: Json = field(default_factory=dict)
    via: str = "api"
    idempotency_key: str = ""
    offered: tuple[str, ...] | None = None
    values: Json = field(default_factory=dict)
    to: str = ""
    files: tuple[UUID, ...] = ()
    delivery: UUID | None = None
    revision: str = ""
    assurance: str = ""
    proof: Json | None = None
    session: str = ""

    @property
    def has_words(self) -> bool:
        return bool(clean(self.comment).strip())

    @property
    def fingerprint(self) -> str:
        parts = [self.action, self.comment, self.variables, *([self.to] if self.to else [])]
        parts += [{"values": self.values}] if self.values else []
        parts += [{"files": [str(each) for each in self.files]}] if self.files else []
        parts += [{"revision": self.revision}] if self.revision else []
        canonical_json = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical_json.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Submission:
    """An answer, with the keys of its person and of the copy that they answer."""

    person: int
    notification: UUID
    answer: Answer
    at: datetime


@dataclass(frozen=True)
class RecordedAnswer:
    """The recorded answer. `created` is False when the same answer was recorded before.

    `connect`: the name of the engine that waits for the person to connect their account.
    """

    response: Response
    created: bool
    connect: str = ""


@dataclass(frozen=True)
class RecordedMessage:
    """The recorded message. `created` is False when it was recorded before."""

    message: TaskMessage
    created: bool
