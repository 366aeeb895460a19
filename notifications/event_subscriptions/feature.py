"""Event subscriptions: other systems hear what happens to messages and tasks, by signed CloudEvents.

`triggers` records what happened, for each subscription that wants it. `bodies` writes the events, and `sending` sends
them like callbacks. `admin` has the desk's subscriptions, their secrets, and the events that were given up.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    Columns,
    DeskList,
    OverviewPanel,
    PersonalData,
    Rights,
    StaleRows,
)
from notifications.event_subscriptions import sending
from notifications.event_subscriptions.models import OutgoingEvent, OutgoingState
from wfpush.features import Feature
from wfpush.identifiers import lowest_id
from wfpush.observability.additions import Queue
from wfpush.observability.services import Kinds

SUBSCRIPTION, SECRET = "event_subscriptions.eventsubscription", "event_subscriptions.subscriptionsecret"
EVENT = "event_subscriptions.outgoingevent"


def _delivered_before(time: datetime) -> QuerySet[OutgoingEvent]:
    return OutgoingEvent.objects.filter(pk__lt=lowest_id(time), state=OutgoingState.DELIVERED)


def _undelivered_before(time: datetime) -> QuerySet[OutgoingEvent]:
    """Return events that were given up, or that wait for a subscription that is switched off."""
    return OutgoingEvent.objects.filter(pk__lt=lowest_id(time)).exclude(state=OutgoingState.DELIVERED)


FEATURE = Feature(
    name="event_subscriptions",
    adds=[
        *sending.SOURCES,
        Kinds(sending.kinds),
        Queue("outgoing_events", OutgoingEvent, Q(subscription__active=True)),
        StaleRows("delivered outgoing events", _delivered_before, timedelta(days=7)),
        StaleRows("undelivered outgoing events", _undelivered_before, timedelta(days=30)),
        DeskList("engines", SUBSCRIPTION, after="notifications.engine"),
        DeskList("ledger", EVENT, after="notifications.callback", icon="share"),
        OverviewPanel(SUBSCRIPTION, "notifications.event_subscriptions.admin.panel"),
        *roles.on_configuration(SUBSCRIPTION),
        Rights(roles.CONNECTION_OWNERS, [SUBSCRIPTION]),
        Rights(roles.ADMINISTRATORS, [SECRET], ["view", "add"]),
        Rights(roles.CONNECTION_OWNERS, [SECRET], ["view", "add"]),
        Rights(roles.AUDITORS, [SECRET], ["view"]),
        *(Rights(role, [EVENT], ["view", "change"]) for role in (roles.ADMINISTRATORS, roles.OPERATORS)),
        *(Rights(role, [EVENT], ["view"]) for role in (roles.CONNECTION_OWNERS, roles.AUDITORS)),
        PersonalData(
            tables={
                SUBSCRIPTION: Columns(words="name", plain="address kinds signing"),
                "event_subscriptions.historicaleventsubscription": Columns(
                    words=f"name{CHANGE_REASON}", plain=f"address kinds signing{HISTORY_TYPE}"
                ),
                SECRET: Columns(plain="secret"),
                EVENT: Columns(words="detail_fact circumstances", plain="kind state"),
            },
        ),
    ],
)
