"""Customers (external people): the page of their case, and the journeys that cases of a kind go on, by milestones.

Administrators write the milestones of a journey, in words for customers; `milestones` finds how far a case has come.
`customer_page` collects what the page shows, `pages` takes what customers write about their case, and `api` offers the
same to portals of their own. E-mails have a link that turns off their category: `unsubscribe_links`, `unsubscribing`.
"""

from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    ApiPaths,
    CaseTypes,
    Columns,
    ConfigPart,
    ConfigTable,
    DeskList,
    DeskPanel,
    FirstPage,
    Pages,
    PersonalData,
    Rights,
    Section,
)
from notifications.customers import milestones, unsubscribe_links
from notifications.delivery.person_messages import MailboxFooter
from wfpush.features import Feature

JOURNEYS = ("customers.journey", "customers.milestone")

FEATURE = Feature(
    name="customers",
    needs=["conversation"],
    adds=[
        FirstPage("notifications.customers.customer_page.list_page"),
        Pages("notifications.customers.pages"),
        ApiPaths("notifications.customers.api"),
        CaseTypes(milestones.case_types),
        ConfigTable(
            "customers.journey",
            "name",
            kind="journeys",
            fields="engine case_type event_type",
            parts=[ConfigPart("milestones", "position statuses labels ahead notes ends")],
        ),
        MailboxFooter(unsubscribe_links.add_link),
        DeskPanel(
            "notifications.recipient",
            "notifications.customers.admin.UnsubscriptionInline",
            lambda person: person.unsubscriptions.exists(),
        ),
        DeskList("rules", "customers.journey", after="notifications.category"),
        *roles.on_configuration(*JOURNEYS, "customers.unsubscription"),
        Rights(roles.RULE_EDITORS, JOURNEYS),
        PersonalData(
            tables={
                "customers.journey": Columns(words="name", plain="case_type"),
                "customers.historicaljourney": Columns(
                    words=f"parts name{CHANGE_REASON}", plain=f"case_type{HISTORY_TYPE}"
                ),
                "customers.milestone": Columns(words="labels ahead notes", plain="statuses"),
                "customers.unsubscription": Columns(plain="channel"),
            },
            go=[("customers.unsubscription", "recipient")],
            export={"unsubscriptions": Section("customers.unsubscription", "recipient")},
        ),
    ],
)
