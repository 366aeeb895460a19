"""Sign-on: people sign in at their company's identity provider, by OpenID Connect on django-allauth.

An administrator enters providers and their groups at the desk (`admin`). `ways` leads from the sign-in pages to a
provider by the domain of an e-mail address, and `pages` back. `provider` and `id_tokens` check what comes back,
`identities` finds the account, and `groups` its teams and desk roles. `adapters` joins all of it to django-allauth.
`records` keeps every sign-in and refusal, and notices of the provider end sessions (`pages`).
"""

from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    Columns,
    DeskList,
    Pages,
    PersonalData,
    Rights,
    Section,
    SignInWays,
    StaleRows,
)
from notifications.sign_on import records
from wfpush.features import Feature

TABLES = ("sign_on.identityprovider", "sign_on.groupmapping")

FEATURE = Feature(
    name="sign_on",
    adds=[
        Pages("notifications.sign_on.pages"),
        SignInWays("notifications.sign_on.ways"),
        StaleRows("records of sign-ins", records.older_than, records.RETENTION),
        StaleRows("sessions of providers", records.sessions_older_than, records.RETENTION),
        DeskList("access", "sign_on.identityprovider", after="auth.group", icon="verified_user"),
        DeskList("access", "sign_on.signinrecord", after="sign_on.identityprovider", icon="shield"),
        Rights(roles.ADMINISTRATORS, TABLES),
        Rights(roles.AUDITORS, TABLES, ["view"]),
        *(Rights(role, ["sign_on.signinrecord"], ["view"]) for role in (roles.ADMINISTRATORS, roles.AUDITORS)),
        PersonalData(
            tables={
                "sign_on.identityprovider": Columns(
                    words="name",
                    plain="slug identity_key kind issuer client_id client_secret sso_url certificate domains "
                    "groups_claim fault",
                ),
                "sign_on.historicalidentityprovider": Columns(
                    words=f"name{CHANGE_REASON}",
                    plain=f"slug kind issuer client_id sso_url certificate domains groups_claim parts{HISTORY_TYPE}",
                ),
                "sign_on.groupmapping": Columns(plain="group"),
                "sign_on.providersession": Columns(plain="sid"),
                "sign_on.signinrecord": Columns(
                    words="identity detail browser", plain="outcome code address", goes=True
                ),
                "account.emailaddress": Columns(words="email", goes=True),
                "account.emailconfirmation": Columns(plain="key"),
                "socialaccount.socialaccount": Columns(words="uid extra_data", plain="provider", goes=True),
                "socialaccount.socialapp": Columns(plain="provider provider_id name client_id secret key settings"),
                "socialaccount.socialtoken": Columns(plain="token token_secret"),
            },
            export={"sign_ins_by_providers": Section("sign_on.signinrecord", "user", lambda person: person.user_id)},
        ),
    ],
)
