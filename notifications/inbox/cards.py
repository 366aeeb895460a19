"""A notification as the list and the item's page show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, F, IntegerField, QuerySet, Value, When

from notifications.items.inbox_json import lines_of
from notifications.items.outcomes import is_mine, is_waiting, mood_of, outcome_of
from notifications.items.representation import notification_queryset
from notifications.models import Notification, NotificationState, Priority, Recipient
from notifications.types import Action
from notifications.wording.labels import read_in
from notifications.wording.languages import reading_language
from notifications.wording.sentences import TEXTS, say
from notifications.wording.times import Due, due, exact, short_time

WAITING_SHOWN, ESCALATED_SHOWN, UPDATES_SHOWN, DONE_SHOWN = 25, 10, 10, 10
MOST_SHOWN = 500
"""How many of each the list shows: a page stays under 100 kB."""

RANKS = {Priority.URGENT: 0, Priority.HIGH: 1, Priority.NORMAL: 2, Priority.LOW: 3}


@dataclass(frozen=True)
class Button:
    """One answer offered. `asks`: it needs a comment before it is sent."""

    action: Action
    primary: bool

    @property
    def asks(self) -> bool:
        return self.action.comment == "required"

    @property
    def label(self) -> str:
        return f"{self.action.title}…" if self.asks else self.action.title


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
    stamp: str
    exact: str

    @property
    def is_open(self) -> bool:
        return self.notification.state == NotificationState.OPEN

    @property
    def unread(self) -> bool:
        return self.notification.read_at is None

    @property
    def snippet(self) -> str:
        """The first paragraph."""
        return self.notification.body.strip().split("\n\n")[0][:300]

    @property
    def on_card(self) -> tuple[Button, ...]:
        """The answers on a card, which has room for two. The item's page has all."""
        return self.buttons[:2]


def card(notification: Notification, reader: Recipient, now: datetime) -> Card:
    is_open = notification.state == NotificationState.OPEN
    priority = f"priority_{notification.priority}"
    return Card(
        notification=notification,
        buttons=buttons(offered(notification, reader)) if is_open else (),
        due=due(notification.due_at, now) if is_open and notification.due_at else None,
        lines=lines_of(notification),
        priority=say(priority) if is_open and priority in TEXTS else "",
        outcome=outcome_of(notification, reader, now),
        mood=mood_of(notification, reader),
        waiting=is_waiting(notification, reader),
        stamp=short_time(notification.created_at, now),
        exact=exact(notification.created_at),
    )


def offered(notification: Notification, reader: Recipient) -> list[Action]:
    """The answers still offered: a person who has acknowledged is not asked to acknowledge again."""
    outcome, language = notification.outcome or {}, reading_language(reader)
    actions = [read_in(action, language) for action in notification.actions]
    given = outcome.get("action") if is_mine(outcome, reader) and outcome.get("engine") != "refused" else None
    return [action for action in actions if not (action.effect == "acknowledge" and action.name == given)]


def buttons(actions: Iterable[Action]) -> tuple[Button, ...]:
    """In the order of the page: the answer that moves the work on (the primary one), other final answers, questions,
    and acknowledging last."""
    offered = list(actions)
    final = [action for action in offered if action.effect == "final"]
    primary = next((action for action in final if not action.takes_away), None)
    if primary is None:
        primary = next((action for action in offered if action.effect == "acknowledge"), None)
    ranks = {"final": 1, "request_info": 2, "acknowledge": 3}
    ordered = sorted(offered, key=lambda action: 0 if action is primary else ranks[action.effect])
    return tuple(Button(action, action is primary) for action in ordered)


@dataclass(frozen=True)
class Group:
    """Items that wait for an answer: `count` of them, of which `cards` are shown."""

    count: int
    cards: list[Card]

    @property
    def more(self) -> int:
        return self.count - len(self.cards)


@dataclass(frozen=True)
class Listing:
    """A person's list at one moment. `seq` is that of the last change it contains."""

    seq: int
    unread: int
    waiting: Group
    escalated: Group
    """Items that the reader got because others have not answered."""
    updates: list[Card]
    done: list[Card]


NOTHING = Listing(seq=0, unread=0, waiting=Group(0, []), escalated=Group(0, []), updates=[], done=[])


def listing(reader: Recipient, now: datetime, *, everything: bool = False) -> Listing:
    """Items to answer (most urgent first, then by due date), then news, then what is done.

    `everything`: all items to answer, up to MOST_SHOWN, instead of a short page.
    """
    # Read first: the live connection sends a change that commits meanwhile again, instead of missing it.
    seq = Recipient.objects.values_list("inbox_seq", flat=True).get(pk=reader.pk)
    mine = notification_queryset().filter(recipient=reader)
    waiting = mine.filter(state=NotificationState.OPEN)
    updates = mine.filter(state=NotificationState.INFO).order_by("-created_at", "-id")
    done = mine.exclude(state__in=(NotificationState.OPEN, NotificationState.INFO)).order_by("-updated_at", "-id")
    return Listing(
        seq=seq,
        unread=mine.filter(read_at=None).count(),
        waiting=_group(waiting.filter(escalated=False), reader, now, MOST_SHOWN if everything else WAITING_SHOWN),
        escalated=_group(waiting.filter(escalated=True), reader, now, MOST_SHOWN if everything else ESCALATED_SHOWN),
        updates=[card(row, reader, now) for row in updates[:UPDATES_SHOWN]],
        done=[card(row, reader, now) for row in done[:DONE_SHOWN]],
    )


def _group(rows: QuerySet[Notification], reader: Recipient, now: datetime, most: int) -> Group:
    return Group(rows.count(), [card(row, reader, now) for row in most_pressing_first(rows)[:most]])


def most_pressing_first(rows: QuerySet[Notification]) -> QuerySet[Notification]:
    rank = Case(
        *(When(priority=priority, then=Value(position)) for priority, position in RANKS.items()),
        default=Value(len(RANKS)),
        output_field=IntegerField(),
    )
    return rows.order_by(rank, F("due_at").asc(nulls_last=True), "-created_at", "-id")
