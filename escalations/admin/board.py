"""The list of late tasks: by how much, whose they are, who was told last, and what comes next."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from escalations import compliance
from escalations.admin.timeline import RESULT_TONES
from escalations.compliance import Choice
from escalations.kinds.base import StepDescription
from escalations.kinds.wording import of_rules, what
from escalations.models import Escalation, EscalationState, StepRun
from escalations.policies.rules import rules_of
from notifications import reasons
from notifications.admin.overview import ROWS, Panel, Row
from notifications.admin.words import NOTHING, ago, change_url, link, mark, shortened, span
from notifications.models import Task

PAGE = "admin:escalations_escalation_sla"
SHOWN = 20
NO_WORDS = SafeString("")


def board(overdue: QuerySet[Escalation], now: datetime) -> list[dict[str, Any]]:
    """Return the lines that `admin/desk/sla_board.html` shows."""
    clocks = list(
        overdue.select_related("task__assignee", "policy", "rules").prefetch_related(
            "runs", "task__teams", "task__candidates"
        )
    )
    words = {each.rules_id: of_rules(rules_of(each)) for each in {each.rules_id: each for each in clocks}.values()}
    return [_row(each, words[each.rules_id], now) for each in clocks]


def panel(now: datetime) -> Panel:
    """The panel on the desk's first page."""
    first = compliance.most_overdue(now, Choice(), ROWS).select_related("task__assignee", "policy")
    rows = [
        Row(
            _bad(span(_overdue(each, now))),
            shortened(each.task),
            " · ".join(filter(None, [_names_of(each.task), _policy(each)])),
            change_url(each),
        )
        for each in first.prefetch_related("task__teams", "task__candidates")
    ]
    return Panel(_("Late by their SLA"), reverse(PAGE), _("No SLA policy is missed just now."), rows)


def _row(clock: Escalation, words: dict[int, StepDescription], now: datetime) -> dict[str, Any]:
    runs, names = list(clock.runs.all()), _names_of(clock.task)
    owner = shortened(names, 60) if names else mark("bad", _("nobody's"))
    return {
        "late_by": _bad(_("late by %(span)s") % {"span": span(_overdue(clock, now))}),
        "task": link(clock.task),
        "owner": link(clock.task.assignee) if clock.task.assignee is not None else owner,
        "policy": link(clock, _policy(clock)),
        "notified": _notified(runs),
        "ahead": _ahead(clock, words, {(run.step, run.number) for run in runs}, now),
    }


def _overdue(clock: Escalation, now: datetime) -> timedelta:
    """How long overdue; for a paused clock, at its pause."""
    paused_at = clock.paused_at if clock.state == EscalationState.PAUSED else None
    return (paused_at or now) - clock.deadline


def _bad(words: str) -> SafeString:
    return format_html('<span class="desk-tone-bad">{}</span>', words)


def _policy(clock: Escalation) -> str:
    return str(clock.policy or _("a policy that is gone"))


def _names_of(task: Task) -> str:
    """The assignee; if there is none, teams and candidates."""
    if task.assignee is not None:
        return str(task.assignee)
    return ", ".join([*map(str, task.teams.all()), *map(str, task.candidates.all())])


def _notified(runs: Sequence[StepRun]) -> tuple[SafeString, SafeString, SafeString]:
    """Return who was notified last, when, and nothing; if the last step could notify nobody, its result, time and
    reason."""
    last = max(runs, key=_when, default=None)
    if last is not None and RESULT_TONES[last.result] == "bad":
        return (
            mark("bad", last.get_result_display()),
            ago(last.ran_at),
            shortened(reasons.words(last, "why"), 120) if last.why else NO_WORDS,
        )
    latest = max((run for run in runs if run.told), key=_when, default=None)
    if latest is None:
        return mark("quiet", _("nobody yet")), NO_WORDS, NO_WORDS
    names = dict.fromkeys(each["name"] for each in latest.told)
    return shortened(", ".join(names), 60), ago(latest.ran_at), NO_WORDS


def _when(run: StepRun) -> tuple[datetime, int]:
    return run.ran_at, run.pk


def _ahead(
    clock: Escalation, words: dict[int, StepDescription], taken: set[tuple[int, int]], now: datetime
) -> tuple[SafeString, SafeString]:
    """Return what comes next, and when."""
    if clock.state == EscalationState.PAUSED:
        return mark("wait", _("the answer to a question, before anybody is told")), NO_WORDS
    if clock.state == EscalationState.STOPPED:
        return mark("quiet", _("acknowledged: nobody is told any more")), NO_WORDS
    step = next((each for each in rules_of(clock).occurrences(clock.deadline) if each.key not in taken), None)
    if step is None:
        return mark("bad", _("nothing more: all steps are taken")), NO_WORDS
    at, description = max(step.at, clock.held_until or step.at), words.get(step.step.id)
    text = shortened(what(description), 90) if description else NOTHING
    return text, ago(at) if at > now else shortened(_("due now"))
