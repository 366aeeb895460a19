"""Instructions for an engine with a REST interface: an answer or a message, read from its callback."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, cast

from notifications.connectors import reasons
from notifications.connectors.base import Misconfigured
from notifications.models import Callback, Engine
from notifications.models.validators import is_ours, without_reserved
from notifications.people import resolver
from notifications.types import Json
from wfpush.net import trace_context

Does = Literal["final", "acknowledge", "request_info", "late", "assign", "message"]

ANSWER, OUTCOME, BY, COMMENT = "wfpush_answer", "wfpush_outcome", "wfpush_by", "wfpush_comment"
REVISION = "wfpush_revision"
"""Variables that every completed task gets: the answer's id, by which it is recognised after a lost reply; its name in
the engine; the person who gave it; the comment; and the revision of the content that they answered."""

MESSAGES = {"reply": "replies", "comment": "writes"}
"""Verbs for messages in the engine's comments, by kind of message."""


@dataclass(frozen=True)
class EnginePerson:
    """A person, by the names under which engines may know them. `email` is verified, or empty."""

    ref: str
    email: str = ""

    def is_called(self, user: str) -> bool:
        return user == self.ref or (self.email != "" and user.lower() == self.email.lower())


@dataclass(frozen=True)
class Instruction:
    """An instruction for the engine. `unsure`: an earlier try may have acted, so the task is read first. If the task is
    given `to` somebody, `had` is its assignee as far as we know."""

    answer: str
    task: str
    does: Does
    action: str = ""
    outcome: str = ""
    comment: str = ""
    variables: Json = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    by_name: str = ""
    revision: str = ""
    unsure: bool = False
    to: EnginePerson | None = None
    had: EnginePerson | None = None
    trace: str = ""
    """The traceparent of the event that assigned the task; empty if it had none."""

    @property
    def all_variables(self) -> Json:
        """Our variables and those of the answer. The answer's own are left out if they are named like ours: older
        answers may contain some, since they were not always refused."""
        ours = {ANSWER: self.answer, OUTCOME: self.outcome, BY: self.by}
        optional = {COMMENT: self.comment, REVISION: self.revision}
        ours |= {name: value for name, value in optional.items() if value}
        return {**without_reserved((), self.variables), **ours}

    def type_of(self, name: str) -> str:
        """Return the type that a mapping declares for a variable, else empty."""
        return "" if is_ours(name) else self.types.get(name, "")

    @property
    def remark(self) -> str:
        """The text of a comment for people who look at the task in the engine."""
        if self.does == "late":
            return self.comment
        words = {"acknowledge": "has seen this", "request_info": "asks", "message": MESSAGES.get(self.action, "writes")}
        says = words.get(self.does, f"answered {self.outcome or self.action}")
        return f"{self.by_name or self.by} {says}{': ' + self.comment if self.comment else ''}"


def instruction_of(callback: Callback, *, unsure: bool) -> Instruction:
    """Return the instruction in a callback's body. Raises Misconfigured."""
    try:
        event = json.loads(callback.body)
        data: Json = event["data"]
        trace = trace_context.valid(event.get(trace_context.NAME))
        instruction = partial(Instruction, str(callback.pk), data["task_id"], unsure=unsure, trace=trace)
    except (ValueError, KeyError, TypeError) as fault:
        raise Misconfigured(reasons.NOT_READ()) from fault
    if "to" in data:
        had, to = _read_person(callback.engine, data["assignee"]), _read_person(callback.engine, data["to"])
        return instruction("assign", to=to, had=had)
    if "message" in data:
        message = data["message"]
        by, text = message["by"] or {"ref": "", "name": ""}, _with_files(message["text"], message)
        return instruction("message", action=message["kind"], comment=text, by=by["ref"], by_name=by["name"])
    if callback.response is None:
        late = f"Runs late, by the policy “{data['policy']}”: it was due on {data['due_at']}."
        return instruction("late", comment=late)
    by = data["responded_by"]
    return instruction(
        cast(Does, callback.response.effect),
        action=data["action"],
        outcome=data["outcome"],
        comment=_with_files(data["comment"], data),
        variables=data["variables"],
        types=data.get("types", {}),
        by=by["ref"],
        by_name=by["name"],
        revision=data.get("revision") or "",
    )


def _with_files(text: str, message: Json) -> str:
    """Return the text that people read at the task in the engine, with the address of each file."""
    return "\n".join([text, *(f"{file['name']}: {file['url']}" for file in message.get("attachments", ()))])


def _read_person(engine: Engine, person: Json | None) -> EnginePerson | None:
    if person is None:
        return None
    recipient = resolver.find_person(engine, person["ref"])
    return EnginePerson(person["ref"], recipient.email if recipient is not None and recipient.email_verified else "")
