"""The page between editing and saving a policy: it shows the effect on open tasks, and asks whether they follow it."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from escalations.forecast import policy_change
from escalations.forecast.policy_change import Effect, Turn
from escalations.models import Policy
from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.display import Tone, link, mark, there
from notifications.wording.sentences import Text

ANSWER, KEEP, GIVE = "_open_tasks", "keep", "give"
"""The field with the answer: open tasks keep their rules, or get the new ones."""
EDIT = "_edit"
ROWS = 20

TURNS: dict[Turn, tuple[Tone, Text]] = {
    Turn.NEVER: ("bad", gettext_lazy("never")),
    Turn.SOONER: ("wait", gettext_lazy("earlier")),
    Turn.LATER: ("wait", gettext_lazy("later")),
    Turn.FIRST: ("wait", gettext_lazy("for the first time")),
    Turn.OTHERWISE: ("quiet", gettext_lazy("otherwise")),
}
"""The tone and the word of each turn, in the order of the page."""


def question(desk: DeskAdmin, request: HttpRequest, effect: Effect) -> HttpResponse | None:
    """Return the page that asks, and roll the transaction back; None where there is nothing to ask.

    Called at the end of the transaction that saves the policy.
    """
    if ANSWER in request.POST or not effect.changes:
        return None
    order = list(TURNS)
    changes = sorted(effect.changes, key=lambda change: (order.index(change.turn), change.before or change.after))
    context = {
        "sentences": list(sentences(effect)),
        "rows": [
            {
                "task": link(change.task),
                "turn": mark(*TURNS[change.turn]),
                "before": _time(change.before),
                "after": _time(change.after),
            }
            for change in changes[:ROWS]
        ],
        "left_out": max(len(changes) - ROWS, 0),
        "fields": [
            (name, str(value))
            for name, values in request.POST.lists()
            if name not in ("csrfmiddlewaretoken", EDIT)
            for value in values
        ],
        "answer": ANSWER,
        "edit": EDIT,
    }
    transaction.set_rollback(True)
    return desk.page(request, "admin/desk/policy_effect.html", gettext("Before it is saved"), **context)


def of_policy(request: HttpRequest, policy: Policy) -> Effect:
    """Return the effect of a policy that was just saved; an empty one if the user has already answered."""
    return Effect(policy) if ANSWER in request.POST else policy_change.of_policy(policy, timezone.now())


# --- sentences --------------------------------------------------------------------------------------------------------
def sentences(effect: Effect) -> Iterator[str]:
    counts = effect.counts
    what = ", ".join(_count_sentence(turn, counts[turn]) for turn in TURNS if counts[turn])
    many = min(effect.clocks, policy_change.MAX_CLOCKS)
    text = ngettext("%(count)d open task follows it: %(what)s.", "%(count)d open tasks follow it: %(what)s.", many)
    yield text % {"count": many, "what": what}
    if effect.clocks > policy_change.MAX_CLOCKS:
        yield gettext("There are more; these are due first.")
    if effect.joining:
        yield joining(effect)


def _count_sentence(turn: Turn, count: int) -> str:
    if turn == Turn.SOONER:
        text = ngettext("%(count)d would escalate earlier", "%(count)d would escalate earlier", count)
    elif turn == Turn.LATER:
        text = ngettext("%(count)d would escalate later", "%(count)d would escalate later", count)
    elif turn == Turn.NEVER:
        text = ngettext("%(count)d would never escalate", "%(count)d would never escalate", count)
    elif turn == Turn.FIRST:
        text = ngettext(
            "%(count)d would escalate and has no next step now",
            "%(count)d would escalate and have no next step now",
            count,
        )
    else:
        text = ngettext(
            "%(count)d would escalate at the same time, but otherwise",
            "%(count)d would escalate at the same time, but otherwise",
            count,
        )
    return text % {"count": count}


def joining(effect: Effect) -> str:
    text = ngettext(
        "%(count)d open task that follows another policy or none fits this one. It is left as it is.",
        "%(count)d open tasks that follow another policy or none fit this one. They are left as they are.",
        effect.joining,
    )
    return text % {"count": effect.joining}


def following(count: int) -> str:
    text = ngettext("%(count)d open task follows it now.", "%(count)d open tasks follow it now.", count)
    return text % {"count": count}


def _time(instant: datetime | None) -> str:
    if instant is None:
        return gettext("never")
    return there(instant) if instant > timezone.now() else gettext("at once")
