"""The proof that some answers need besides the session, such as a signature: which feature checks it, and what is
stored."""

from typing import Protocol

from django.db.models import Model
from django.utils.module_loading import import_string

from notifications.additions import AnswerProof
from notifications.answers.decision import Decision
from notifications.models import Response
from notifications.types import Json
from wfpush import features


class Proof(Protocol):
    """A checked proof. `assurance` is that of the answer; `for_engine` returns the callback's member, and `row` the new
    row that keeps the proof."""

    @property
    def assurance(self) -> str: ...

    def for_engine(self) -> Json: ...

    def row(self, response: Response) -> Model: ...


def check(decision: Decision) -> Proof | None:
    """Return the proof of an answer that all guards let pass; None if it needs none and has none. Raises
    SignatureRequired, Changed."""
    for added in features.added(AnswerProof):
        proof: Proof | None = import_string(added.check)(decision)
        return proof
    return None
