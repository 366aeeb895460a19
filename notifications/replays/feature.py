"""Replays: operators send failed work again, one row or up to 100,000, and undo it.

The lists of events, deliveries and callbacks get the actions; a page counts and shows first what would be sent.
`events`, `deliveries` and `callbacks` revive rows and put them back, `kinds` describes the three in the same way, and
`orders` chooses the rows of an order and works through them in batches.
"""

from datetime import datetime

from django.db.models import QuerySet

from notifications import roles
from notifications.additions import Columns, DeskList, PersonalData, Rights, StaleRows
from notifications.replays import orders
from notifications.replays.models import ReplayedRow
from wfpush.features import Feature

TABLES = ("replays.replay", "replays.replayedrow")


def _ended_before(time: datetime) -> QuerySet[ReplayedRow]:
    return ReplayedRow.objects.filter(replay__ordered_at__lt=time, replay__due_at=None)


FEATURE = Feature(
    name="replays",
    adds=[
        *orders.SOURCES,
        StaleRows("rows of replays", _ended_before),
        DeskList("ledger", "replays.replay", after="notifications.callback", icon="replay"),
        *(Rights(role, TABLES, ["view"]) for role in (roles.ADMINISTRATORS, roles.OPERATORS, roles.AUDITORS)),
        PersonalData(
            tables={
                "replays.replay": Columns(words="selection", plain="kind state"),
                "replays.replayedrow": Columns(words="before", plain="state"),
            }
        ),
    ],
)
