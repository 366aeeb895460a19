"""The types that rooms pass to each other. Input is normalised: no vendor's field name is used beyond these types."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from wfpush.crypto import digest_of

Effect = Literal["final", "acknowledge", "request_info"]
ItemEffect = Literal["final", "acknowledge", "request_info", "reply"]
"""An item with a question, which is no copy of a task, offers a reply."""
CommentRule = Literal["none", "optional", "required"]
ValuesRule = Literal["none", "optional", "required"]
"""Rule for the values of an answer: those of its task's form (notifications/forms/)."""
Json = dict[str, Any]

USUAL_EFFECTS: dict[str, Effect] = {"acknowledge": "acknowledge", "request_info": "request_info"}
"""Effects of the well-known actions; every other action is final."""

USUAL_COMMENTS: dict[str, CommentRule] = {
    "approve": "optional",
    "reject": "required",
    "request_info": "required",
    "acknowledge": "none",
    "complete": "optional",
    "resolve": "optional",
    "accept": "optional",
    "decline": "required",
    "confirm": "optional",
    "return": "required",
    "resubmit": "optional",
    "answer": "required",
    "report": "required",
    "retry": "optional",
    "skip": "required",
    "escalate": "optional",
    "withdraw": "optional",
    "cancel": "required",
}
"""Rules for comments on common actions, unless event or template has one."""

TAKES_AWAY = frozenset({"reject", "decline", "deny", "refuse", "cancel", "delete", "terminate", "withdraw"})
"""Names of actions that take something away: never the primary button."""

BEHAVIOURS = (
    "task.assigned",
    "task.updated",
    "task.info_supplied",
    "task.completed",
    "task.cancelled",
    "task.escalated",
    "task.message",
    "case.status_changed",
    "request.status_changed",
    "exception.raised",
    "exception.resolved",
)
"""Event types with behaviour of their own; a leading reverse-DNS prefix is ignored (`com.acme.task.assigned`)."""


def behaviour_of(event_type: str) -> str:
    """Return the behaviour that an event type stands for, else the type itself."""
    for name in BEHAVIOURS:
        if event_type == name or event_type.endswith("." + name):
            return name
    return event_type


def object_in(document: Json, name: str) -> Json:
    """Return a member that is an object; empty for any other value."""
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def text_in(document: Json, name: str, limit: int | None = None) -> str:
    """Return a member that is text, cut to `limit` characters; empty for any other value."""
    value = document.get(name)
    return value[:limit] if isinstance(value, str) else ""


def read_json(text: Any) -> Any:
    """Return the document of a JSON text; None for anything else."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def lookup(facts: Any, path: str) -> Any:
    """Return the value at a dotted path, which may contain list indexes; None when there is none."""
    for name in path.split("."):
        if isinstance(facts, dict):
            facts = facts.get(name)
        elif isinstance(facts, list) and name.isdecimal() and int(name) < len(facts):
            facts = facts[int(name)]
        else:
            return None
    return facts


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """A CloudEvent, checked. `digest` is over the canonical JSON of type, subject and data."""

    id: str
    source: str
    type: str
    data: Json
    digest: str
    subject: str = ""
    time: datetime | None = None
    extensions: Json = field(default_factory=dict)

    @property
    def behaviour(self) -> str:
        return behaviour_of(self.type)


@dataclass(frozen=True, slots=True)
class Action:
    """An action that a notification offers."""

    name: str
    title: str
    effect: ItemEffect
    comment: CommentRule
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Language tag to title, if there are several (notifications/wording/languages.py); empty for an engine's title."""
    values: ValuesRule = "none"
    signature: bool = False
    """Whether its person has to sign it, in the item, by the rules of when the item was written."""

    @property
    def takes_away(self) -> bool:
        return self.name in TAKES_AWAY

    def as_json(self) -> Json:
        shown: Json = {"action": self.name, "title": self.title, "effect": self.effect, "comment": self.comment}
        if self.values != "none":
            shown["values"] = self.values
        if self.signature:
            shown["signature"] = "required"
        labels = self._labels_besides_title()
        return {**shown, "labels": labels} if labels else shown

    def _labels_besides_title(self) -> dict[str, str]:
        """Return the labels to store: without those equal to a title that serves all languages without a label."""
        if self.labels.get("") != self.title:
            return dict(self.labels)
        return {tag: label for tag, label in self.labels.items() if label != self.title or "-" in tag}

    @classmethod
    def from_json(cls, value: Json) -> "Action":
        labels, values = value.get("labels") or {}, value.get("values", "none")
        signed = "signature" in value
        return cls(value["action"], value["title"], value["effect"], value["comment"], labels, values, signed)


@dataclass(frozen=True, slots=True)
class Message:
    """A channel-neutral message, which transports translate. All text is plain text. `language` is that of title and
    text; `reader_language` that of answers, facts and what transports add, if it is another one.

    The first of `actions` moves the work on; `facts` are pairs of a label and its value; `glance` are the key facts in
    one line, without those that lock screens must not show or that title and short text say already; `brand` is the
    message's brand; messages of one `thread` belong together; `task_id` and `case_id` are the engine's own.

    `leave_url` turns off e-mails of the category `leave_name`; without it, `kept_because` may say why.
    """

    notification_id: str
    language: str
    title: str
    body: str
    short_body: str
    priority: str
    category: str
    actions: tuple[Action, ...]
    url: str
    facts: tuple[tuple[str, str], ...]
    brand: Json
    due_at: datetime | None = None
    thread: str = ""
    task_id: str = ""
    case_id: str = ""
    glance: str = ""
    leave_url: str = ""
    leave_name: str = ""
    kept_because: str = ""
    reader_language: str = ""

    @property
    def frame_language(self) -> str:
        return self.reader_language or self.language

    @property
    def on_lock_screens(self) -> str:
        """The text below the title, where everybody can read it."""
        return "\n".join(filter(None, (self.glance, self.short_body)))


@dataclass(frozen=True, slots=True)
class BundledMessage:
    """A message of a digest. `asks`: it waits for an answer. `due` and `at` are texts in the person's time zone: when
    the answer is due, and when it came. A row in the digest has the title, the `amount`, and the `context`: the other
    key facts, or the text of a message without any, which is `in_its_language`."""

    message: Message
    amount: str
    context: str
    in_its_language: bool
    link: str
    asks: bool
    due: str
    is_late: bool
    at: str
    on_behalf_of: str


@dataclass(frozen=True, slots=True)
class BundleGroup:
    """Messages about one case, the most pressing first; without a title if it is only one."""

    title: str
    messages: tuple[BundledMessage, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A digest: several messages to one person as one. `language` is that of its own texts, not of the messages."""

    language: str
    title: str
    first_words: str
    brand: Json
    groups: tuple[BundleGroup, ...]

    @property
    def frame_language(self) -> str:
        return self.language

    @property
    def messages(self) -> tuple[BundledMessage, ...]:
        return tuple(each for group in self.groups for each in group.messages)

    @property
    def leave_url(self) -> str:
        """The link to turn off e-mails of the messages' category, if they have one and can all be turned off."""
        messages = [each.message for each in self.messages]
        shared = len({message.category for message in messages}) == 1 and all(message.leave_url for message in messages)
        return messages[0].leave_url if shared else ""

    @property
    def leaves(self) -> tuple[Message, ...]:
        """The first message of each category that can be turned off, if there is no link for all."""
        by_slug = {each.message.category: each.message for each in reversed(self.messages) if each.message.leave_url}
        return () if self.leave_url else tuple(by_slug.values())

    @property
    def on_lock_screens(self) -> str:
        return self.first_words


PushKind = Literal["message", "replacement", "test", "removed"]


@dataclass(frozen=True, slots=True)
class PushAddress:
    """Destination of a push message. `kind`: endpoint, token or fid; `sender`: VAPID public key or Firebase project."""

    address: str = field(repr=False)
    kind: str
    sender: str
    platform: str = ""
    p256dh: str = field(default="", repr=False)
    auth: str = field(default="", repr=False)


@dataclass(frozen=True)
class NewAddress:
    """The address of a browser or app that registers: the fields of `Device` of the same names."""

    channel: str
    address: str = field(repr=False)
    kind: str
    sender: str
    p256dh: str = field(default="", repr=False)
    auth: str = field(default="", repr=False)
    platform: str = ""
    expires_at: datetime | None = None

    @property
    def digest(self) -> str:
        return digest_of(f"{self.channel} {self.address}")


@dataclass(frozen=True, slots=True)
class PushMessage:
    """A message for one device. `removed`: the device was removed, and must close all notifications.

    A `replacement` is shown silently in place of the notification with the same `tag`; if `state` is not `open` it has
    no actions, and its body says what happened. `tag` is at most 32 characters of base64url (RFC 8030, 5.4), the same
    for all messages about one task. `token` (for `POST /api/v1/responses`) is empty where the lock screen may not
    answer. `ttl` in seconds; `at`: when the notification last changed. `silent`: without a sound, as the person wants
    it on this device. `revision`: that of the content which the message shows.
    """

    kind: PushKind
    message: Message
    tag: str
    link: str
    token: str = field(repr=False)
    ttl: int
    at: datetime
    state: str
    unread: int
    device: str
    silent: bool = False
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The final report of a channel's service on a message that it took, or on a part of one.

    `reference` is the service's name for it, as `send` returned it; `code` is the network's name of the outcome.
    """

    reference: str
    arrived: bool
    code: str = ""
