"""Why somebody is told, or nobody is: kept in English, and said in the reader's language by the same forms."""

import re
from functools import cache

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

# --- whom a step did not find (targets.py, dead_ends.py) --------------------------------------------------------------
LEFT = _("%(name)s is no longer active")
AWAY = _("%(name)s is away, and nobody stands in")
NO_MANAGER = _("%(name)s has no manager")
CIRCLE = _("the managers of %(name)s lead in a circle")
NO_ASSIGNEE = _("the task has no assignee")
NO_CANDIDATES = _("the task has no candidates")
NO_TEAM_WITH_MEMBERS = _("the task has no team with members")
NO_MEMBERS = _("team %(name)s has no members")
NO_LEAD = _("team %(name)s has no lead")
NO_TEAM_TO_LEAD = _("there is no team whose lead could hear")
TEAM_GONE = _("the team is no more")
PERSON_GONE = _("the person is no more")
INBOX_ONLY = _("%(names)s would see it in the inbox only: no device and no e-mail")

# --- whom it found ----------------------------------------------------------------------------------------------------
FALLBACK = _("fallback owner: %(why)s")
DELEGATE = _("delegate of %(name)s (%(reason)s)")
MANAGER_OF_LEVEL = _("manager of %(name)s, level %(level)s")
MANAGER = _("manager of %(name)s")
LEAD = _("lead of team %(name)s")
MEMBER = _("member of team %(name)s")

# --- who is to have a task (engine_calls.py) --------------------------------------------------------------------------
ASKED = _("%(engine)s is asked to give it to %(name)s (%(reason)s)")
HAS_IT = _("%(name)s has it already")
HAD_IT = _("%(name)s had it before, and does not get it back")
FOUR_EYES = _("%(name)s may not decide it, by “%(rule)s”")

FORMS = (
    *(LEFT, AWAY, NO_MANAGER, CIRCLE, NO_ASSIGNEE, NO_CANDIDATES, NO_TEAM_WITH_MEMBERS, NO_MEMBERS, NO_LEAD),
    *(NO_TEAM_TO_LEAD, TEAM_GONE, PERSON_GONE, INBOX_ONLY),
    *(FALLBACK, DELEGATE, MANAGER_OF_LEVEL, MANAGER, LEAD, MEMBER),
    *(ASKED, HAS_IT, HAD_IT, FOUR_EYES),
    _("assignee"),
    _("candidate"),
    _("named by the policy"),
    _("nobody else was found"),
    # what else steps say (steps.py, engine_calls.py, due_steps.py)
    _("The priority was %(priority)s already"),
    _("The priority is %(priority)s"),
    _("%(engine)s has no address to call"),
    _("%(engine)s is told"),
    _("Its time was before the task came"),
    _("Missed, and step %(step)s tells of it"),
    # which policies and routes apply (matching.py, notifications/routing/route.py)
    _("only for another engine"),
    _("the task has no due date"),
    _("it fits every task"),
    _("%(condition)s does not hold: it is missing"),
    _("%(condition)s does not hold: it is %(value)s"),
    _("only for events of %(engine)s"),
    _("not for %(type)s"),
    _("not tried: “%(route)s” says to stop there"),
    _("it is %(type)s"),
    # whom routes name, and what is not sent (notifications/routing/route.py, addressing.py, transports)
    _("started it"),
    _("follows the case"),
    _("named by the event"),
    _("named by the route"),
    _("named at %(path)s"),
    _("customer"),
    _("unknown"),
    _("unknown team"),
    _("no longer active"),
    _("the team has no lead"),
    _("has no manager"),
    _("became urgent"),
    _("this channel is not available"),
    _("No e-mail address is known."),
    _("No app is registered."),
    _("No browser is registered."),
    _("No AppWorks Gateway is set up."),
    _("No user name at the AppWorks Gateway is known."),
)
"""Special forms before general ones."""
REASONS = ("why", "reason")
"""Names in whose place another reason stands."""
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def said(reason: str) -> str:
    """In the reader's language, several with “; ” between them; what has none of the forms as it is kept."""
    for form, pattern in _patterns():
        if found := pattern.fullmatch(reason):
            parts = found.groupdict()
            return gettext(form) % {name: said(part) if name in REASONS else part for name, part in parts.items()}
    first, between, others = reason.partition("; ")
    return f"{said(first)}; {said(others)}" if between else reason


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(form, _pattern(form)) for form in FORMS]


def _pattern(form: str) -> re.Pattern[str]:
    parts = PLACEHOLDER.split(form)
    names = [f"(?P<{name}>{'.+' if name in REASONS else '(?:(?!; ).)+?'})" for name in parts[1::2]]
    texts = [re.escape(text) for text in parts[::2]]
    return re.compile("".join(text + name for text, name in zip(texts, [*names, ""], strict=True)), re.DOTALL)
