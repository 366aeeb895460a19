"""The mark before a name: the initials of a person, the first letters of a system."""

from dataclasses import dataclass

from django.template import Library


@dataclass(frozen=True)
class Actor:
    """Who did something, as its reader may know it. An empty name is a deadline that passed."""

    name: str
    is_system: bool = False


def initials(name: object) -> str:
    """Return one or two letters: those that begin the first and the last word of the name."""
    letters = [letter for word in str(name).split() if (letter := next(filter(str.isalnum, word), ""))]
    return "".join([*letters[:1], *letters[1:][-1:]]).upper()


register = Library()
register.filter("initials", initials)
