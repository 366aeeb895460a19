"""Retention: rules after how many days data are deleted, legal holds on cases, and a person's export and erasure.

The rules prune daily, and erasures follow an order, both as due work in small steps (`pruning`, `erasing`). `rules`
reads the rules and the holds, which keep everything of their cases. `columns` collects what the core and features say
of their tables and references to people; `search_terms` and `scrubbing` find and remove a person in them.
"""

from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    Columns,
    ConfigTable,
    DailyRemoval,
    DeskList,
    DeskPanel,
    PersonalData,
    Rights,
)
from notifications.retention import erasing, pruning
from wfpush.features import Feature

LISTS = ("retention.retentionrule", "retention.legalhold", "retention.erasure")

FEATURE = Feature(
    name="retention",
    adds=[
        *pruning.SOURCES,
        *erasing.SOURCES,
        DailyRemoval(pruning.run),
        ConfigTable(
            "retention.retentionrule",
            "category",
            kind="retention_rules",
            fields="items_days addresses_days events_days devices_days",
            is_list=True,
            own_files=False,
        ),
        DeskList("access", "retention.retentionrule", after="notifications.connectedaccount", icon="history"),
        DeskList("access", "retention.legalhold", after="retention.retentionrule", icon="back_hand"),
        DeskList("access", "retention.erasure", after="retention.legalhold", icon="delete"),
        DeskPanel("notifications.case", "notifications.retention.admin.HoldInline"),
        Rights(roles.ADMINISTRATORS, ["retention.retentionrule"]),
        Rights(roles.ADMINISTRATORS, ["retention.legalhold"], ["view", "add", "change"]),
        Rights(roles.ADMINISTRATORS, ["retention.erasure"], ["view"]),
        Rights(roles.ADMINISTRATORS, ["retention.person"], ["export", "erase"]),
        Rights(roles.AUDITORS, LISTS, ["view"]),
        PersonalData(
            tables={
                "retention.retentionrule": Columns(),
                "retention.historicalretentionrule": Columns(words=CHANGE_REASON, plain=HISTORY_TYPE),
                "retention.legalhold": Columns(words="why", case="case"),
                "retention.pruning": Columns(plain="step cursor removed"),
                "retention.erasure": Columns(own="terms", plain="state step cursor"),
            },
            stay=[("retention.erasure", "person")],
        ),
    ],
)
