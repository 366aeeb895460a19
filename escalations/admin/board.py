"""What is late now, a line a task: by how much, whose it is, who was told last, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from escalations.admin.timeline import RESULT_TONES
from escalations.models import Escalation, EscalationState, StepRun
from escalations.rules import Occurrence, rules_of
from escalations.wording import Said, of_rules, what
from notifications.admin.words import NOTHING, ago, due, link, mark, shortened, span, with_why
from notifications.models import Task

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Row:
    late_by: SafeString
    task: SafeString
    whose: SafeString
    policy: SafeString
    told: tuple[SafeString, SafeString]
    """Whom, and when."""
    ahead: tuple[SafeString, SafeString]
    """What comes next, and when."""


def board(overdue: QuerySet[Escalation], now: datetime) -> list[Row]:
    clocks = list(
        overdue.select_related("task__assignee", "policy", "rules").prefetch_related(
            "runs", "task__teams", "task__candidates"
        )
    )
    words = {each.rules_id: of_rules(rules_of(each)) for each in {each.rules_id: each for each in clocks}.values()}
    return [_row(each, words[each.rules_id], now) for each in clocks]


def _row(clock: Escalation, words: dict[int, Said], now: datetime) -> Row:
    runs = list(clock.runs.all())
    return Row(
        _late_by(clock),
        link(clock.task),
        _whose(clock.task),
        link(clock, clock.policy or _("a policy that is gone")),
        _told(runs),
        _ahead(clock, words, {(run.step, run.number) for run in runs}, now),
    )


def _late_by(clock: Escalation) -> SafeString:
    """Of a clock that stands still, as late as it was then."""
    if clock.paused_at is None or clock.state != EscalationState.PAUSED:
        return due(clock.deadline)
    text = _("late by %(span)s") % {"span": span(clock.paused_at - clock.deadline)}
    return format_html('<span class="desk-tone-bad">{}</span>', text)


def _whose(task: Task) -> SafeString:
    if task.assignee is not None:
        return link(task.assignee)
    names = [*map(str, task.teams.all()), *map(str, task.candidates.all())]
    return shortened(", ".join(names), 60) if names else mark("bad", _("nobody's"))


def _told(runs: Sequence[StepRun]) -> tuple[SafeString, SafeString]:
    """The last who were told; where nobody could be since, that."""
    last = max(runs, key=lambda run: (run.ran_at, run.pk), default=None)
    if last is not None and RESULT_TONES[last.result] == "bad":
        said = mark("bad", last.get_result_display())
        return with_why(said, shortened(last.why, 120)) if last.why else said, ago(last.ran_at)
    told = max((run for run in runs if run.told), key=lambda run: (run.ran_at, run.pk), default=None)
    if told is None:
        return mark("quiet", _("nobody yet")), SafeString("")
    names = dict.fromkeys(each["name"] for each in told.told)
    return shortened(", ".join(names), 60), ago(told.ran_at)


def _ahead(
    clock: Escalation, words: dict[int, Said], taken: set[tuple[int, int]], now: datetime
) -> tuple[SafeString, SafeString]:
    if clock.state == EscalationState.PAUSED:
        return mark("wait", _("the answer to a question, before anybody is told")), SafeString("")
    if clock.state == EscalationState.STOPPED:
        return mark("quiet", _("acknowledged: nobody is told any more")), SafeString("")
    step = next((each for each in rules_of(clock).occurrences(clock.deadline) if each.key not in taken), None)
    if step is None:
        return mark("bad", _("nothing more: all steps are taken")), SafeString("")
    at = max(step.at, clock.held_until or step.at)
    return _named(step, words), ago(at) if at > now else SafeString(_("due now"))


def _named(step: Occurrence, words: dict[int, Said]) -> SafeString:
    said = words.get(step.step.id)
    return shortened(what(said), 90) if said else NOTHING
