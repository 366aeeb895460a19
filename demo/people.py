"""The people of the demo, as the processes address them."""

from collections.abc import Sequence

from demo.records import Person

ALICE = Person("alice", "Alice")
BOB = Person("bob", "Bob")
CAROL = Person("carol", "Carol")
EVERYBODY = (ALICE, BOB, CAROL)


def person(ref: str) -> Person:
    """The person of that ref; somebody unknown goes by the ref."""
    return next((known for known in EVERYBODY if known.ref == ref), Person(ref, ref))


def one_of(refs: Sequence[str], teams: Sequence[str] = ()) -> str:
    """Who is waited for, in words: "Bob or Carol", "the team finance"."""
    names = [person(ref).name for ref in refs] or [f"the team {team}" for team in teams]
    return " or ".join(names)
