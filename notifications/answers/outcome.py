"""What a task's copies show of its answer: who gave it and when, and what it waits for."""

from notifications import reasons
from notifications.items.representation import iso_utc
from notifications.models import (
    CallbackState,
    ConnectedAccount,
    InTheNameOf,
    PersonalSignIn,
    Response,
    Task,
)
from notifications.reasons import Reason
from notifications.types import Json
from wfpush.postgres.revision import Compiled


def outcome_json(response: Response, engine: str, reason: Reason = reasons.NOTHING) -> Json:
    return {
        "action": response.action,
        "by": response.recipient.as_person(),
        "at": iso_utc(response.at),
        "engine": engine,
        "detail_fact": reason.as_json(),
    }


def waiting_outcome(response: Response, task: Task) -> Json:
    """Return the outcome of a new answer. `connect`: the name of the engine that waits for the person's account;
    `undo_until`: until when the person may take the answer back."""
    connect, until = unconnected_engine(response, task), response.callback.due_at or response.at
    undo = {"undo_until": iso_utc(until)} if until > response.at else {}
    return {**outcome_json(response, CallbackState.WAITING), **undo, **({"connect": connect} if connect else {})}


_OWN_NAMES_ONLY = Compiled(
    lambda: frozenset(PersonalSignIn.objects.filter(mode=InTheNameOf.PERSON).values_list("engine_id", flat=True))
)
"""Keys of engines that take answers in people's own names only."""


def unconnected_engine(response: Response, task: Task) -> str:
    """Return the engine's name, if it cannot be told the answer before its person has connected an account there."""
    waits = response.effect == "final" and response.callback.state == CallbackState.WAITING
    if not waits or task.engine_id not in _OWN_NAMES_ONLY.get():
        return ""
    accounts = ConnectedAccount.objects.filter(engine=task.engine_id, recipient=response.recipient, ended_at=None)
    return "" if accounts.exists() else task.engine.name
