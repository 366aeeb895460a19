"""The answers of a page that need a proof besides the session, and what the page says about it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils.module_loading import import_string

from notifications.additions import AnswerProof
from notifications.inbox.cards import Button
from notifications.models import Notification, Recipient
from notifications.types import Json
from notifications.wording.proof_needed import actions_with_proof
from wfpush import features


@dataclass(frozen=True)
class Proofs:
    """`names` and `titles`: the answers. `template` shows `facts` about the reader, and the script `module` asks."""

    names: Collection[str]
    titles: Sequence[str]
    template: str
    module: str
    facts: Json


def proofs_of(copies: Sequence[Notification], buttons: Sequence[Button], reader: Recipient) -> Proofs | None:
    """Return which of these buttons need a proof on one of the reader's copies at least; None for none."""
    for added in features.added(AnswerProof) if buttons else ():
        names = {name for copy in copies for name in actions_with_proof(copy, copy.actions)}
        titles = [each.action.title for each in buttons if each.action.name in names]
        if titles:
            module = added.module.removesuffix(".js")
            return Proofs(names, titles, added.note, module, import_string(added.facts)(reader))
    return None
