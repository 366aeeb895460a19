"""Duty rotas: who is on duty for a team, by layers of turns, overrides and a calendar.

Routes and steps name a rota as a target. Colleagues swap turns on the page of duty. Whoever comes on duty is told, and
takes over the open items. A rota reads shifts from an iCalendar feed, and offers its own.
`turns` computes the shifts, `duty` reads stored rotas for it, `targets` finds the people.
"""

from django.utils.translation import gettext_lazy as _

from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    ApiPaths,
    Columns,
    ConfigName,
    DeskList,
    ItemLink,
    MenuEntry,
    Pages,
    PersonalData,
    Rights,
    Section,
)
from notifications.models import Recipient
from notifications.rotas import feeds, targets
from notifications.rotas.swaps import rotas_of
from wfpush.features import Feature
from wfpush.observability.services import Kinds
from wfpush.queue.schedules import Minutely


def takes_turns(person: Recipient) -> bool:
    return not person.external and rotas_of(person).exists()


FEATURE = Feature(
    name="rotas",
    adds=[
        targets.TARGET,
        targets.ENTITLEMENT,
        ConfigName("rotas.rota", "slug"),
        *feeds.SOURCES,
        Kinds(feeds.kinds),
        Minutely("duty", "notifications.rotas.tasks.hand_over_duty"),
        Pages("notifications.rotas.pages"),
        MenuEntry("rotas:duty", _("Duty"), takes_turns),
        ItemLink("duty", _("Duty"), _("Open your page of duty")),
        ApiPaths("notifications.rotas.api"),
        DeskList("people", "rotas.rota", after="notifications.team"),
        *roles.on_configuration("rotas.rota", "rotas.rotalayer", "rotas.rotaoverride", "rotas.rotaswap"),
        Rights(roles.RULE_EDITORS, ["rotas.rota"], ["view"]),
        PersonalData(
            tables={
                "rotas.rota": Columns(words="name", plain="slug timezone feed_url address_digest"),
                "rotas.historicalrota": Columns(
                    words=f"parts name{CHANGE_REASON}", plain=f"slug timezone feed_url{HISTORY_TYPE}"
                ),
                "rotas.rotalayer": Columns(plain="people unit weekdays"),
                "rotas.rotaoverride": Columns(),
                "rotas.rotaswap": Columns(plain="state"),
                "rotas.rotawatch": Columns(plain="on_duty"),
                "rotas.rotafeed": Columns(words="body fault_fact", plain="url etag"),
                "rotas.rotafeedshift": Columns(words="summary"),
            },
            stay=[
                ("rotas.rotaoverride", "person"),
                ("rotas.rotaswap", "asked_by"),
                ("rotas.rotaswap", "asked_of"),
                ("rotas.rotawatch", "person"),
                ("rotas.rotafeedshift", "person"),
            ],
            export={
                "duty_turns": Section(
                    "rotas.rotalayer", "people__contains", lambda person: [person.pk], frozenset({"people"})
                ),
                "duty_overrides": Section("rotas.rotaoverride", "person"),
                "duty_in_calendars": Section("rotas.rotafeedshift", "person"),
                "swaps_asked": Section("rotas.rotaswap", "asked_by"),
                "swaps_asked_of_them": Section("rotas.rotaswap", "asked_of"),
            },
        ),
    ],
)
