"""The words by which a person is found in texts and JSON, and their replacements.

The words are all names, e-mail addresses, phone numbers and refs, also former ones, as whole words. A ref that is short
or a number may mean others elsewhere: it counts only in JSON members that name people.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from notifications.items.search_index import plain_letters
from notifications.models import ConnectedAccount, Recipient

OMITTED = "[…]"
"""Replacement for texts that the person wrote."""

PEOPLE = {"ref", "assignee", "initiator", "candidates", "recipients", "by", "to", "for", "customer", "asked", "away"}
"""Members of JSON that name people: there a ref counts, however short it is."""
WRITTEN = {"comment", "text", "info", "message", "name"}
"""Members with texts that people wrote, from which short texts are removed, too."""
IDENTIFIES = ("ref", "email", "phone")
"""Members by which an object is known to be the person."""
BELONGS = ("name", "first_name", "last_name", "firstName", "lastName", "email", "phone", "mobile", "address")
"""Members of such an object that are removed with it."""

LEAST_REF, LEAST_NAME, LEAST_PHRASE, LEAST_PHONE, START = 4, 3, 6, 6, 24
_SEPARATORS = str.maketrans("", "", " -/().\u00a0")
_GAP = r"[\s\-/().]*"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Terms:
    """The words of a person. `token`: the neutral ref that replaces each. `phrases`: texts that the person wrote."""

    token: str
    person: int
    names: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    phrases: tuple[str, ...] = field(default=(), compare=False)

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Terms":
        members: dict[str, Any] = json.loads(text)
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in members.items()
        }
        return cls(**values)

    @cached_property
    def distinct(self) -> tuple[str, ...]:
        """Refs that are long enough to mean only the person."""
        return tuple(ref for ref in self.refs if len(ref) >= LEAST_REF and not ref.isdigit())

    # --- looking ------------------------------------------------------------------------------------------------------
    def may_be_in(self, text: str) -> bool:
        """Return whether the text may mention the person, by a quick check: False is certain."""
        lowered = text.lower()
        if any(key in lowered for key in self._keys):
            return True
        if not self._digits:
            return False
        digits = text.translate(_SEPARATORS)
        return any(each in digits for each in self._digits)

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        longest = set(map(_longest_word, self.names))
        short = [ref for ref in self.refs if ref not in self.distinct]
        whole = {*self.distinct, *self.emails, *(f'"{ref}"' for ref in short), *map(json.dumps, short)}
        start = {_longest_word(each[:START]) for each in self.phrases}
        plan = {f'"recipient":{self.person}', f'"recipient": {self.person}'}
        words = {word.lower() for word in longest | start | whole if word}
        return tuple(words | {json.dumps(word)[1:-1].lower() for word in words} | plan)

    @cached_property
    def _digits(self) -> tuple[str, ...]:
        return tuple({_digits_of(phone)[-LEAST_PHONE:] for phone in self.phones if _counts(phone)})

    # --- texts --------------------------------------------------------------------------------------------------------
    def in_text(self, text: str) -> str:
        """Return the text without the person."""
        for word, pattern in self._phrases:
            if word in text:  # a pattern costs many times as much, and there is one for each answer
                text = pattern.sub(OMITTED, text)
        return self._pattern.sub(self.token, text) if self._pattern.pattern else text

    def in_id(self, text: str) -> str:
        """Return an engine's id without the person: as a text, but without refs, which may mean anything there."""
        return self._id_pattern.sub(self.token, text) if self._id_pattern.pattern else text

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join([*self._id_patterns(), *(_whole(re.escape(ref)) for ref in self.distinct)]))

    @cached_property
    def _id_pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(self._id_patterns()))

    def _id_patterns(self) -> list[str]:
        emails = [_whole(f"(?i:{re.escape(each)})") for each in self.emails]
        names = [_whole(f"(?i:{_spaced(each)})") for each in self.names if len(each) >= LEAST_NAME]
        phones = [_phone(each) for each in self.phones if _counts(each)]
        return [*emails, *names, *phones]

    @cached_property
    def _phrases(self) -> list[tuple[str, re.Pattern[str]]]:
        """The phrases with the longest word of each. A long text is also quoted by its beginning: the line in which
        that stands is removed with it."""
        phrases = sorted((each for each in self.phrases if len(each) >= LEAST_PHRASE), key=len, reverse=True)
        cut = {each[:START].rsplit(None, 1)[0] for each in phrases if len(each) > START and " " in each[:START].strip()}
        return [
            *((_longest_word(each), re.compile(_whole(_spaced(each)))) for each in phrases),
            *((_longest_word(each), re.compile(_whole(f"{_spaced(each)}[^\\n\\r]*"))) for each in cut),
        ]

    # --- JSON ---------------------------------------------------------------------------------------------------------
    def in_json(self, value: Any, member: str = "") -> Any:
        """Return the value without the person: in all texts, and in the members of an object that is the person."""
        if isinstance(value, dict):
            cleaned = {name: self.in_json(each, name) for name, each in value.items()}
            return self._emptied(cleaned) if self._is_person(value) else cleaned
        if isinstance(value, list):
            return [self.in_json(each, member) for each in value]
        return self._leaf(value, member) if isinstance(value, str) else value

    def _leaf(self, text: str, member: str) -> str:
        if text in self.refs and (member in PEOPLE or text in self.distinct):
            return self.token
        if member in WRITTEN and text in self.phrases:
            return OMITTED
        return self.in_text(text)

    def _is_person(self, value: dict[str, Any]) -> bool:
        if value.get("recipient") == self.person and "channels" in value:  # in a trace
            return True
        identifiers = [str(each) for name in IDENTIFIES if isinstance(each := value.get(name), str | int)]
        return any(each in self.refs or self.in_id(each) != each for each in identifiers)

    def _emptied(self, value: dict[str, Any]) -> dict[str, Any]:
        cleaned = {**value, **{name: "" for name in BELONGS if isinstance(value.get(name), str)}}
        if "name" in value:
            cleaned["name"] = self.token
        if "channels" in value and isinstance(value["channels"], list):
            cleaned["channels"] = [{**each, "to": ""} if isinstance(each, dict) else each for each in value["channels"]]
        return cleaned

    def in_column(self, value: Any) -> Any:
        """Return a column's value without the person: text, JSON, a list of texts, or JSON that is stored as text."""
        if not isinstance(value, str):
            return self.in_json(value)
        if value[:1] in "{[" and value:
            try:
                document = json.loads(value)
            except (ValueError, RecursionError):
                return self.in_text(value)
            cleaned = self.in_json(document)
            return value if cleaned == document else json.dumps(cleaned, ensure_ascii=False, separators=(",", ":"))
        return self.in_text(value)

    def with_phrases(self, phrases: Iterable[str]) -> "Terms":
        """Return the terms with texts that the person wrote."""
        return Terms(**{**asdict(self), "phrases": tuple({each.strip() for each in phrases if each.strip()})})


def _longest_word(text: str) -> str:
    return max(_WORD.findall(text), key=len, default="")


def _whole(pattern: str) -> str:
    return rf"(?<!\w){pattern}(?!\w)"


def _spaced(text: str) -> str:
    """Return a pattern for the text with any spacing of its words."""
    return r"\s+".join(re.escape(word) for word in text.split())


def _digits_of(phone: str) -> str:
    return "".join(each for each in phone if each.isdigit())


def _counts(phone: str) -> bool:
    return len(_digits_of(phone)) >= LEAST_PHONE


def _phone(phone: str) -> str:
    """Return a pattern for the number with any grouping, also with a plus or two zeros before it."""
    return rf"(?<!\d)(?:\+|00)?{_GAP.join(_digits_of(phone))}(?!\d)"


# --- terms of a person ------------------------------------------------------------------------------------------------
def terms_of(person: Recipient, token: str) -> Terms:
    """Return all present and former names, refs, addresses and numbers of the person. Names are also written without
    their marks, as in the search index and by hurried colleagues."""
    versions = [person, *person.history.all().iterator()]
    user = person.user
    accounts = ConnectedAccount.objects.filter(recipient=person).values_list("name", flat=True)
    names = [*(each.name for each in versions), *([user.get_full_name()] if user else [])]
    refs = [*(each.ref for each in versions), *accounts, *([user.get_username()] if user else [])]
    emails = [*(each.email for each in versions), *([user.email] if user else []), *(ref for ref in refs if "@" in ref)]
    return Terms(
        token=token,
        person=person.pk,
        names=tuple(_distinct_texts([*names, *map(plain_letters, names)])),
        refs=tuple(_distinct_texts(refs)),
        emails=tuple(_distinct_texts(emails)),
        phones=tuple(_distinct_texts(each.phone for each in versions)),
    )


def _distinct_texts(texts: Iterable[str]) -> Iterator[str]:
    """Yield each text once, the longest first: one may contain another."""
    yield from sorted({each.strip() for each in texts if each and each.strip()}, key=len, reverse=True)
