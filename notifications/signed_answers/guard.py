"""Checks the signature of an answer, the last of its checks: what is recorded is exactly what was signed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from notifications.answers.decision import Decision
from notifications.errors import SignatureRequired
from notifications.models import Assurance, Response
from notifications.signed_answers import assertions, challenges, rules, statements
from notifications.signed_answers.assertions import Assertion, WrongAssertion
from notifications.signed_answers.bundles import BYTES, Bundle, faults_of, in_text
from notifications.signed_answers.models import AnswerSignature, SigningChallenge
from notifications.types import Json
from wfpush.identifiers import parse_uuid

log = structlog.get_logger(__name__)

SENTENCES = {
    "missing": "This answer needs a passkey's signature. Nothing was sent: sign it in the inbox.",
    "expired": "The time to sign this answer is over, or it was signed before. Nothing was sent: sign it again.",
    "differs": "This is not the answer that was signed. Nothing was sent: look again, then sign it again.",
    "wrong": "The signature is not valid. Nothing was sent: sign the answer again.",
}
"""By the errors' member `why`."""


@dataclass(frozen=True)
class SignedAnswer:
    """The verified signature of an answer (`Proof` of notifications/answers/proofs.py)."""

    challenge: SigningChallenge
    assertion: Assertion
    assurance: str = Assurance.PASSKEY.value

    def for_engine(self) -> Json:
        return {
            "statement_sha256": statements.sha256(self.challenge.statement.encode()),
            "public_key_sha256": self.assertion.fingerprint,
            "credential": in_text(self.assertion.credential_id),
        }

    def row(self, response: Response) -> AnswerSignature:
        return AnswerSignature(response=response, **self._columns())

    def bundle(self) -> Bundle:
        return Bundle(answer="", **self._columns())

    def _columns(self) -> dict[str, str]:
        columns = {name: in_text(getattr(self.assertion, name)) for name in BYTES}
        return {"statement": self.challenge.statement, "listing": self.challenge.listing, **columns}


def check(decision: Decision) -> SignedAnswer | None:
    """Return the signature of an answer; None for one that has none and needs none, and for those that end nothing: who
    is asked, and files of a question, are in no statement. Raises SignatureRequired."""
    if decision.action.effect != "final":
        return None
    if decision.answer.proof is not None:
        return _verified(decision, decision.answer.proof)
    if rules.wants_signature(decision):
        raise _refused(decision, "missing")
    return None


def _verified(decision: Decision, proof: Json) -> SignedAnswer:
    challenge, user = _challenge(decision, proof), decision.person.user
    if challenge is None or user is None:
        raise _refused(decision, "expired")
    if not challenges.use(challenge, decision.at):
        raise _refused(decision, "expired")
    if names := _differing(decision, challenge):
        raise _refused(decision, "differs", ", ".join(names))
    signed = statements.challenge_of(challenge.listing or challenge.statement)
    try:
        assertion = assertions.verify(user, signed, proof.get("credential"), challenge.group)
    except WrongAssertion as wrong:
        raise _refused(decision, "wrong", str(wrong)) from wrong
    answer = SignedAnswer(challenge, assertion)
    if faults := faults_of(answer.bundle()):  # what is stored has to be proof by itself, as of a list that was signed
        raise _refused(decision, "wrong", faults[0])
    return answer


def _challenge(decision: Decision, proof: Json) -> SigningChallenge | None:
    group: Any = proof.get("challenge")
    group = group if isinstance(group, UUID) else parse_uuid(str(group))
    if group is None:
        return None
    return challenges.find(group, decision.person.pk, decision.item.pk, decision.answer.session)


def _differing(decision: Decision, challenge: SigningChallenge) -> list[str]:
    """Return the members in which the answer differs from what was signed. A list must have the statement, too."""
    answer, form, person = decision.answer, decision.form, decision.person
    now = statements.decision_members(
        decision.task,
        decision.item.pk,
        person,
        revision=decision.item.revision,
        action=decision.action.name,
        effect=decision.action.effect,
        comment=answer.comment,
        variables=answer.variables,
        values=answer.values,
        files=statements.file_digests(form, answer.values, person),
    )
    return statements.differing(statements.read(challenge.statement), now)


def _refused(decision: Decision, why: str, detail: str = "") -> SignatureRequired:
    person = decision.person
    if why != "missing":
        log.warning("answer_signature_refused", why=why, detail=detail, person=person.pk, task=str(decision.task.pk))
    has_passkey = assertions.has_passkey(person.user_id)
    return SignatureRequired(SENTENCES[why], why=why, has_passkey=has_passkey)
