"""Second factors: authenticator apps, passkeys and recovery codes for people who sign in here, on django-allauth. And
what else people do for the security of their sign-in: a new password by e-mail, and ending their other sessions.

`stages` puts the second factor between the password and the session, `views` and `security_pages` are the pages, and
`forms` counts tries as those of passwords are. An administrator says at the desk who needs one (`rules`, `admin`), and
`enforcement` keeps others off the desk. `changes` records every change, and `mails` tells the people whom it concerns.
`password_requests` answers requests for a new password by `password_links`, and `sessions` knows the browsers.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    AccountLink,
    AnswerProof,
    Columns,
    DeskList,
    MenuEntry,
    Pages,
    PasswordNotice,
    PersonalData,
    Rights,
    Section,
    SignInPanel,
    SignInStep,
    StaleRows,
)
from notifications.models import Recipient
from notifications.second_factors import mails, password_requests
from notifications.second_factors.models import BrowserSession, MailKind
from notifications.sign_on.refusals import RecordCodes
from wfpush import features
from wfpush.crypto import SealedMembers
from wfpush.features import Feature
from wfpush.queue.outbox import Source

SESSION_LIFE = timedelta(seconds=settings.SESSION_COOKIE_AGE)


def may_have_factors(person: Recipient) -> bool:
    """Return whether the menu offers the page: to people with a password, and where answers are signed, to others with
    an account, who may have a passkey."""
    user = person.user
    return user is not None and (user.has_usable_password() or bool(features.added(AnswerProof)))


def sessions_older_than(time: datetime) -> QuerySet[BrowserSession]:
    return BrowserSession.objects.filter(used_at__lt=time)


def has_account(person: Recipient) -> bool:
    return person.user is not None


CODES = {
    **dict(MailKind.choices),
    "password_link": _("A new password was requested, and a link was e-mailed."),
    "password_shared": _("A new password was requested. Several accounts have the address, so no link was sent."),
    "password_elsewhere": _("A new password was requested for an account that signs in at an identity provider."),
    "session_ended": _("The person signed out another browser."),
    "sessions_ended": _("The person signed out everywhere else."),
    "wrong_factor": _("The password was right, and the code or passkey was wrong."),
    "factor_wait": _("The password was right. Too many tries have failed, so the code was not checked."),
    "providers_only": _("The password or passkey was right, but only emergency accounts may sign in with it."),
}

FEATURE = Feature(
    name="second_factors",
    needs=["sign_on"],
    adds=[
        Source(mails.SOURCE_NAME, "cluster", mails.has_due, mails.drain, has_late=mails.has_late),
        Source(password_requests.SOURCE_NAME, "cluster", password_requests.has_due, password_requests.drain),
        StaleRows("e-mails about security", mails.older_than, mails.RETENTION),
        StaleRows("sessions of browsers", sessions_older_than, SESSION_LIFE),
        Pages("notifications.second_factors.pages"),
        SignInStep("notifications.second_factors.stages.go_on"),
        SignInPanel("second_factors/_sign_in_panel.html"),
        SignInPanel("second_factors/_forgot.html"),
        PasswordNotice("notifications.second_factors.changes.new_password"),
        MenuEntry("mfa_index", _("Sign-in security"), may_have_factors),
        MenuEntry("sessions", _("Where you are signed in"), has_account),
        AccountLink("mfa_index", _("Sign-in security")),
        AccountLink("sessions", _("Where you are signed in"), needs_password=False),
        SealedMembers("mfa.authenticator", "data", ["secret", "seed"]),
        RecordCodes(CODES),
        DeskList("access", "second_factors.signinrules", after="auth.group", icon="policy"),
        DeskList("access", "second_factors.factor", after="second_factors.signinrules", icon="phonelink_lock"),
        Rights(roles.ADMINISTRATORS, ["second_factors.signinrules"], ["view", "add", "change"]),
        Rights(roles.ADMINISTRATORS, ["second_factors.factor"], ["view", "delete"]),
        Rights(roles.AUDITORS, ["second_factors.signinrules", "second_factors.factor"], ["view"]),
        PersonalData(
            tables={
                "second_factors.signinrules": Columns(),
                "second_factors.signinrules_roles": Columns(),
                "second_factors.signinrules_emergency_accounts": Columns(),
                "second_factors.historicalsigninrules": Columns(
                    words=CHANGE_REASON.strip(), plain=HISTORY_TYPE.strip()
                ),
                "second_factors.historicalsigninrules_roles": Columns(),
                "second_factors.historicalsigninrules_emergency_accounts": Columns(),
                "second_factors.securitymail": Columns(words="name browser detail", plain="kind address", goes=True),
                "second_factors.passwordrequest": Columns(words="name browser", plain="address", goes=True),
                "second_factors.browsersession": Columns(words="browser", plain="digest address", goes=True),
                "mfa.authenticator": Columns(words="data", plain="type", goes=True),
            },
            export={
                "second_factors": Section(
                    "mfa.authenticator", "user", lambda person: person.user_id, frozenset({"data"})
                )
            },
        ),
    ],
)
