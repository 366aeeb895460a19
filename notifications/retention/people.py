"""What becomes of rows that refer to a person: which go, and which stay, with a neutral ref in the person's row.

tests/notifications/retention/test_columns.py compares this with the models: a new reference has to be named here.
"""

from collections.abc import Iterator

from django.db.models import Model

from notifications.retention.columns import model_of

GO: tuple[tuple[str, str], ...] = (
    ("notifications.absence", "recipient"),
    ("notifications.absencefeed", "recipient"),
    ("notifications.handedover", "person"),
    ("notifications.handedover", "to"),
    ("notifications.preferences", "recipient"),
    ("notifications.quiethours", "recipient"),
    ("notifications.categorychoice", "recipient"),
    ("notifications.unsubscription", "recipient"),
    ("notifications.heldreview", "recipient"),
    ("notifications.mutedcase", "recipient"),
    ("notifications.followedkind", "recipient"),
    ("notifications.savedview", "recipient"),
    ("notifications.actiontoken", "recipient"),
    ("notifications.idempotencykey", "recipient"),
    ("notifications.recipienttoken", "recipient"),
    ("notifications.signinlink", "recipient"),
    ("notifications.linkmail", "recipient"),
    ("notifications.connectedaccount", "recipient"),
    ("notifications.searchedpart", "recipient"),
    ("notifications.team_members", "recipient"),
    ("notifications.case_followers", "recipient"),
    ("notifications.caselist_people", "recipient"),
    ("notifications.historicalabsence", "recipient"),
    ("notifications.historicalabsencefeed", "recipient"),
    ("escalations.personcalendar", "recipient"),
)
"""Rows of the person alone, by model and field. Devices go before, with their messages (notifications/people)."""

STAY: tuple[tuple[str, str], ...] = (
    ("notifications.recipient", "manager"),
    ("notifications.historicalrecipient", "manager"),
    ("notifications.absence", "delegate"),
    ("notifications.absence", "entered_by"),
    ("notifications.absencepart", "delegate"),
    ("notifications.absencefeed", "delegate"),
    ("notifications.historicalabsence", "delegate"),
    ("notifications.historicalabsencefeed", "delegate"),
    ("notifications.historicalteam_members", "recipient"),
    ("notifications.historicalcaselist_people", "recipient"),
    ("notifications.team", "lead"),
    ("notifications.historicalteam", "lead"),
    ("notifications.historicaldevice", "recipient"),
    ("notifications.device", "recipient"),
    ("notifications.farewell", "recipient"),
    ("notifications.task", "assignee"),
    ("notifications.task", "initiator"),
    ("notifications.task_candidates", "recipient"),
    ("notifications.routetarget", "person"),
    ("notifications.rotaoverride", "person"),
    ("notifications.rotaswap", "asked_by"),
    ("notifications.rotaswap", "asked_of"),
    ("notifications.rotawatch", "person"),
    ("notifications.rotafeedshift", "person"),
    ("notifications.notification", "recipient"),
    ("notifications.notification", "on_behalf_of"),
    ("notifications.delivery", "recipient"),
    ("notifications.taskmessage", "author"),
    ("notifications.addressee", "person"),
    ("notifications.addressee", "away"),
    ("notifications.response", "recipient"),
    ("notifications.response", "asked"),
    ("notifications.refusedanswer", "recipient"),
    ("notifications.attachment", "uploader"),
    ("notifications.erasure", "person"),
    ("escalations.policy", "fallback"),
    ("escalations.historicalpolicy", "fallback"),
    ("escalations.policystep", "person"),
)
"""References that go on to say that somebody did or got something, but not who."""


def that_go() -> Iterator[tuple[type[Model], str]]:
    for label, field in GO:
        yield model_of(label), field
