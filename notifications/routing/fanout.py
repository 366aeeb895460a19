"""Makes copies and deliveries for the people of an event, and records who gets what and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from notifications import reasons
from notifications.items import inbox_items, ledger, lifetime
from notifications.models import (
    Case,
    Delivery,
    Event,
    Notification,
    NotificationState,
    Priority,
    Recipient,
    Task,
    TemplateVersion,
)
from notifications.reasons import NOTHING, Reason
from notifications.routing.addressing import Addresses, Devices
from notifications.routing.route import Addressed, Manner, Match, Unresolved
from notifications.types import Json, behaviour_of, object_in, text_in
from notifications.wording import batch_render
from notifications.wording.plaintext import clean_line
from wfpush.postgres import bulk

"""How long an undelivered message is tried; one about a task until a day after the due date, if that is later."""

SEVERITY_PRIORITY = {"critical": Priority.URGENT, "error": Priority.HIGH, "warning": Priority.NORMAL}
OWNED = [
    "escalated",
    "reason",
    "reason_fact",
    "on_behalf_of",
    "category",
    "route",
    "brand",
    "template_version",
    "answer_from_email",
    "answer_from_push",
]
WORDED = ["title", "body", "short_body", "actions", "state", "priority", "url", "due_at", "details"]


@dataclass
class Plan:
    """The trace of one event, stored with it."""

    routes: list[Json] = field(default_factory=list)
    recipients: list[Json] = field(default_factory=list)
    unresolved: list[Json] = field(default_factory=list)
    warnings: list[Reason] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        return bool(self.recipients)

    def as_json(self) -> Json:
        return {
            "routes": self.routes,
            "recipients": self.recipients,
            "unresolved": self.unresolved,
            **reasons.kept_list("warnings", self.warnings),
            **reasons.kept_list("notes", self.notes),
        }

    def tried(self, matches: Iterable[Match]) -> None:
        self.routes += [
            {
                "route": each.route.pk,
                "name": each.route.name,
                "matched": each.matched,
                **reasons.kept("reason", each.reason),
            }
            for each in matches
        ]

    def unknown(self, names: Iterable[Unresolved]) -> None:
        self.unresolved += [{"ref": each.ref, **reasons.kept("reason", each.reason)} for each in names]

    def warn(self, warnings: Iterable[Reason]) -> None:
        self.warnings += [warning for warning in warnings if warning not in self.warnings]

    def changed(self, rows: Iterable[Notification], reason: Reason, deliveries: Sequence[Delivery]) -> None:
        by_notification: dict[Any, list[Delivery]] = {}
        for delivery in deliveries:
            by_notification.setdefault(delivery.notification_id, []).append(delivery)
        for row in rows:
            self.add(row.recipient, row, "", reason, by_notification.get(row.pk, []))

    def add(
        self,
        recipient: Recipient,
        notification: Notification,
        route: str,
        reason: Reason,
        deliveries: Sequence[Delivery],
    ) -> None:
        self.recipients.append(
            {
                **recipient.as_person(),
                "recipient": recipient.pk,
                "route": route,
                **reasons.kept("reason", reason),
                "notification": str(notification.pk),
                "title": notification.title,
                "channels": [
                    {
                        "channel": each.channel,
                        "to": each.to,
                        "turn": each.turn,
                        "state": each.state,
                        "reason": each.reason,
                        "reason_fact": each.reason_fact,
                    }
                    for each in deliveries
                ],
            }
        )


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
    """Whether copies ask for the task's answer."""
    devices: Devices = field(default_factory=dict)
    made: list[Notification] = field(default_factory=list)
    told_anew: list[Notification] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.addresses = Addresses(self.event, self.now, self.devices)

    # --- new copies ------------------------------------------------------------------------------
    def make(self, addressed: Sequence[Addressed]) -> None:
        """Make new copies, for `save`."""
        if not addressed:
            return
        versions = batch_render.published_versions()
        self._look_up([(each.recipient, each.manner.channels) for each in addressed])
        for each in addressed:
            notification, words = self._copy(each, versions)
            mine = self._deliveries(notification, each.recipient, each.manner.channels, words)
            self.plan.add(each.recipient, notification, each.manner.name, each.reason, mine)
            self.made.append(notification)
            self.deliveries += mine

    def _copy(
        self, addressed: Addressed, versions: Mapping[int, TemplateVersion]
    ) -> tuple[Notification, dict[str, Json]]:
        recipient, manner = addressed.recipient, addressed.manner
        version = manner.version or versions.get(manner.template_id or 0)
        brand = manner.brand or recipient.brand
        wording = self.writer.write(version, recipient, brand, manner.channels)
        self.plan.warn(wording.warnings)
        asks = self.is_task and bool(wording.actions)
        notification = Notification(
            recipient=recipient,
            event=self.event,
            task=self.task,
            case=self.case,
            category=manner.category,
            route=manner.route,
            template_version=version,
            brand=brand,
            language=wording.language,
            answer_from_email=manner.answer_from_email,
            answer_from_push=manner.answer_from_push,
            on_behalf_of=addressed.on_behalf_of,
            escalated=manner.escalated,
            is_copy=self.is_task,
            outcome=self.task.outcome if self.task and asks else None,
            **reasons.kept("reason", addressed.reason),
            created_at=self.now,
            updated_at=self.now,
        )
        self._word(notification, wording, asks)
        return notification, wording.words

    def _word(self, notification: Notification, wording: batch_render.Wording, asks: bool) -> None:
        facts = self.writer.facts
        notification.title, notification.body = wording.title, wording.body
        notification.short_body = wording.short_body
        notification.actions = [action.as_json() for action in wording.actions] if asks else []
        notification.state = NotificationState.OPEN if asks else NotificationState.INFO
        notification.priority = self._priority(facts)
        notification.details = details_of(facts)
        notification.url = self._url(facts)
        notification.due_at = self.task.deadline if self.task and self.is_task else None

    def _priority(self, facts: Json) -> str:
        if self.is_task and self.task is not None:
            return self.task.priority
        severity = object_in(facts, "exception").get("severity")
        if behaviour_of(self.event.type) == "exception.raised" and severity in SEVERITY_PRIORITY:
            return SEVERITY_PRIORITY[severity].value
        return Priority.NORMAL.value

    def _url(self, facts: Json) -> str:
        if self.task is not None and self.task.url:
            return self.task.url
        return text_in(object_in(facts, "case"), "url", 2000)

    # --- deliveries ------------------------------------------------------------------------------
    def _deliveries(
        self, notification: Notification, recipient: Recipient, channels: Sequence[str], words: dict[str, Json]
    ) -> list[Delivery]:
        return self.addresses.deliveries(
            notification, recipient, channels, words, lifetime.worth_until(notification.due_at, self.now)
        )

    def _look_up(self, people: Sequence[tuple[Recipient, Sequence[str]]]) -> None:
        channels = {channel for _, names in people for channel in names}
        self.addresses.look_up([recipient for recipient, _ in people], channels)

    # --- copies that are there -------------------------------------------------------------------
    def remind(self, rows: Sequence[Notification], manner: Manner, why: Mapping[int, Reason]) -> None:
        """Reminders: open copies with a new message, worded as `manner` says until the task changes, for `save`.

        `why` has a reason for each person.
        """
        self._look_up([(row.recipient, manner.channels) for row in rows])
        for row in rows:
            wording = self.writer.write(manner.version, row.recipient, row.brand, manner.channels)
            self.plan.warn(wording.warnings)
            self._word(row, wording, asks=bool(wording.actions))
            row.read_at = None
            mine = self._deliveries(row, row.recipient, manner.channels, wording.words)
            self.plan.add(row.recipient, row, manner.name, why[row.recipient_id], mine)
            self.told_anew.append(row)
            self.deliveries += mine

    def hand_over(self, escalated: QuerySet[Notification], addressed: Sequence[Addressed]) -> set[int]:
        """Copies of people who had only been told of the task become copies of people who have it. Returns whose."""
        now_theirs = {each.recipient.pk: each for each in addressed}
        rows = list(escalated.filter(recipient_id__in=now_theirs).select_related("recipient__brand", "case"))
        if not rows:
            return set()
        versions = batch_render.published_versions()
        for row in rows:
            each = now_theirs[row.recipient_id]
            row.escalated, row.on_behalf_of = False, each.on_behalf_of
            row.reason, row.reason_fact = reasons.kept("reason", each.reason).values()
            row.category, row.route = each.manner.category, each.manner.route
            row.brand = each.manner.brand or each.recipient.brand
            row.template_version = versions.get(each.manner.template_id or 0)
            row.answer_from_email = each.manner.answer_from_email
            row.answer_from_push = each.manner.answer_from_push
            manner = replace(each.manner, version=row.template_version)
            self.remind([row], manner, {row.recipient_id: each.reason})
        save([self], self.now, also=OWNED)
        return {row.recipient_id for row in rows}

    def rewrite(self, open_copies: QuerySet[Notification], *, alert: Reason = NOTHING) -> None:
        """Reword open copies by their own template version. `alert`: why other channels send a message, too."""
        rows = list(
            open_copies.select_related(
                "recipient__brand", "recipient__manager", "brand", "template_version__template", "category", "route"
            )
            .prefetch_related("template_version__texts", "template_version__actions")
            .order_by("recipient_id")
        )
        deliveries: list[Delivery] = []
        if alert:
            self._look_up([(row.recipient, row.category.channels) for row in rows])
        for row in rows:
            channels = row.category.channels
            wording = self.writer.write(row.template_version, row.recipient, row.brand, channels)
            self.plan.warn(wording.warnings)
            self._word(row, wording, asks=bool(wording.actions))
            row.read_at = None if alert else row.read_at
            if alert:
                deliveries += self._deliveries(row, row.recipient, channels, wording.words)
            else:
                ledger.reword(row, wording.words)
        inbox_items.rewrite(rows, [*WORDED, "read_at"] if alert else WORDED, self.now, alert=bool(alert))
        Delivery.objects.bulk_create(deliveries, batch_size=500)
        self.plan.changed(rows, alert or reasons.CHANGED(), deliveries)

    def withdraw(self, notifications: QuerySet[Notification], reason: Reason) -> None:
        rows = inbox_items.withdraw(notifications, reason, self.now)
        self.plan.changed(rows, reason, inbox_items.record_live(self.event, rows, self.now, reason))


def save(
    planners: Sequence[Planner],
    now: datetime,
    *,
    also: Sequence[str] = (),
    seen_anew: Sequence[Notification] = (),
) -> None:
    """Save all that was made: inboxes, and rows of the ledger. `also`: fields of copies that changed besides the
    texts. `seen_anew`: further copies, of which inboxes show more now."""
    inbox_items.create([row for planner in planners for row in planner.made], seen_anew=seen_anew, now=now)
    told_anew = [row for planner in planners for row in planner.told_anew]
    inbox_items.rewrite(told_anew, [*WORDED, *also, "read_at"], now, alert=True)
    bulk.insert([row for planner in planners for row in planner.deliveries])
    for planner in planners:
        planner.made, planner.told_anew, planner.deliveries = [], [], []


def details_of(facts: Json) -> Json:
    """Location, customer and documents for display, only in the form of docs/api.md."""
    details: Json = {}
    for name in ("location", "customer"):
        if object_in(facts, name):
            details[name] = _plain(facts[name])
    documents = facts.get("documents")
    if isinstance(documents, list):
        details["documents"] = [_plain(each) for each in documents if isinstance(each, dict) and each.get("url")]
    variables = object_in(facts, "variables")
    if variables:
        details["variables"] = variables
    exception = object_in(facts, "exception")
    if exception:
        details["exception"] = exception
    return details


def _plain(said: Json) -> Json:
    """Names, titles and addresses without characters that could deceive readers; refs and links unchanged."""
    shown = ("name", "title", "address")
    return {
        name: clean_line(value) if name in shown and isinstance(value, str) else value for name, value in said.items()
    }
