"""Checks an event's `data`: docs/api/events.md, "Send an event". Each fault has a JSON pointer (RFC 6901).

Unknown members are kept as they came. `null` means the same as leaving a member out.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from django.core.exceptions import ValidationError

from notifications.forms import engine_forms
from notifications.models import MOST_TEXT, MessageKind
from notifications.models.events import Priority
from notifications.models.routing import MOST_ROLE
from notifications.models.validators import MAX_ID, OURS, may_be_declared, validate_mailbox, validate_timezone
from notifications.types import CommentRule, Effect, Json, behaviour_of
from notifications.wording.plaintext import clean_line, cut
from wfpush.web.pointers import MAX_ERRORS, pointer

MAX_DATA_BYTES = 64 * 1024
MAX_PEOPLE = 1_000
MAX_ACTION = 60
MAX_ROLES = 20
MAX_SLUG = 100

Fault = dict[str, str]
"""{"pointer", "detail"} of RFC 9457."""
Faults = list[Fault]
Check = Callable[[Any, str, Faults], None]

EFFECT_NAMES: tuple[str, ...] = get_args(Effect)
COMMENT_RULES: tuple[str, ...] = get_args(CommentRule)
SEVERITIES = ("warning", "error", "critical")

NEEDS: dict[str, tuple[str, ...]] = {
    "task.assigned": ("task/id", "task/name"),
    "task.updated": ("task/id",),
    "task.completed": ("task/id",),
    "task.cancelled": ("task/id",),
    "task.escalated": ("task/id",),
    "task.info_supplied": ("task/id", "info"),
    "task.message": ("task/id", "message/text"),
    "case.status_changed": ("case/id", "case/status"),
    "request.status_changed": ("case/id", "case/status"),
    "exception.raised": ("exception/code",),
    "exception.resolved": ("exception/code",),
}
NEEDS_ONE_OF: dict[str, tuple[str, ...]] = {
    "task.assigned": ("task/assignee", "task/candidates", "task/teams"),
    "exception.raised": ("case/id", "task/id"),
    "exception.resolved": ("case/id", "task/id"),
}

YEARS = range(1900, 3000)
"""The years in which instants are accepted."""
FIRST_YEAR = 1970
"""Deadlines before this year mean “never”."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)", re.ASCII)
_LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", re.ASCII)


def faults_of(event_type: str, data: Json) -> Faults:
    """Return the faults of the data of an event of this type, as many as an answer names; empty if there are none."""
    faults: Faults = []
    _DATA(data, "/data", faults)
    behaviour = behaviour_of(event_type)
    if behaviour == "task.message" and data.get("message") is not None:
        _MESSAGE(data["message"], "/data/message", faults)
    for path in NEEDS.get(behaviour, ()):
        if _empty(_at(data, path)):
            faults.append(fault(f"/data/{path}", f"{behaviour} needs {_dotted(path)}."))
    choice = NEEDS_ONE_OF.get(behaviour)
    if choice and all(_empty(_at(data, path)) for path in choice):
        faults.append(fault(f"/data/{choice[0]}", f"{behaviour} needs one of {', '.join(map(_dotted, choice))}."))
    if people_count(data) > MAX_PEOPLE:
        faults.append(fault("/data", f"An event may name {MAX_PEOPLE:,} people. Address a team instead."))
    return faults


def fault(where: str, detail: str) -> Fault:
    return {"pointer": where, "detail": detail}


def full(faults: Faults) -> bool:
    """Return whether there are as many faults as an answer names."""
    return len(faults) >= MAX_ERRORS


def people_count(data: Json) -> int:
    """Return how many people the data names, repetitions included."""
    single = [_at(data, path) for path in ("task/assignee", "task/initiator", "customer", "message/by")]
    many = [_at(data, path) for path in ("task/candidates", "recipients", "message/to")]
    roles = _at(data, "case/roles")
    for people in roles.values() if isinstance(roles, dict) else ():
        (many if isinstance(people, list) else single).append(people)
    return sum(person is not None for person in single) + sum(len(group) for group in many if isinstance(group, list))


def instant(text: Any) -> datetime | None:
    """Return the instant of an ISO 8601 time with offset, in UTC; None for anything else.

    Years outside YEARS are refused: nothing waits that long, and Python cannot compute with dates next to the
    calendar's ends.
    """
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in YEARS else None


def instant_in(document: Json, name: str) -> datetime | None:
    """Return a member that is an instant; None for any other value, and for years before FIRST_YEAR."""
    moment = instant(document.get(name))
    return moment if moment is not None and moment.year >= FIRST_YEAR else None


def title_in(document: Json, name: str, limit: int) -> str:
    """Return a member that is text as one line of at most `limit` characters, without those that could deceive a
    reader of lists; empty for any other value."""
    value = document.get(name)
    return cut(clean_line(value), limit) if isinstance(value, str) else ""


def is_id(value: Any, limit: int = MAX_ID) -> bool:
    """Return whether the value is an id or ref: text of 1 to `limit` characters without control characters."""
    return isinstance(value, str) and 0 < len(value) <= limit and not _CONTROL.search(value)


# --- checks of one value --------------------------------------------------------------------------
def _is(holds: Callable[[Any], bool], sentence: str) -> Check:
    def check(value: Any, here: str, faults: Faults) -> None:
        if not holds(value):
            faults.append(fault(here, sentence))

    return check


def _passes(validator: Callable[[Any], object], value: Any) -> bool:
    try:
        validator(value)
    except (ValidationError, TypeError, AttributeError):
        return False
    return True


def _is_locale(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 20 and _LOCALE.fullmatch(value) is not None


def _one_of(*words: str) -> Check:
    return _is(lambda value: value in words, f"Write one of {', '.join(words)}.")


def _text_up_to(limit: int) -> Check:
    return _is(
        lambda value: isinstance(value, str) and len(value) <= limit, f"Write text of at most {limit} characters."
    )


def _number(least: int, most: int) -> Check:
    def holds(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most

    return _is(holds, f"Write a number from {least} to {most}.")


_text = _is(lambda value: isinstance(value, str), "Write text.")
_id = _is(is_id, f"Write text of 1 to {MAX_ID} characters without control characters.")
_slug = _is(lambda value: is_id(value, MAX_SLUG), f"Write a team's slug: text of 1 to {MAX_SLUG} characters.")
_instant = _is(
    lambda value: instant(value) is not None, "Write an ISO 8601 time with its offset, such as 2026-11-25T16:00:00Z."
)
_email = _is(
    lambda value: value == "" or _passes(validate_mailbox, value), "Write an e-mail address such as erin@example.com."
)
_locale = _is(_is_locale, "Write a language such as de or pt-BR.")
_timezone = _is(lambda value: _passes(validate_timezone, value), "Write a time zone such as Europe/Berlin.")
_action_name = _is(
    lambda value: is_id(value, MAX_ACTION), f"Write the name of an action: text of 1 to {MAX_ACTION} characters."
)
_variable_name = _is(
    may_be_declared, f"Write the name of a variable: letters, digits, and none that begins with {OURS}."
)


# --- checks made of checks ------------------------------------------------------------------------
def _object(members: Mapping[str, Check], *required: str) -> Check:
    def check(value: Any, here: str, faults: Faults) -> None:
        if not isinstance(value, dict):
            faults.append(fault(here, "Write an object."))
            return
        for name in required:
            if value.get(name) is None:
                faults.append(fault(f"{here}/{name}", f"{name} is missing."))
        for name, member in value.items():
            check_member = None if full(faults) else members.get(name)
            if check_member is not None and member is not None:
                check_member(member, f"{here}/{name}", faults)

    return check


def _list(element: Check) -> Check:
    def check(value: Any, here: str, faults: Faults) -> None:
        if not isinstance(value, list):
            faults.append(fault(here, "Write a list."))
            return
        for index, member in enumerate(value):
            if full(faults):
                return
            element(member, f"{here}/{index}", faults)

    return check


def _text_or(short: Check, whole: Check) -> Check:
    """Return a check for a short form (a ref, the name of an action) or the full object."""

    def check(value: Any, here: str, faults: Faults) -> None:
        if isinstance(value, str):
            short(value, here, faults)
        elif isinstance(value, dict):
            whole(value, here, faults)
        else:
            faults.append(fault(here, "Write text or an object."))

    return check


def _actions(value: Any, here: str, faults: Faults) -> None:
    _list(_ACTION)(value, here, faults)
    names: set[str] = set()
    for index, action in enumerate(value if isinstance(value, list) else []):
        name = action.get("action") if isinstance(action, dict) else action
        if full(faults):
            return
        if isinstance(name, str) and name in names:
            faults.append(fault(pointer(here, index), "This action is named twice."))
        elif isinstance(name, str):
            names.add(name)


_ACTION = _text_or(
    _action_name,
    _object(
        {
            "action": _action_name,
            "title": _text_up_to(200),
            "effect": _one_of(*EFFECT_NAMES),
            "comment": _one_of(*COMMENT_RULES),
        },
        "action",
    ),
)
_PERSON_MEMBERS: dict[str, Check] = {
    "ref": _id,
    "name": _text_up_to(200),
    "email": _email,
    "phone": _text_up_to(40),
    "locale": _locale,
    "timezone": _timezone,
}
_PERSON = _text_or(_id, _object(_PERSON_MEMBERS, "ref"))
_PEOPLE = _list(_PERSON)


def _roles(value: Any, here: str, faults: Faults) -> None:
    """Check an object that maps the name of a role to a person, or to several."""
    if not isinstance(value, dict):
        faults.append(fault(here, "Write an object: the name of a role to a person or a list of people."))
        return
    if len(value) > MAX_ROLES:
        faults.append(fault(here, f"Name at most {MAX_ROLES} roles."))
    for role, people in value.items():
        if full(faults):
            return
        where = pointer(here, role)
        if not is_id(role, MOST_ROLE):
            faults.append(fault(where, f"Write the name of a role: text of 1 to {MOST_ROLE} characters."))
        elif people is not None:
            (_PEOPLE if isinstance(people, list) else _PERSON)(people, where, faults)


_TASK = _object(
    {
        "id": _id,
        "name": _text,
        "description": _text,
        "kind": _text,
        "assignee": _PERSON,
        "candidates": _PEOPLE,
        "teams": _list(_slug),
        "initiator": _PERSON,
        "due_at": _instant,
        "expires_at": _instant,
        "priority": _one_of(*Priority.values),
        "url": _text,
        "actions": _actions,
        "answer_variables": _list(_variable_name),
        "form": engine_forms.check,
    }
)
_DATA = _object(
    {
        "task": _TASK,
        "case": _object({"id": _id, "title": _text, "type": _text, "status": _text, "url": _text, "roles": _roles}),
        "exception": _object(
            {"code": _text, "summary": _text, "severity": _one_of(*SEVERITIES), "recommended_action": _text}
        ),
        "location": _object({"address": _text, "lat": _number(-90, 90), "lon": _number(-180, 180)}),
        "customer": _text_or(_id, _object(_PERSON_MEMBERS)),
        "documents": _list(_object({"title": _text, "url": _text}, "url")),
        "recipients": _PEOPLE,
        "variables": _object({}),
        "info": _text,
        "result": _object({"action": _text, "by": _PERSON, "at": _instant}),
    }
)

_MESSAGE = _object(
    {
        "text": _text_up_to(MOST_TEXT),
        "kind": _one_of(*MessageKind.values),
        "by": _PERSON,
        "to": _PEOPLE,
        "reply_to": _id,
    }
)
"""The check of `message` in `task.message`: other events may have a text of this name."""


def _at(data: Json, path: str) -> Any:
    value: Any = data
    for name in path.split("/"):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _empty(value: Any) -> bool:
    """Return whether a value is missing, null, an empty list, or text of spaces only."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _dotted(path: str) -> str:
    return path.replace("/", ".")


def summary(faults: Iterable[Fault]) -> str:
    """Return one sentence for all faults: the first one, and the number of others."""
    first, *more = faults
    others = f" ({len(more)} more, see errors)" if more else ""
    return f"{first['pointer'] or 'The event'}: {first['detail']}{others}"
