"""Which answers of an item need a proof besides the session, such as a signature: a hint for buttons and messages.

An answer is checked when it is recorded (notifications/answers/proofs.py).
"""

from collections.abc import Collection, Sequence
from functools import cache

from notifications.additions import AnswerProof
from notifications.models import Notification
from notifications.types import Json
from wfpush import features


@cache
def _added() -> Sequence[AnswerProof]:
    return features.added(AnswerProof)


def actions_with_proof(copy: Notification, actions: Sequence[Json]) -> Collection[str]:
    """Return the names of those `actions` of a copy, with its task, that need a proof by the rules of now."""
    for added in _added():
        return added.required(copy, actions) if actions and copy.task is not None else ()
    return ()


def marked(copy: Notification, actions: list[Json]) -> list[Json]:
    """Return the actions of a copy, with those marked that need a proof. Without any, it is the same list."""
    signed = actions_with_proof(copy, actions)
    return (
        [{**each, "signature": "required"} if each["action"] in signed else each for each in actions]
        if signed
        else actions
    )
