"""Whether an engine can be told a person's answers before they have connected their account there."""

from notifications.models import ConnectedAccount, InTheNameOf, PersonalSignIn, Recipient
from wfpush.postgres.revision import Compiled


def _read() -> frozenset[int]:
    return frozenset(PersonalSignIn.objects.filter(mode=InTheNameOf.PERSON).values_list("engine_id", flat=True))


_OWN_NAMES_ONLY = Compiled(_read)
"""Engines that take answers in people's own names only."""


def must_connect(engine: int, person: Recipient) -> bool:
    """Whether the person must connect an account at this engine, which takes their answers in their own name only,
    before it can be told."""
    if engine not in _OWN_NAMES_ONLY.get():
        return False
    return not ConnectedAccount.objects.filter(engine=engine, recipient=person, ended_at=None).exists()
