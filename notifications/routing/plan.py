"""The trace of an event: the routes tried, the messages to people with their reasons, and the warnings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifications.items import plans
from notifications.models import Delivery, Notification, Recipient
from notifications.reasons import Reason
from notifications.routing.route import Match, Unresolved
from notifications.types import Json


@dataclass
class Plan:
    """The trace of one event, stored with it."""

    routes: list[Json] = field(default_factory=list)
    recipients: list[Json] = field(default_factory=list)
    unresolved: list[Json] = field(default_factory=list)
    warnings: list[Reason] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)
    more: int = 0
    """Number of notified people whom the trace does not list."""

    def as_json(self) -> Json:
        return plans.stored(
            {
                "routes": self.routes,
                "recipients": self.recipients,
                "unresolved": self.unresolved,
                "more": self.more,
                "warnings_facts": [warning.as_json() for warning in self.warnings],
                "notes_facts": [note.as_json() for note in self.notes],
            }
        )

    def tried(self, matches: Iterable[Match]) -> None:
        self.routes += [
            {
                "route": match.route.pk,
                "name": match.route.name,
                "matched": match.matched,
                "reason_fact": match.reason.as_json(),
            }
            for match in matches
        ]

    def unknown(self, names: Iterable[Unresolved]) -> None:
        self.unresolved += [{"ref": entry.ref, "reason_fact": entry.reason.as_json()} for entry in names]

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
        if len(self.recipients) >= plans.MOST_NAMED:
            self.more += 1
            return
        self.recipients.append(
            {
                **recipient.as_person(),
                "recipient": recipient.pk,
                "route": route,
                "reason_fact": reason.as_json(),
                "notification": str(notification.pk),
                "title": notification.title,
                "channels": [
                    {
                        "channel": delivery.channel,
                        "to": delivery.to,
                        "turn": delivery.turn,
                        "state": delivery.state,
                        "reason_fact": delivery.reason_fact,
                    }
                    for delivery in deliveries
                ],
            }
        )
