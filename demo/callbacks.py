"""Reads a signed callback (Standard Webhooks with a CloudEvent). The signature is checked before anything is parsed."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

from demo.records import KeptFile, Person

Kind = TypeVar("Kind")

ANSWERED, REASSIGN, MESSAGE = "task.responded", "task.reassignment_requested", "task.message"


class SignatureError(Exception):
    """The signature is missing, wrong, or more than five minutes off."""


class MalformedError(Exception):
    """The signature is right, but the content is no CloudEvent as the contract describes it."""


class Answer(msgspec.Struct, frozen=True):
    """`data` of `task.responded`, as far as this engine uses it."""

    task_id: str
    action: str
    responded_by: Person
    comment: str | None = ""
    variables: dict[str, Any] = {}
    """The values of the task's form, among others."""
    asked: Person | None = None
    """The person whom wfpush has asked a question: the process need not ask anybody."""
    attachments: list[KeptFile] = []
    """Files of a question."""

    @property
    def text(self) -> str:
        """The comment, empty without one."""
        return self.comment or ""

    @property
    def files(self) -> list[KeptFile]:
        """All that came with it: photos, signatures and other files of the form, and those of a question."""
        return [file for value in self.variables.values() for file in _files(value)] + self.attachments


class Reassignment(msgspec.Struct, frozen=True):
    """`data` of `task.reassignment_requested`, as far as this engine uses it."""

    task_id: str
    assignee: Person | None
    to: Person


class Words(msgspec.Struct, frozen=True):
    """`message` of `task.message`, as far as this engine uses it."""

    kind: str
    text: str
    by: Person | None = None
    attachments: list[KeptFile] = []


class TaskMessage(msgspec.Struct, frozen=True):
    """`data` of `task.message`: a reply or a comment."""

    task_id: str
    message: Words


class CallbackEvent(msgspec.Struct, frozen=True):
    """The CloudEvent; `data` is read once the type is known."""

    id: str
    type: str
    data: msgspec.Raw

    @property
    def answer(self) -> Answer:
        """The answer of a person. Raises MalformedError."""
        return _decode(self.data, Answer)

    @property
    def reassignment(self) -> Reassignment:
        """Who is to have a task. Raises MalformedError."""
        return _decode(self.data, Reassignment)

    @property
    def message(self) -> TaskMessage:
        """The reply or comment of a person about a task. Raises MalformedError."""
        return _decode(self.data, TaskMessage)


def read_callback(secret: str, headers: Mapping[str, str], body: bytes) -> tuple[str, CallbackEvent]:
    """The webhook-id, the same over every retry of one answer, and the event. Raises SignatureError, MalformedError."""
    lower_headers = {name.lower(): value for name, value in headers.items()}
    try:
        Webhook(secret).verify(body, lower_headers, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        # The library raises ValueError (UnicodeDecodeError too) for what it cannot parse.
        raise SignatureError(str(error)) from error
    return lower_headers["webhook-id"], _decode(body, CallbackEvent)


def _files(value: Any) -> list[KeptFile]:
    """The files that a value of a form lists; none when it is something else."""
    try:
        return msgspec.convert(value, list[KeptFile])
    except msgspec.ValidationError:
        return []


def _decode(content: bytes | msgspec.Raw, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(str(error)) from error
