"""Makes copies and deliveries for the people of an event, and records in the plan who gets which message and why."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from notifications import reasons
from notifications.items import inbox_items, lifetime, superseding
from notifications.models import (
    Brand,
    Case,
    Delivery,
    DeliveryState,
    Event,
    Notification,
    NotificationState,
    Priority,
    Recipient,
    Task,
    TemplateVersion,
)
from notifications.reasons import NOTHING, Reason
from notifications.routing import task_contents
from notifications.routing.addressing import Addresses, Contacts
from notifications.routing.plan import Plan
from notifications.routing.route import Manner, MessageRecipient
from notifications.routing.task_contents import TaskContents
from notifications.types import Json, behaviour_of, object_in, text_in
from notifications.wording import batch_render, key_facts, proof_needed
from notifications.wording.key_facts import KeyFact
from notifications.wording.plaintext import clean_line
from wfpush.postgres import bulk
from wfpush.postgres.bulk import pipelined

AT_ONCE = 1_000
"""Maximum number of people of one event whose copies are in memory together."""

SEVERITY_PRIORITY = {"critical": Priority.URGENT, "error": Priority.HIGH, "warning": Priority.NORMAL}
OWNED = [
    "escalated",
    "reason_fact",
    "on_behalf_of",
    "category",
    "route",
    "brand",
    "template_version",
    "answer_from_email",
    "answer_from_push",
]
ALERT_FIELDS = ["read_at", "snoozed_until"]
WORDED = [
    "title",
    "body",
    "short_body",
    "notice",
    "language",
    "actions",
    "state",
    "priority",
    "url",
    "due_at",
    "details",
    "revision",
    "revised_from",
    "revised_at",
]


@dataclass
class Planner:
    """Makes the copies and deliveries of one event."""

    event: Event
    task: Task | None
    case: Case | None
    writer: batch_render.Writer
    plan: Plan
    now: datetime
    is_task: bool
    """True if copies ask for the task's answer."""
    contacts: Contacts = field(default_factory=Contacts)
    made: list[Notification] = field(default_factory=list)
    alerted: list[Notification] = field(default_factory=list)
    handed_over: list[Notification] = field(default_factory=list)
    reworded: dict[Notification, dict[str, Json]] = field(default_factory=dict)
    """The new texts of channels that have their own, by copy."""
    words: dict[Notification, dict[str, Json]] = field(default_factory=dict)
    """The new texts of channels, by copy of which a new message is sent, too: for older messages that devices show."""
    withdrawn: dict[Notification, Reason] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    left: Sequence[MessageRecipient] = ()
    """More people than are to be in memory together: they must be locked before `save`, which makes their copies and
    completes the plan."""
    _details_of: dict[batch_render.Wording, Json] = field(default_factory=dict)
    _actions_of: dict[tuple[batch_render.Wording, bool, int], list[Json]] = field(default_factory=dict)
    colleagues: set[int] = field(default_factory=set)
    """Everybody who has the task, or gets it: the people that the others can ask."""

    def __post_init__(self) -> None:
        self.addresses = Addresses(self.event, self.now, self.contacts)
        task = self.task if self.is_task else None
        self.contents = TaskContents(self.event, task, self.writer.facts, self.now)

    @property
    def new_recipients(self) -> set[int]:
        """The keys of the people whose copies are new."""
        return {row.recipient_id for row in self.made} | {addressee.recipient.pk for addressee in self.left}

    # --- new copies ------------------------------------------------------------------------------
    def parts(self) -> Iterator[None]:
        """Make the remaining copies, part by part. The caller saves each part before it asks for the next."""
        for start in range(0, len(self.left), AT_ONCE):
            self.addresses = Addresses(self.event, self.now)  # with the contacts of these people only
            self.make(self.left[start : start + AT_ONCE])
            yield
        self.left = ()

    def make(self, addressed: Sequence[MessageRecipient]) -> None:
        """Make new copies, for `save`."""
        if not addressed:
            return
        versions = batch_render.published_versions()
        self._look_up([(addressee.recipient, addressee.manner.channels) for addressee in addressed])
        blanks: dict[Hashable, Notification] = {}
        for addressee in addressed:
            notification, words = self._copy(addressee, versions, blanks)
            rows = self._deliveries(notification, addressee.manner.channels, words, critical=addressee.manner.critical)
            self.plan.add(addressee.recipient, notification, addressee.manner.name, addressee.reason, rows)
            self.made.append(notification)
            self.deliveries += rows

    def _copy(
        self, addressed: MessageRecipient, versions: Mapping[int, TemplateVersion], blanks: dict[Hashable, Notification]
    ) -> tuple[Notification, dict[str, Json]]:
        recipient, manner = addressed.recipient, addressed.manner
        version = manner.version or versions.get(manner.template_id or 0)
        brand = manner.brand or recipient.brand
        wording = self.writer.write(version, recipient, brand, manner.channels)
        self.plan.warn(wording.warnings)
        notice = self._notice(manner, recipient, brand)
        blank_key = (id(manner), wording, notice, version, brand)
        if blank_key not in blanks:
            blanks[blank_key] = self._blank(manner, wording, notice, version, brand)
        fact = addressed.reason.as_json()
        notification = bulk.another(blanks[blank_key], recipient=recipient, reason_fact=fact)
        if notification.actions:
            notification.actions = self._actions(wording, recipient, notification)
        if addressed.on_behalf_of is not None:
            notification.on_behalf_of = addressed.on_behalf_of
        return notification, wording.words

    def _blank(
        self,
        manner: Manner,
        wording: batch_render.Wording,
        notice: str,
        version: TemplateVersion | None,
        brand: Brand | None,
    ) -> Notification:
        """Return a copy without a recipient."""
        asks = self.is_task and bool(wording.actions)
        notification = bulk.new(
            Notification,
            event=self.event,
            task=self.task,
            case=self.case,
            category=manner.category,
            route=manner.route,
            template_version=version,
            brand=brand,
            answer_from_email=manner.answer_from_email,
            answer_from_push=manner.answer_from_push,
            escalated=manner.escalated,
            is_copy=self.is_task,
            outcome=self.task.outcome if self.task and asks else None,
            revision=self.contents.revision(version),
            created_at=self.now,
            updated_at=self.now,
        )
        self._word(notification, wording, asks, notice)
        return notification

    def _actions(self, wording: batch_render.Wording, recipient: Recipient, copy: Notification) -> list[Json]:
        """Return the actions for the recipient, without questions if the recipient could ask nobody. Copies of a
        category share one list. Those that have to be signed are marked."""
        can_ask = self.task is None or self._is_somebody_to_ask(self.task, recipient)
        key = (wording, can_ask, copy.category_id)
        if key not in self._actions_of:
            actions = wording.actions_json if can_ask else wording.actions_without_questions
            copy.task = self.task  # rules read it, and a stored copy would query it
            self._actions_of[key] = proof_needed.marked(copy, actions)
        return self._actions_of[key]

    def _is_somebody_to_ask(self, task: Task, asker: Recipient) -> bool:
        """Return whether the active initiator or another person with the task is there to be asked."""
        initiator = task.initiator
        if initiator is not None and initiator.active and initiator.pk != asker.pk:
            return True
        return any(colleague != asker.pk for colleague in self.colleagues)

    def _notice(self, manner: Manner, recipient: Recipient, brand: Brand | None) -> str:
        """Return the lock-screen text of a reminder's or an escalation's template; empty without one."""
        if manner.notice is None:
            return ""
        wording = self.writer.write(manner.notice, recipient, brand, ())
        self.plan.warn(wording.warnings)
        return clean_line(wording.short_body) or wording.title

    def _word(self, notification: Notification, wording: batch_render.Wording, asks: bool, notice: str = "") -> None:
        facts = self.writer.facts
        notification.title, notification.body = wording.title, wording.body
        notification.short_body, notification.notice = wording.short_body, notice
        notification.language = wording.language
        notification.actions = wording.actions_json if asks else []
        notification.state = NotificationState.OPEN if asks else NotificationState.INFO
        notification.priority = self._priority(facts)
        notification.details = self._details(wording)
        own_url = self.task.url if self.task is not None else ""
        notification.url = own_url or text_in(object_in(facts, "case"), "url", 2000)
        notification.due_at = self.task.deadline if self.task and self.is_task else None
        self.contents.stored.add(notification.revision)
        revision = self.contents.revision(notification.template_version)
        if revision and revision != notification.revision:
            notification.revised_from, notification.revision = notification.revision, revision
            notification.revised_at = self.now

    def _details(self, wording: batch_render.Wording) -> Json:
        """Return one object for all copies of a wording: frames are made once for it."""
        if wording not in self._details_of:
            self._details_of[wording] = details_of(self.writer.facts, wording.key_facts)
        return self._details_of[wording]

    def _priority(self, facts: Json) -> str:
        if self.is_task and self.task is not None:
            return self.task.priority
        severity = object_in(facts, "exception").get("severity")
        if behaviour_of(self.event.type) == "exception.raised" and severity in SEVERITY_PRIORITY:
            return SEVERITY_PRIORITY[severity].value
        return Priority.NORMAL.value

    # --- deliveries ------------------------------------------------------------------------------
    def _deliveries(
        self, notification: Notification, channels: Sequence[str], words: dict[str, Json], *, critical: bool = False
    ) -> list[Delivery]:
        until = lifetime.worth_until(notification.due_at, self.now)
        person = notification.recipient
        return self.addresses.deliveries(notification, person, channels, words, until, critical=critical)

    def _look_up(self, people: Sequence[tuple[Recipient, Sequence[str]]]) -> None:
        channels = {channel for _, names in people for channel in names}
        self.addresses.look_up([recipient for recipient, _ in people], channels)

    # --- existing copies: changed in memory, for `save` -------------------------------------------
    def remind(self, rows: Sequence[Notification], manner: Manner, why: Mapping[int, Reason]) -> None:
        """Send a reminder for open copies: the notice of `manner` stands above the task's own text until the task
        changes.

        `why` has a reason for each person.
        """
        self.alerted += rows
        self._look_up([(row.recipient, manner.channels) for row in rows])
        for row in rows:
            row.notice = self._notice(manner, row.recipient, row.brand)
            words = self.writer.words(row.template_version, row.recipient, row.brand, manner.channels)
            self._alert(row, manner, why[row.recipient_id], words)

    def _alert(self, row: Notification, manner: Manner, why: Reason, words: dict[str, Json]) -> None:
        row.read_at = row.snoozed_until = None  # a new message brings the item back
        deliveries = self._deliveries(row, manner.channels, words, critical=manner.critical)
        self.plan.add(row.recipient, row, manner.name, why, deliveries)
        self.deliveries += deliveries

    def hand_over(self, rows: Sequence[Notification], addressed: Mapping[int, MessageRecipient]) -> None:
        """Turn copies of people who only knew that the task runs late into copies of people who now have it."""
        versions = batch_render.published_versions()
        self.handed_over += rows
        self._look_up([(row.recipient, addressed[row.recipient_id].manner.channels) for row in rows])
        for row in rows:
            addressee = addressed[row.recipient_id]
            row.escalated, row.on_behalf_of = False, addressee.on_behalf_of
            row.reason_fact = addressee.reason.as_json()
            row.category, row.route = addressee.manner.category, addressee.manner.route
            row.brand = addressee.manner.brand or addressee.recipient.brand
            row.template_version = versions.get(addressee.manner.template_id or 0)
            row.answer_from_email = addressee.manner.answer_from_email
            row.answer_from_push = addressee.manner.answer_from_push
            wording = self.writer.write(row.template_version, row.recipient, row.brand, addressee.manner.channels)
            self.plan.warn(wording.warnings)
            self._word(row, wording, asks=bool(wording.actions))
            row.actions = self._actions(wording, row.recipient, row)
            self.words[row] = wording.words
            self._alert(row, addressee.manner, addressee.reason, wording.words)

    def rewrite(self, rows: Sequence[Notification], *, alert: Reason = NOTHING, keeps_notice: bool = False) -> None:
        """Reword open copies by their own template versions. `alert`: why other channels send a message, too.
        `keeps_notice`: the notice above the text stays."""
        deliveries: list[Delivery] = []
        if alert:
            self._look_up([(row.recipient, row.category.channels) for row in rows])
        for row in rows:
            channels = row.category.channels
            wording = self.writer.write(row.template_version, row.recipient, row.brand, channels)
            self.plan.warn(wording.warnings)
            self._word(row, wording, asks=bool(wording.actions), notice=row.notice if keeps_notice else "")
            row.actions = self._actions(wording, row.recipient, row)
            if alert:
                row.read_at = row.snoozed_until = None
                self.alerted.append(row)
                self.words[row] = wording.words
                deliveries += self._deliveries(row, channels, wording.words)
            else:
                self.reworded[row] = wording.words
        self.deliveries += deliveries
        self.plan.changed(rows, alert or reasons.CHANGED(), deliveries)

    def withdraw(self, rows: Sequence[Notification], reason: Reason) -> None:
        for row in rows:
            row.outcome = None
        deliveries = inbox_items.live_rows(self.event, rows, self.now, reason)
        self.withdrawn |= dict.fromkeys(rows, reason)
        self.deliveries += deliveries
        self.plan.changed(rows, reason, deliveries)

    @property
    def changed(self) -> Iterable[Notification]:
        """Existing copies that were changed, in the order in which they get new numbers."""
        return (*self.withdrawn, *self.handed_over, *self.alerted, *self.reworded)


def save(planners: Sequence[Planner], now: datetime, *, refreshed: Sequence[Notification] = ()) -> None:
    """Save all new and changed rows: inboxes, and rows of the ledger. `refreshed`: further copies of which inboxes show
    more than before."""
    if len(planners) > 1 and any(planner.left for planner in planners):
        for planner in planners:  # one after the other, so that items are numbered in the order of the events
            save([planner], now)
        return
    task_contents.save(planner.contents for planner in planners)
    if any(planner.changed for planner in planners):
        _save_changed(planners, now)
    with pipelined():
        inbox_items.create([row for planner in planners for row in planner.made], refreshed=refreshed, now=now)
        bulk.insert([row for planner in planners for row in planner.deliveries])
    for planner in planners:
        planner.made, planner.alerted, planner.handed_over, planner.deliveries = [], [], [], []
        planner.reworded, planner.words, planner.withdrawn = {}, {}, {}
        for _ in planner.parts():
            with pipelined():
                task_contents.save([planner.contents])
                inbox_items.create(planner.made, keep=False)
                bulk.insert(planner.deliveries)
            planner.made, planner.deliveries = [], []


def _save_changed(planners: Sequence[Planner], now: datetime) -> None:
    """Save the existing copies that were changed, and what it means for their messages."""
    inbox_items.withdraw({row: why for planner in planners for row, why in planner.withdrawn.items()}, now)
    handed_over = [row for planner in planners for row in planner.handed_over]
    inbox_items.rewrite(handed_over, [*WORDED, *OWNED, *ALERT_FIELDS], now, alert=True)
    alerted = [row for planner in planners for row in planner.alerted]
    inbox_items.rewrite(alerted, [*WORDED, *ALERT_FIELDS], now, alert=True)
    superseding.supersede_held(_with_messages([*handed_over, *alerted], planners), now)
    reworded = {row: words for planner in planners for row, words in planner.reworded.items()}
    renewed = {row: words for planner in planners for row, words in planner.words.items()}
    superseding.reword({row.pk: words for row, words in (reworded | renewed).items()})
    inbox_items.rewrite([*reworded], WORDED, now, alert=False)


def _with_messages(rows: Sequence[Notification], planners: Sequence[Planner]) -> set[UUID]:
    """Return the ids of the copies about which another channel than the inbox sends a message."""
    alerted_ids = {row.pk for row in rows}
    sent = (row for planner in planners for row in planner.deliveries if row.state == DeliveryState.PENDING)
    return {row.notification_id for row in sent if row.notification_id in alerted_ids} if alerted_ids else set()


def details_of(event_facts: Json, facts: Sequence[KeyFact]) -> Json:
    """Return what a notification stores for display besides its texts: location, customer and documents, only in the
    form of docs/api/inbox.md, and key facts."""
    details: Json = {
        name: _plain(event_facts[name]) for name in ("location", "customer") if object_in(event_facts, name)
    }
    documents = event_facts.get("documents")
    if isinstance(documents, list):
        details["documents"] = [_plain(entry) for entry in documents if isinstance(entry, dict) and entry.get("url")]
    return {**details, **key_facts.stored(facts)}


def _plain(part: Json) -> Json:
    """Return the part without deceptive characters in names, titles and addresses; refs and links are unchanged."""
    shown = ("name", "title", "address")
    return {
        name: clean_line(value) if name in shown and isinstance(value, str) else value for name, value in part.items()
    }
