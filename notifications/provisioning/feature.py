"""Provisioning: identity providers such as Entra ID and Okta send people and teams by SCIM 2.0, below /scim/v2.

A directory has its own tokens, and sees only its own users and groups. `urls` has the addresses and `frame` what all
requests share; `users` and `groups` change the rows, `people` the persons and accounts behind them; `queries` finds
rows. `departures` bounds how many people may leave in an hour, and hands on what they leave open.
"""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    Columns,
    DeskList,
    DeskPanel,
    OverviewPanel,
    Pages,
    PersonalData,
    Rights,
    Section,
    StaleRows,
)
from notifications.models import Recipient
from notifications.provisioning import departures
from notifications.provisioning.models import ScimRequest, ScimUser
from wfpush.features import Feature

LEDGERS = ("provisioning.scimuser", "provisioning.scimgroup", "provisioning.scimrequest", "provisioning.scimdeparture")
READERS = (roles.ADMINISTRATORS, roles.OPERATORS, roles.AUDITORS)


def _has_directory(person: Recipient | None) -> bool:
    return person is not None and ScimUser.objects.filter(person=person).exists()


def _requests_before(time: datetime) -> QuerySet[ScimRequest]:
    return ScimRequest.objects.filter(at__lt=time)


FEATURE = Feature(
    name="provisioning",
    adds=[
        *departures.SOURCES,
        Pages("notifications.provisioning.urls"),
        StaleRows("requests of directories", _requests_before, timedelta(days=90)),
        DeskList("people", "provisioning.scimdirectory", after="notifications.device"),
        DeskPanel(
            "notifications.recipient",
            "notifications.provisioning.admin.UserInline",
            _has_directory,
        ),
        OverviewPanel("provisioning.scimdirectory", "notifications.provisioning.admin.panel"),
        *roles.on_configuration("provisioning.scimdirectory"),
        Rights(roles.ADMINISTRATORS, ["provisioning.scimtoken"], ["view", "add", "change"]),
        Rights(roles.AUDITORS, ["provisioning.scimtoken"], ["view"]),
        *(Rights(role, LEDGERS, ["view"]) for role in READERS),
        PersonalData(
            tables={
                "provisioning.scimdirectory": Columns(words="name", plain="ref_source domains"),
                "provisioning.historicalscimdirectory": Columns(
                    words=f"name{CHANGE_REASON}", plain=f"ref_source domains{HISTORY_TYPE}"
                ),
                "provisioning.scimtoken": Columns(plain="prefix digest"),
                "provisioning.scimuser": Columns(own="external_id user_name user_key document manager_value"),
                "provisioning.scimgroup": Columns(words="display_name display_key", plain="external_id"),
                "provisioning.scimrequest": Columns(words="path detail", plain="method", goes=True),
                "provisioning.scimdeparture": Columns(),
            },
            go=[("provisioning.scimuser", "person")],
            stay=[("provisioning.scimdeparture", "person"), ("provisioning.scimdeparture", "to")],
            export={
                "directory_user": Section("provisioning.scimuser", "person"),
                "departures": Section("provisioning.scimdeparture", "person"),
                "departures_handed_to_them": Section("provisioning.scimdeparture", "to"),
            },
        ),
    ],
)
