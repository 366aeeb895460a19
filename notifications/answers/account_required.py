"""Whether an engine can be told a person's answers before they have connected their account there."""

from notifications.models import ConnectedAccount, InTheNameOf, PersonalSignIn, Recipient


def must_connect(engine: int, person: Recipient) -> bool:
    """Whether the person must connect an account at this engine, which takes their answers in their own name only,
    before it can be told."""
    own_names_only = PersonalSignIn.objects.filter(engine=engine, mode=InTheNameOf.PERSON)
    works = ConnectedAccount.objects.filter(engine=engine, recipient=person, ended_at=None)
    return own_names_only.exists() and not works.exists()
