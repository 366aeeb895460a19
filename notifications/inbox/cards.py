"""A notification as the list and the item's page show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from notifications.inbox.amounts import Amount, amount_of
from notifications.items.glance import glance_of
from notifications.items.inbox_json import lines_of
from notifications.items.outcomes import is_mine, is_waiting, may_undo, mood_of, outcome_of, parse_time
from notifications.models import Notification, NotificationState, Recipient
from notifications.types import Action, Json
from notifications.wording.key_facts import WrittenFact, facts_of
from notifications.wording.languages import read_in, reading_language
from notifications.wording.sentences import TEXTS, say
from notifications.wording.times import Due, due, exact, short_time


@dataclass(frozen=True)
class Button:
    """An answer offered. `asks`: it needs a comment before it is sent; `fills`: it is given with the task's form."""

    action: Action
    primary: bool

    @property
    def asks(self) -> bool:
        return self.action.comment == "required"

    @property
    def fills(self) -> bool:
        return self.action.values != "none"

    @property
    def label(self) -> str:
        return f"{self.action.title}…" if self.asks else self.action.title

    @property
    def hint(self) -> str:
        """A sentence on an answer beside others that decide; else empty."""
        if self.primary or self.action.effect != "acknowledge":
            return ""
        return say("acknowledge_means", title=self.action.title)

    @property
    def label_elsewhere(self) -> str:
        """The label on pages that do not show the form."""
        return f"{self.action.title}…" if self.asks or self.fills else self.action.title


@dataclass(frozen=True)
class Card:
    """Everything the templates show of one notification, in the reader's words."""

    notification: Notification
    buttons: tuple[Button, ...]
    due: Due | None
    lines: list[str]
    priority: str
    outcome: str
    mood: str
    waiting: bool
    at: datetime
    """The time of the answer; while there is none, of the item's arrival."""
    stamp: str
    exact: str
    facts: list[WrittenFact]
    glance: Json
    """The result of `glance_of`: the facts, text and origin that the list shows."""
    undo: bool = False
    """True if the reader may still take their answer back."""

    @property
    def is_open(self) -> bool:
        return self.notification.state == NotificationState.OPEN

    @property
    def unread(self) -> bool:
        return self.notification.read_at is None

    @property
    def words_of_title(self) -> str:
        """The title up to its number, see `glance_of`."""
        return self.notification.title.removesuffix(self.glance["number"]).rstrip()

    @property
    def first_label(self) -> str:
        """The label of the fact that is shown large."""
        return self.facts[0].label if self.glance["first"] else ""

    @property
    def amount(self) -> Amount | None:
        return amount_of(each.fact for each in self.facts)

    @property
    def listed(self) -> list[WrittenFact]:
        """The other facts, which the item's page lists."""
        return self.facts[1:] if self.glance["first"] else self.facts

    @property
    def on_card(self) -> tuple[Button, ...]:
        """The answers on a card, which has room for two. The item's page has all."""
        return self.buttons[:2]


def card(notification: Notification, reader: Recipient, now: datetime) -> Card:
    is_open = notification.state == NotificationState.OPEN
    facts = facts_of(notification, reading_language(reader))
    priority = f"priority_{notification.priority}"
    answered_at = (
        parse_time((notification.outcome or {}).get("at")) if notification.state == NotificationState.ANSWERED else None
    )
    at = answered_at or notification.created_at
    return Card(
        notification=notification,
        buttons=buttons(offered(notification, reader)) if is_open else (),
        due=due(notification.due_at, now) if is_open and notification.due_at else None,
        lines=lines_of(notification),
        priority=say(priority) if is_open and priority in TEXTS else "",
        outcome=outcome_of(notification, reader, now),
        mood=mood_of(notification, reader),
        waiting=is_waiting(notification, reader),
        at=at,
        stamp=short_time(at, now),
        exact=exact(at),
        facts=facts,
        glance=glance_of(notification, facts),
        undo=may_undo(notification, reader, now),
    )


def offered(notification: Notification, reader: Recipient) -> list[Action]:
    """Return the answers still offered: a person who has acknowledged is not asked to acknowledge again."""
    outcome, language = notification.outcome or {}, reading_language(reader)
    actions = [read_in(action, language) for action in notification.actions]
    own_action = outcome.get("action") if is_mine(outcome, reader) and outcome.get("engine") != "refused" else None
    return [action for action in actions if not (action.effect == "acknowledge" and action.name == own_action)]


def buttons(actions: Iterable[Action]) -> tuple[Button, ...]:
    """Return the buttons in the order of the page: the primary answer, which moves the work on, other final answers,
    questions, and acknowledgements last."""
    offered = list(actions)
    final = [action for action in offered if action.effect == "final"]
    primary = next((action for action in final if not action.takes_away), None)
    if primary is None:
        primary = next((action for action in offered if action.effect in ("acknowledge", "reply")), None)
    ranks = {"final": 1, "reply": 1, "request_info": 2, "acknowledge": 3}
    ordered = sorted(offered, key=lambda action: 0 if action is primary else ranks[action.effect])
    return tuple(Button(action, action is primary) for action in ordered)
