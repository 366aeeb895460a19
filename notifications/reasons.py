"""Reasons as facts: a code with arguments, stored as JSON, and worded in the reader's language.

The fact of `x` is stored as `x_fact`, in a column or as a member of JSON. Its text is made when it is read. JSON that
releases before 0.4.0 stored also has the text, as `x`, and may lack the fact.

Text from outside, such as that of a mail server, is the argument of a code (SAID).
"""

import json
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Union

from django.utils.translation import gettext, override
from django.utils.translation import gettext_noop as _

from notifications.types import Json
from wfpush.net.http_checks import NO_ANSWER as NO_HTTP_ANSWER
from wfpush.net.http_checks import OutboundError

Argument = Union[str, int, "Reason", tuple["Reason", ...]]

MAX_LENGTH = 500
"""Maximum number of stored characters of a text from outside."""
BETWEEN = "; "
FACT, FACTS = "_fact", "_facts"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason with arguments. As a string it is English. A code of a later version, or of a feature that is not
    installed, has the words of its name as text."""

    code: str
    arguments: tuple[tuple[str, Argument], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.code)

    def __str__(self) -> str:
        code = CODES.get(self.code)
        if code is None:
            return self.code.replace("_", " ")
        return code.form % {name: _english(value) for name, value in self.arguments}

    def words(self) -> str:
        """Return the text in the reader's language."""
        code = CODES.get(self.code)
        if code is None:
            return self.code.replace("_", " ")
        values = {name: _worded(value) for name, value in self.arguments}
        if code.translates:
            values = {name: gettext(value) if value else "" for name, value in values.items()}
        return (gettext(code.form) if code.is_worded else code.form) % values

    def argument(self, name: str) -> Argument | None:
        return dict(self.arguments).get(name)

    def as_json(self) -> Json | None:
        """Return the fact for storing; None for NOTHING."""
        if not self.code:
            return None
        return {"code": self.code, **{name: _as_json(value) for name, value in self.arguments}}


NOTHING = Reason("")


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of reason: its stored name, which never changes, and its English form.

    `is_worded`: the form is in the catalogues of languages. `translates`: its arguments are, too. `takes_away`: a copy
    is withdrawn from a person for it while the task goes on.
    """

    name: str
    form: str
    is_worded: bool = True
    translates: bool = False
    takes_away: bool = False

    def __call__(self, **arguments: object) -> Reason:
        return Reason(self.name, tuple(sorted((name, _plain(value)) for name, value in arguments.items())))


CODES: dict[str, Code] = {}
"""All codes, by name. Rooms add their own when they are imported."""


def code(name: str, form: str, **more: bool) -> Code:
    """Add a kind of reason. `form` is written as `_("…")`, so that catalogues have it."""
    assert name not in CODES, name
    CODES[name] = Code(name, form, **more)
    return CODES[name]


def taking_away() -> Set[str]:
    """Return the names of the codes for which a copy is withdrawn while the task goes on."""
    return {code.name for code in CODES.values() if code.takes_away}


def _plain(value: object) -> Argument:
    return value if isinstance(value, Reason | int | tuple) else str(value)


def _english(value: Argument) -> str | int:
    if isinstance(value, tuple):
        return BETWEEN.join(str(each) for each in value)
    return value if isinstance(value, int) else str(value)


def _worded(value: Argument) -> Any:
    if isinstance(value, Reason):
        return value.words()
    return BETWEEN.join(each.words() for each in value) if isinstance(value, tuple) else value


def _as_json(value: Argument) -> Any:
    if isinstance(value, Reason):
        return value.as_json()
    return [each.as_json() for each in value] if isinstance(value, tuple) else value


# --- making ---------------------------------------------------------------------------------------
SAID = code("said", "%(text)s", is_worded=False)
LABEL = code("label", "%(text)s", is_worded=False, translates=True)
SEVERAL = code("several", "%(reasons)s", is_worded=False)


def said(text: object) -> Reason:
    """Return a reason of text from outside: stored and shown unchanged."""
    return SAID(text=str(text)[:MAX_LENGTH]) if str(text) else NOTHING


def reason_of(said_or_reason: Reason | str) -> Reason:
    """Return the reason; a string becomes text from outside."""
    return said_or_reason if isinstance(said_or_reason, Reason) else said(said_or_reason)


def crashed(fault: Exception) -> Reason:
    """Return the reason for an internal error."""
    return said(f"{type(fault).__name__}: {fault}")


def label(choice: Any) -> Reason:
    """Return the reason for a member of `TextChoices`, shown by its label."""
    with override("en"):
        return LABEL(text=choice.label)


def joined(reasons: Iterable[Reason]) -> Reason:
    """Return several reasons as one."""
    parts = tuple(reason for reason in reasons if reason)
    return SEVERAL(reasons=parts) if len(parts) > 1 else parts[0] if parts else NOTHING


# --- storing and reading --------------------------------------------------------------------------
def as_column(reasons: Iterable[Reason]) -> list[str | None]:
    """Return the facts of many rows as JSON texts, for `unnest(…::text[])`."""
    facts = [reason.as_json() for reason in reasons]
    return [json.dumps(fact) if fact else None for fact in facts]


def with_text(reason: Reason) -> Json:
    """Return the columns `reason` and `reason_fact` of a service's state. `wfpush/` cannot make the text of a fact."""
    return {"reason": str(reason)[:MAX_LENGTH], "reason_fact": reason.as_json()}


class EnglishText:
    """The attribute `x` of a model with the column `x_fact`: its reason in English, made when it is read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, row: Any, owner: type) -> str:
        return str(read(row, self.name)) if row is not None else ""


def read(row: Any, name: str = "reason") -> Reason:
    """Return the stored reason of a row, or of a JSON object."""
    if isinstance(row, Mapping):
        return of(row.get(name + FACT)) or said(row.get(name) or "")
    return of(getattr(row, name + FACT))


def of(fact: Json | None) -> Reason:
    if not fact:
        return NOTHING
    arguments = sorted((name, _argument(value)) for name, value in fact.items() if name != "code")
    return Reason(fact["code"], tuple(arguments))


def words(row: Any, name: str = "reason") -> str:
    """Return the stored reason of a row, or of a JSON object, in the reader's language."""
    return read(row, name).words()


def read_list(row: Json, name: str) -> list[Reason]:
    """Return the reasons of a JSON object's member `name_facts`."""
    facts = row.get(name + FACTS)
    return [said(text) for text in row.get(name) or []] if facts is None else [of(fact) for fact in facts]


def in_words(value: Json) -> Json:
    """Return a JSON object with reasons in the reader's language, without the facts."""
    return _with_texts(value, words)


def in_text(value: Any) -> Any:
    """Return stored JSON for programs: reasons in English, without the facts."""
    if isinstance(value, Mapping):
        texts = _with_texts(value, lambda row, name: str(read(row, name)))
        return {name: in_text(each) for name, each in texts.items()}
    return [in_text(each) for each in value] if isinstance(value, list) else value


def _with_texts(value: Mapping[str, Any], text: Callable[[Mapping[str, Any], str], str]) -> Json:
    """Return a JSON object with `x` in place of each `x_fact`."""
    names = {name.removesuffix(FACT) for name in value if name.endswith(FACT)}
    others = {name: each for name, each in value.items() if name.removesuffix(FACT) not in names}
    return others | {name: text(value, name) for name in sorted(names)}


def _argument(value: Any) -> Argument:
    if isinstance(value, dict):
        return of(value)
    return tuple(of(each) for each in value) if isinstance(value, list) else value


# --- why routes and steps name a person ---------------------------------------------------------
ASSIGNEE = code("assignee", _("assignee"))
CANDIDATE = code("candidate", _("candidate"))
MANAGER = code("manager", _("manager of %(name)s"))
MANAGER_OF_LEVEL = code("manager_of_level", _("manager of %(name)s, level %(level)s"))
LEAD = code("lead", _("lead of team %(name)s"))
MEMBER = code("member", _("member of team %(name)s"))
DELEGATE = code("delegate", _("delegate of %(name)s (%(reason)s)"))
DELEGATE_FOR = code("delegate_for", _("delegate of %(name)s for %(part)s (%(reason)s)"))
OFFERED = code("offered", _("offered by %(name)s, who is away until %(until)s (%(reason)s)"))
OFFER_IS_OVER = code("offer_is_over", _("%(name)s takes care of it again"), takes_away=True)
FALLBACK = code("fallback", _("fallback owner: %(why)s"))
STARTED_IT = code("started_it", _("started it"))
FOLLOWS = code("follows", _("follows the case"))
HAS_ROLE = code("has_role", _("%(role)s of the case"))
ON_LIST = code("on_list", _("on the list for %(type)s"))
BY_EVENT = code("named_by_event", _("named by the event"))
BY_ROUTE = code("named_by_route", _("named by the rule"))
AT_PATH = code("named_at", _("named at %(path)s"))
CUSTOMER = code("customer", _("customer"))

# --- names that mean nobody -----------------------------------------------------------------------
UNKNOWN = code("unknown", _("unknown"))
NOT_INSTALLED = code("target_not_installed", _("targets of the kind %(kind)s are not installed"))
UNKNOWN_TEAM = code("unknown_team", _("unknown team"))
NOBODY_HAS_ROLE = code("nobody_has_role", _("nobody has this role in the case"))
NOBODY_ON_LIST = code("nobody_on_list", _("nobody is on a list for cases of this type"))
NO_LONGER_ACTIVE = code("no_longer_active", _("no longer active"))
TEAM_WITHOUT_LEAD = code("team_without_lead", _("the team has no lead"))
HAS_NO_MANAGER = code("has_no_manager", _("has no manager"))

# --- why a calendar is not read ---------------------------------------------------------------------
FEED_STATUS = code("feed_status", _("its server answers %(status)s"))
FEED_TOO_LARGE = code("feed_too_large", _("it is larger than %(limit)s kB"))
FEED_NO_CALENDAR = code("feed_no_calendar", _("the response is not a calendar (iCalendar, RFC 5545)"))
FEED_TOO_MANY = code("feed_too_many", _("it has more than %(most)s events, or rules by which they repeat"))
FEED_BROKEN = code("feed_broken", _("an event in it has invalid times or repetitions"))
FEED_ODD_RULE = code(
    "feed_odd_rule", _("an event repeats in an unsupported way: only days, weeks, months and years are read")
)
FEED_TOO_MUCH = code("feed_too_much", _("reading it takes too much time or memory"))
FEED_NOT_THERE = code("feed_not_there", _("no calendar was found at this address"))

# --- which routes and policies apply --------------------------------------------------------------
CONDITIONS = code("conditions", "%(conditions)s", is_worded=False)
MISSING = code("condition_missing", _("%(condition)s does not hold: it is missing"))
DIFFERS = code("condition_differs", _("%(condition)s does not hold: it is %(value)s"))
OF_ENGINE = code("of_engine", _("only for events of %(engine)s"))
NOT_FOR = code("not_for", _("not for %(type)s"))
STOPPED_BY = code("stopped_by", _("not tried: “%(route)s” stops the search"))
IS_TYPE = code("is_type", _("it is %(type)s"))

# --- why a person may not decide ------------------------------------------------------------------
ASKED_BY = code("asked_by", _("asked by %(name)s"))
ASKED_BY_ENGINE = code("asked_by_engine", _("asked by the engine"))
WRITTEN_TO = code("written_to", _("written to by %(name)s"))
WRITTEN_TO_BY_ENGINE = code("written_to_by_engine", _("written to by the engine"))
DECIDED_MEANWHILE = code("decided_meanwhile", _("the task has been decided"))
REPLIED_MEANWHILE = code("replied_meanwhile", _("the question has been answered"))
YOU_STARTED_IT = code("you_started_it", _("You started this, so somebody else must decide it. Nothing was sent."))
YOU_DECIDED_BEFORE = code(
    "you_decided_before",
    _("You decided the step before, so somebody else must decide this one. Nothing was sent."),
)

# --- why copies change or end ---------------------------------------------------------------------
URGENT = code("became_urgent", _("became urgent"))
CHANGED = code("changed_in_place", _("changed in place"))
ANSWER_RETURNED = code("answer_returned", _("changed before the answer was sent"))
COMPLETED = code("completed", _("Completed in the engine"))
CANCELLED = code("cancelled", _("Cancelled in the engine"))
REASSIGNED = code("reassigned", _("Reassigned"), takes_away=True)
REASSIGNED_TO = code("reassigned_to", _("Reassigned to %(name)s"), takes_away=True)
EXPIRED = code("expired", _("Expired"))
TASK_EXPIRED = code("task_expired", _("The task expired"))
TASK_ANSWERED = code("task_answered", _("The task was answered"))
NO_LONGER_MEMBER = code("no_longer_member", _("No longer a member of team %(name)s"), takes_away=True)
NO_LONGER_LEAD = code("no_longer_lead", _("No longer lead of team %(name)s"), takes_away=True)
NO_LONGER_MANAGER = code("no_longer_manager", _("No longer manager of %(name)s"), takes_away=True)
NO_LONGER_DELEGATE = code("no_longer_delegate", _("No longer stands in for %(name)s"), takes_away=True)
NO_LONGER_IN_ROLE = code("no_longer_in_role", _("No longer %(role)s of the case"), takes_away=True)
NO_LONGER_ON_LIST = code("no_longer_on_list", _("No longer on the list for %(type)s"), takes_away=True)
NOBODY_HAS_TASK = code("nobody_has_task", _("Nobody has the task any more"))

# --- why deliveries end or wait -------------------------------------------------------------------
TEMPLATE_TEST = code("template_test", _("a test of “%(template)s” v%(number)s, which you sent to yourself"))
UNAVAILABLE = code("channel_unavailable", _("this channel is not available"))
REACHED = code("reached", _("Reached in another way"))
AFTER_OTHERS = code("after_others", _("After the preferred channel had failed"))
TOO_OLD = code("too_old", _("Too old to be useful"))
SHOWS_ANOTHER = code("replaced", _("Its content was replaced"))
NO_ANSWER = code("service_silent", _("The push service does not answer"))
WAITS_FOR_SERVICE = code(
    "waits_for_service", _("%(service)s does not accept our credentials and is paused for a while")
)
LEFT_ALONE = code("service_left_alone", _("%(service)s does not work and is paused for a while"))
REFUSED_HERE = code("refused_before_sent", _("Refused before it was sent: %(words)s"))
TOO_LONG = code("too_long", _("The message does not fit into %(limit)s bytes, even without its words."))
MAY_HAVE_ARRIVED = code("may_have_arrived", _("An earlier attempt may have arrived, and it is not sent twice"))
TURNED_OFF = code("turned_off", _("turned off by this person"))
OFF_FOR_TEAM = code("off_for_team", _("turned off for team %(name)s"))
OFF_FOR_BRAND = code("off_for_brand", _("turned off for brand %(name)s"))
HELD_QUIET = code("held_quiet", _("quiet hours until %(until)s"))
HELD_DIGEST = code("held_digest", _("comes in a digest at %(until)s"))
HELD_REPEATS = code("held_repeats", _("repeats: comes in a digest at %(until)s"))
HELD_THROTTLE = code("held_throttle", _("hourly limit of this person: the others come at %(until)s"))
HELD_SNOOZED = code("held_snoozed", _("snoozed until %(until)s"))
MUTED_CASE = code("muted_case", _("this person has muted the case"))
SENT_TOGETHER = code("sent_together", _("in a digest of %(number)s"))
NEWER_MESSAGE = code("newer_message", _("A newer message says the same"))
TOO_MANY_AN_HOUR = code("too_many_an_hour", _("This person has got %(most)s messages this way within an hour"))
NETWORK_DELIVERED = code("network_delivered", _("The network has delivered it"))
NETWORK_LOST = code("network_lost", _("The network has not delivered it"))
NETWORK_LOST_SAYS = code("network_lost_says", _("The network has not delivered it: %(words)s"))
ASKS_TO_WAIT = code("asks_to_wait", _("%(service)s asks to wait: %(words)s"))

# --- effects of events, and gaps in their messages ----------------------------------------------
OLDER_EVENT = code("older_event", _("Older than the known state of the task: stored, changes nothing."))
ANSWER_WAITS = code("answer_waits", _("An answer waits for the engine: applied if the task opens again."))
TASK_HAD_ENDED = code("task_had_ended", _("The task had ended (%(state)s): stored, changes nothing."))
TASK_HAD_ENDED_ALREADY = code("task_had_ended_already", _("The task had already ended: stored, changes nothing."))
UNKNOWN_TASK = code("unknown_task", _("The task is unknown: stored, changes nothing."))
TOLD_AS = code("told_as", _("People are notified by the event %(event)s."))
BAD_LINK = code("bad_link", _("Dropped a link that is not a web address: %(path)s"))
NO_PUBLISHED_VERSION = code("no_published_version", _("The template has no published version."))
TEMPLATE_FAILED = code("template_failed", "%(version)s: %(words)s", is_worded=False)
MISSING_VALUE = code("missing_value", _("%(name)s is missing; “—” is shown instead."))
SENSITIVE_VALUE = code(
    "sensitive_value", _("%(name)s is sensitive, and lock screens do not show it; “—” is shown instead.")
)
ODD_VALUE = code("odd_value", _("%(words)s; “—” is shown instead."))
EMPTY_TITLE = code("empty_title", _("The title came out empty; the template's name is shown instead."))

# --- why a server gave no answer -----------------------------------------------------------------
NO_HTTP_CODES = {name: code(f"http_{name}", form) for name, form in NO_HTTP_ANSWER.items()}


def not_reached(fault: OutboundError) -> Reason:
    return NO_HTTP_CODES[fault.why](**fault.arguments) if fault.why else said(fault.detail)


# --- why devices and their links end --------------------------------------------------------------
DEVICE_REMOVED = code("device_removed", _("The device was removed"))
SIGNED_OUT = code("signed_out", _("Signed out"))
SIGNED_OUT_BY_DESK = code("signed_out_by_desk", _("Signed out by the administration"))
SIGNED_OUT_BY_PROVIDER = code("signed_out_by_provider", _("Signed out at the identity provider"))
NEW_OWNER = code("new_owner", _("The device has a new owner"))
PERSON_INACTIVE = code("person_inactive", _("No longer active"))
ACCOUNT_CLOSED = code("account_closed", _("The account was closed"))
NEW_PASSWORD = code("new_password", _("The password was changed"))
TOO_MANY_DEVICES = code("too_many_devices", _("More than %(count)s devices"))
SUBSCRIPTION_EXPIRED = code("subscription_expired", _("The subscription expired"))
VOIDED_BY_DESK = code("voided_by_desk", _("an administrator voided it"))
