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
    return next((member for member in EVERYBODY if member.ref == ref), Person(ref, ref))


def one_of(refs: Sequence[str], teams: Sequence[str] = ()) -> str:
    """Who is waited for, in words: "Bob or Carol", "the team finance"."""
    names = [person(ref).name for ref in refs] or [f"the team {team}" for team in teams]
    return " or ".join(names)


def customer_in(data: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the customer or supplier of a process with this data, as wfpush's fields of a recipient."""
    customer = data.get("customer") or data.get("supplier")
    if not isinstance(customer, dict) or not customer.get("ref"):
        return None
    return {
        "ref": str(customer["ref"]),
        "name": str(customer.get("name") or customer["ref"]),
        "email": str(customer.get("email") or ""),
        "locale": str(customer.get("locale") or "en"),
    }
