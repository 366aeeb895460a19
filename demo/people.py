"""The people of the demo, as the processes address them."""

from collections.abc import Mapping, Sequence
from typing import Any

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


def customer_in(data: Mapping[str, Any]) -> dict[str, str] | None:
    """Whoever outside hears of a process with this data."""
    told = data.get("customer") or data.get("supplier")
    if not isinstance(told, dict) or not told.get("ref"):
        return None
    return {
        "ref": str(told["ref"]),
        "name": str(told.get("name") or told["ref"]),
        "email": str(told.get("email") or ""),
        "locale": str(told.get("locale") or "en"),
    }
