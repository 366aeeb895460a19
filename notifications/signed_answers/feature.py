"""Signed answers: rules say which answers need a passkey's signature, for which exactly one decision is the challenge.

`rules` are those of the desk. `statements` writes what is signed, `challenges` issues it to one person and session, and
`guard` checks it before an answer is recorded, with `assertions` for WebAuthn. `bundles` verifies a stored or exported
signature by itself, and `verification` compares it with the database (`manage.py verify_answer`).
"""

from datetime import timedelta

from notifications import roles
from notifications.additions import (
    CHANGE_REASON,
    HISTORY_TYPE,
    AnswerProof,
    ApiPaths,
    Columns,
    ConfigPart,
    ConfigTable,
    DeskList,
    PersonalData,
    Rights,
    Section,
    StaleRows,
)
from notifications.signed_answers import challenges, rules
from wfpush.features import Feature

RULE, CONDITION = "signed_answers.signaturerule", "signed_answers.signaturerulecondition"
SIGNATURE, CHALLENGE = "signed_answers.answersignature", "signed_answers.signingchallenge"

FEATURE = Feature(
    name="signed_answers",
    needs=["second_factors"],
    adds=[
        ConfigTable(
            "signed_answers.signaturerule",
            "name",
            kind="signature_rules",
            fields="enabled engine category actions",
            parts=[ConfigPart("conditions", "path operator value")],
            own_files=False,
        ),
        AnswerProof(
            check="notifications.signed_answers.guard.check",
            required=rules.names_to_sign,
            note="signed_answers/_note.html",
            facts="notifications.signed_answers.item_note.facts",
            module="signing.js",
        ),
        ApiPaths("notifications.signed_answers.api"),
        StaleRows("signing challenges", challenges.older_than, timedelta(hours=1)),
        DeskList("rules", RULE, after="notifications.foureyesrule", icon="signature"),
        DeskList("ledger", SIGNATURE, after="notifications.response", icon="signature"),
        *roles.on_configuration(RULE, CONDITION),
        Rights(roles.RULE_EDITORS, [RULE, CONDITION], ["view"]),
        Rights(roles.OPERATORS, [SIGNATURE], ["view"]),
        Rights(roles.ADMINISTRATORS, [SIGNATURE], ["view"]),
        Rights(roles.AUDITORS, [SIGNATURE], ["view"]),
        PersonalData(
            tables={
                "signed_answers.signaturerule": Columns(words="name", plain="actions"),
                "signed_answers.historicalsignaturerule": Columns(
                    words=f"parts name{CHANGE_REASON}", plain=f"actions{HISTORY_TYPE}"
                ),
                "signed_answers.signaturerulecondition": Columns(words="value", plain="path operator"),
                "signed_answers.signingchallenge": Columns(words="statement", plain="listing session", goes=True),
                "signed_answers.passkeycounter": Columns(),
                "signed_answers.answersignature": Columns(
                    words="statement",
                    plain="listing credential_id public_key authenticator_data client_data signature",
                    case="response__task__case",
                    goes=True,
                ),
            },
            go=[(CHALLENGE, "person")],
            export={
                "signatures": Section(SIGNATURE, "response__recipient"),
                "signing_challenges": Section(CHALLENGE, "person", without=frozenset({"session"})),
            },
        ),
    ],
)
