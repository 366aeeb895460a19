"""Absences: people say in the inbox, or by the API, when they are away and who stands in; managers and leads say it for
their people. Absences are also read from calendars. Waiting items are handed over when an absence begins, and taken
back when it ends.

The core has the table (`Absence`), in which routing finds stand-ins. `pages`, `api` and `admin` take what is entered,
`checks` refuses what makes no sense, `entering` stores it, `feeds` reads calendars, `hand_over` moves items.
"""

from django.utils.translation import gettext_lazy as _

from notifications import roles
from notifications.absences import feeds
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    ApiPaths,
    Columns,
    DeskList,
    DeskPanel,
    MenuEntry,
    Pages,
    PersonalData,
    Section,
)
from notifications.models import Recipient
from notifications.people.stand_ins import AbsenceTable
from wfpush.features import Feature
from wfpush.observability.services import Kinds
from wfpush.queue.schedules import Minutely


def can_be_away(person: Recipient | None) -> bool:
    return person is None or not person.external


FEATURE = Feature(
    name="absences",
    adds=[
        AbsenceTable("absences.calendarabsence", person="feed__recipient", delegate="feed__delegate"),
        *feeds.SOURCES,
        Kinds(feeds.kinds),
        Minutely("absences", "notifications.absences.tasks.hand_over_absences"),
        Pages("notifications.absences.urls"),
        MenuEntry("absences:absence", _("Absence"), can_be_away),
        ApiPaths("notifications.absences.api"),
        DeskPanel(
            "notifications.recipient",
            "notifications.absences.admin.absences.AbsenceInline",
            can_be_away,
            first=True,
        ),
        DeskList("people", "notifications.absence", after="notifications.team"),
        DeskList("people", "absences.absencefeed", after="notifications.absence"),
        *roles.on_configuration("absences.absencefeed"),
        PersonalData(
            tables={
                "absences.absencefeed": Columns(own="url host fault_fact", plain="takes open_items"),
                "absences.historicalabsencefeed": Columns(words=CHANGE_REASON, plain=f"takes open_items{HISTORY_TYPE}"),
                "absences.calendarabsence": Columns(),
                "absences.handedover": Columns(),
            },
            go=[
                ("absences.absencefeed", "recipient"),
                ("absences.historicalabsencefeed", "recipient"),
                ("absences.handedover", "person"),
                ("absences.handedover", "to"),
            ],
            stay=[("absences.absencefeed", "delegate"), ("absences.historicalabsencefeed", "delegate")],
            counted=[("absences.absencefeed", "recipient")],
            named_by=[("notifications.recipient", "absence_feed__delegate")],
            export={
                "absence_calendar": Section("absences.absencefeed", "recipient", without=frozenset({"url"})),
                "absence_calendar_history": Section("absences.historicalabsencefeed", "recipient"),
                "absences_by_calendar": Section("absences.calendarabsence", "feed"),
                "stands_in_by_calendar": Section("absences.absencefeed", "delegate", without=frozenset({"url"})),
                "handed_over": Section("absences.handedover", "person"),
                "handed_to_them": Section("absences.handedover", "to"),
            },
        ),
    ],
)
