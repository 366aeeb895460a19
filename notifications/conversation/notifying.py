"""Makes inboxes show messages: an item for the person who is asked, changed copies of the task, and every copy live.

One function does all of it, since a message may be handled twice, or late. It computes what inboxes must show, and
changes only differences. The transaction of the message calls it, or the source of due work below.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property

import structlog
from django.db import transaction
from django.utils import timezone

from notifications import reasons
from notifications.cases import internal_events
from notifications.cases.messages import SOURCE_NAME, let_stand_in
from notifications.cases.visibility import have_lost
from notifications.conversation.wording import Wording
from notifications.items import inbox_items, lifetime, superseding
from notifications.items.representation import iso_utc
from notifications.models import (
    Addressee,
    AddresseeState,
    Category,
    Delivery,
    Event,
    MessageKind,
    Notification,
    NotificationState,
    Recipient,
    Task,
    TaskMessage,
)
from notifications.reasons import Reason
from notifications.routing.addressing import Addresses
from notifications.routing.plan import Plan
from notifications.types import Json
from notifications.wording import key_facts
from notifications.wording.batch_render import readable_facts
from wfpush.postgres import bulk
from wfpush.queue import outage, outbox

log = structlog.get_logger(__name__)

BATCH = 20
LEASE = timedelta(seconds=30)
RETRY = outbox.Backoff(most=timedelta(minutes=1), give_up_after=timedelta(hours=1), tries=30)
TYPE = "task.message"
SEES = (NotificationState.OPEN, NotificationState.ANSWERED, NotificationState.EXPIRED)
"""States of copies whose people see the task; people with information that is a copy see it, too."""


class Telling:
    """A message, whose task is locked. Lock `people` before `write`, with all others whom the transaction locks.

    `live`: whether copies of the task are to be sent to open inboxes; not where the transaction sends them anyway.
    """

    def __init__(
        self, message: TaskMessage, addressees: Sequence[Addressee], now: datetime, *, live: bool = True
    ) -> None:
        self.message, self.addressees, self.now, self.live = message, addressees, now, live
        self.task: Task = message.task
        self.is_first = message.told_at is None
        if self.is_first:
            let_stand_in(message, addressees, now)
        self.copies = self._copies()
        self.wording = Wording(message, self.task)
        self.plan = Plan()
        self._new: list[Notification] = []
        self._deliveries: list[Delivery] = []

    @property
    def people(self) -> set[int]:
        """Keys of the people whose inboxes will change."""
        return {each.person_id for each in self.addressees} | {copy.recipient_id for copy in self.copies}

    def _copies(self) -> list[Notification]:
        """Return the newest copy of each person who can still see the task."""
        rows = Notification.objects.filter(task=self.task).exclude(state=NotificationState.WITHDRAWN)
        rows = rows.select_related("recipient__brand", "brand", "category").order_by("recipient_id", "-created_at")
        newest: dict[int, Notification] = {}
        for row in rows:
            if row.state in SEES or row.is_copy:
                newest.setdefault(row.recipient_id, row)
        return list(newest.values())

    # --- what changes -------------------------------------------------------------------------------------------------
    def write(self) -> None:
        """Make all changes. The message and its addressees are in the database."""
        if self.is_first:
            self._tell()
        self._settle_items()
        told_at = self.message.told_at or self.now
        TaskMessage.objects.filter(pk=self.message.pk).update(told_at=told_at)

    def _tell(self) -> None:
        by_person = {copy.recipient_id: copy for copy in self.copies}
        asks = self.message.kind == MessageKind.QUESTION
        open_copies = (
            [] if asks else [by_person[each.person_id] for each in self.addressees if self._is_open(each, by_person)]
        )
        anew = {copy.recipient_id for copy in open_copies}
        left = set() if asks else have_lost(self.task, {each.person_id for each in self.addressees} - by_person.keys())
        others = [each for each in self.addressees if each.person_id not in anew | left]
        self._addresses.look_up([each.person for each in self.addressees], self._category.channels)
        for copy in open_copies:
            self._tell_anew(copy)
        for each in others:
            if not asks or self.task.answerable:
                each.item = self._make(each)
        for each in self.addressees:
            each.item = each.item or by_person.get(each.person_id)
        self.event.plan, self.event.told = self.plan.as_json(), len(self._deliveries)
        bulk.insert([self.event])
        inbox_items.create(self._new)
        self._show_copies(open_copies, [copy for copy in self.copies if copy.recipient_id not in anew])
        bulk.update(self.addressees, ["item", "person", "away"])
        bulk.insert(self._deliveries)
        if self._deliveries:
            outbox.wake_on_commit("deliveries")

    def _is_open(self, each: Addressee, by_person: dict[int, Notification]) -> bool:
        copy = by_person.get(each.person_id)
        return copy is not None and inbox_items.stands(copy)

    def _show_copies(self, open_copies: Sequence[Notification], others: Sequence[Notification]) -> None:
        """Show the message on copies, and the deadline that a pause has moved."""
        moved = []
        for notification in (*open_copies, *others):
            if inbox_items.stands(notification) and notification.due_at != self.task.deadline:
                notification.due_at = self.task.deadline
                moved.append(notification.pk)
        inbox_items.rewrite(open_copies, ["notice", "read_at", "due_at"], self.now, alert=True)
        inbox_items.rewrite([copy for copy in others if copy.pk in moved], ["due_at"], self.now, alert=False)
        rest = [copy for copy in others if copy.pk not in moved]
        if self.live:
            inbox_items.create([], refreshed=rest, now=self.now, keep=False)

    def _tell_anew(self, copy: Notification) -> None:
        copy.notice, copy.read_at = self.wording.notice(copy.recipient), None
        channels = copy.category.channels
        words = self.wording.on_channels(copy, channels)
        self._send(copy, copy.recipient, channels, words)

    def _make(self, addressee: Addressee) -> Notification:
        """Return a new item: a question waits for a reply, other items are news."""
        person, words = addressee.person, self.wording.of_item(addressee.person)
        asks = self.message.kind == MessageKind.QUESTION
        item = bulk.new(
            Notification,
            recipient=person,
            event=self.event,
            case=self.task.case,
            category=self._category,
            brand=person.brand,
            language=words.language,
            state=NotificationState.OPEN if asks else NotificationState.INFO,
            priority=self.task.priority if asks else "normal",
            title=words.title,
            body=words.body,
            short_body=words.short_body,
            notice="",
            url="" if person.external else self.task.url,
            actions=words.actions,
            details={"message": {"id": str(self.message.pk), "kind": self.message.kind}, **self._facts_for(person)},
            created_at=self.now,
            updated_at=self.now,
            reason_fact=self._why.as_json(),
        )
        item.on_behalf_of = addressee.away
        self._new.append(item)
        self._send(item, person, self._category.channels, {})
        return item

    def _facts_for(self, person: Recipient) -> Json:
        """Return the key facts of the task, as a colleague's copy keeps them."""
        facts = next((key_facts.facts_in(copy) for copy in self.copies if not copy.recipient.external), ())
        return key_facts.stored(readable_facts(facts, person.brand, external=person.external))

    def _send(self, item: Notification, person: Recipient, channels: Sequence[str], words: dict[str, Json]) -> None:
        until = lifetime.worth_until(item.due_at, self.now)
        rows = self._addresses.deliveries(item, person, channels, words, until)
        self.plan.add(person, item, "", self._why, rows)
        self._deliveries += rows

    # --- questions that are over, or open again -----------------------------------------------------------------------
    def _settle_items(self) -> None:
        by_state: defaultdict[str, list[tuple[Addressee, Notification]]] = defaultdict(list)
        for each in self.addressees:
            if each.item is not None and each.item.task_id is None and each.item.actions:
                by_state[each.state].append((each, each.item))
        asked = by_state[AddresseeState.ASKED]
        if not self.task.answerable:
            self._withdraw(asked, reasons.DECIDED_MEANWHILE())
        self._withdraw(by_state[AddresseeState.OVER], reasons.REPLIED_MEANWHILE())
        reopened = asked if self.task.answerable else []
        items = [item for _, item in reopened if item.state == NotificationState.WITHDRAWN]
        inbox_items.change_all(items, self.now, state=NotificationState.OPEN, reason_fact=self._why.as_json())
        for each, item in by_state[AddresseeState.REPLIED]:
            if item.state != NotificationState.ANSWERED:
                replies = TaskMessage.objects.filter(reply_to=self.message, author=each.person).order_by("number")
                close_item(item, replies.select_related("author", "reply_to__author")[:1].get(), self.now)

    def _withdraw(self, over: Sequence[tuple[Addressee, Notification]], why: Reason) -> None:
        """Withdraw open items. Tokens stay, since a person who has written a reply already may still send it."""
        items = [item for _, item in over if item.state == NotificationState.OPEN]
        inbox_items.change_all(items, self.now, state=NotificationState.WITHDRAWN, reason_fact=why.as_json())
        superseding.supersede([item.pk for item in items], why, self.now)

    # --- the event ----------------------------------------------------------------------------------------------------
    @cached_property
    def event(self) -> Event:
        files = [attachment.name for attachment in self.message.attachments.all()]
        content: Json = {"id": str(self.message.pk), "kind": self.message.kind, "by": self.message.by}
        content |= {"files": files} if files else {}
        subject = f"message/{self.message.pk}"
        return internal_events.about_task(self.task, TYPE, subject, self.now, time=self.message.at, message=content)

    @cached_property
    def _addresses(self) -> Addresses:
        return Addresses(self.event, self.now)

    @cached_property
    def _why(self) -> Reason:
        by, asks = self.message.by, self.message.kind == MessageKind.QUESTION
        if by is None:
            return reasons.ASKED_BY_ENGINE() if asks else reasons.WRITTEN_TO_BY_ENGINE()
        return (reasons.ASKED_BY if asks else reasons.WRITTEN_TO)(name=by["name"])

    @cached_property
    def _category(self) -> Category:
        """The category of the task's copies. Raises DoesNotExist."""
        return self.copies[0].category if self.copies else Category.objects.order_by("pk")[:1].get()


def close_item(item: Notification, reply: TaskMessage, now: datetime) -> None:
    """Close the item of a person who has replied, and who is locked."""
    assert reply.author is not None and reply.reply_to is not None  # somebody's reply to a question
    outcome: Json = {
        "action": "reply",
        "by": reply.author.as_person(),
        "at": iso_utc(reply.at),
        "detail": "",
        "to": reply.reply_to.by,
        "late": reply.late,
    }
    read_at = item.read_at or now
    inbox_items.change_all([item], now, state=NotificationState.ANSWERED, outcome=outcome, read_at=read_at)
    superseding.supersede([item.pk], reasons.TASK_ANSWERED(), now)


def tell(message: TaskMessage, addressees: Sequence[Addressee], now: datetime, *, also: Iterable[int] = ()) -> None:
    """Show the message, in its transaction, with its task locked. `also`: others whose inboxes change there."""
    telling = Telling(message, addressees, now)
    inbox_items.lock(telling.people.union(also))
    telling.write()


# --- the outbox's source ----------------------------------------------------------------------------------------------
def has_due(now: datetime) -> bool:
    return outbox.due(TaskMessage.objects.all(), now).exists()


def drain() -> None:
    """Show due messages, for one turn; if something is left, the source is woken again."""
    end = time.monotonic() + outbox.TURN_SECONDS
    while time.monotonic() < end:
        claimed = outbox.claim(TaskMessage.objects.all(), limit=BATCH, lease=LEASE, now=timezone.now())
        if not claimed:
            return
        for message in sorted(claimed, key=lambda each: (each.at, each.number)):
            _run(message, timezone.now())
    outbox.source_named(SOURCE_NAME).wake()


class LeaseLost(Exception):
    """Raised when another worker has the message now; the changes are rolled back."""


def _run(claimed: TaskMessage, now: datetime) -> None:
    try:
        _show(claimed, now)
    except LeaseLost:
        log.warning("message_lease_lost", message=str(claimed.pk))
    except Exception as fault:  # whatever the fault is, it must cost one message at most
        if outage.database_is_away(fault):
            raise
        log.exception("message_not_shown", message=str(claimed.pk))
        outbox.postpone(claimed, RETRY.next_at(claimed.attempts, claimed.at, now))


@transaction.atomic
def _show(claimed: TaskMessage, now: datetime) -> None:
    tasks = Task.objects.select_for_update(no_key=True, of=("self",))
    task = tasks.select_related("engine", "case").get(pk=claimed.task_id)
    message = TaskMessage.objects.select_related("author").get(pk=claimed.pk)
    message.task = task
    tell(message, addressees_of(message), now)
    if not outbox.finish(claimed):
        raise LeaseLost


def addressees_of(message: TaskMessage) -> list[Addressee]:
    """Return the addressees, with the rows that notifying them needs."""
    people = Addressee.objects.filter(message=message).select_related("person__brand", "away", "item")
    return list(people.order_by("person_id"))


SOURCES = (outbox.Source(SOURCE_NAME, "cluster", has_due, drain),)
