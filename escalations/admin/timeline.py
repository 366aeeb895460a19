"""A clock as lines of text: its beginning with the reason, each step with its recipients, and the steps to come."""

from django.utils import timezone
from django.utils.translation import gettext as _

from escalations.clocks.clock import done
from escalations.kinds.base import StepDescription
from escalations.kinds.wording import numbered, of_rules
from escalations.models import Escalation, EscalationState, RunResult, StepRun
from escalations.policies.rules import RuleSet, rules_of
from notifications import reasons
from notifications.admin.desk.display import Tone, change_url, short
from notifications.admin.ledger.outcomes import CALLBACK_TONES
from notifications.admin.ledger.timeline import DayLine, Line, people
from notifications.models import Callback, Event

TO_COME = 20
"""The number of lines about steps to come."""

RESULT_TONES: dict[str, Tone] = {
    RunResult.DONE: "ok",
    RunResult.NOBODY: "bad",
    RunResult.OVERTAKEN: "quiet",
    RunResult.TOO_EARLY: "quiet",
    RunResult.FAILED: "bad",
}


def lines(escalation: Escalation) -> list[Line]:
    rules = rules_of(escalation)
    words = of_rules(rules)
    began = {"why": reasons.words(escalation, "why") or escalation.rules.data.get("name", "")}
    due = _("due %(time)s") % {"time": short(escalation.deadline)}
    runs = list(escalation.runs.select_related("event", "rules").order_by("due_at", "pk"))
    calls = Callback.objects.in_bulk([run.event_id for run in runs if run.event_id])
    spoken = {run.rules_id: of_rules(rules_of(run)) for run in runs if run.rules_id != escalation.rules_id}
    return [
        DayLine(_("the clock was started by %(why)s") % began, "ok", escalation.started_at, due),
        *(_run(run, spoken.get(run.rules_id, words), calls.get(run.event_id)) for run in runs),
        *_standstill_lines(escalation),
        *_upcoming_lines(escalation, rules, words),
        *([DayLine(ended(escalation), "ok", escalation.ended_at)] if escalation.ended_at is not None else []),
    ]


def _run(run: StepRun, words: dict[int, StepDescription], call: Callback | None) -> Line:
    line = DayLine(_step_text(words.get(run.step), run.number), RESULT_TONES[run.result], run.ran_at)
    outcome = "" if run.result == RunResult.DONE else run.get_result_display()
    line.detail = ": ".join(filter(None, [outcome, reasons.words(run, "why")]))
    line.href = change_url(run.event) if run.event else ""
    line.below = [*(_recipient_lines(run.event) if run.event else []), *([_answer_line(call)] if call else [])]
    return line


def _answer_line(call: Callback) -> Line:
    """Return a line with the engine's answer to a step that calls it."""
    detail = reasons.words(call, "alert") or reasons.words(call, "detail")
    line = DayLine(call.get_state_display(), CALLBACK_TONES[call.state], call.ended_at, detail)
    line.href = change_url(call)
    return line


def _recipient_lines(event: Event) -> list[Line]:
    """Return a line for each recipient, without the detail that the policy names them."""
    lines = people(event)
    for line in lines:
        line.detail = ""
    return lines


def _step_text(step: StepDescription | None, number: int) -> str:
    return numbered(step, number) if step else _("a step")


# --- standstill and next steps ----------------------------------------------------------------------------------------
def _standstill_lines(escalation: Escalation) -> list[Line]:
    """Return a line with the reason why no steps are taken now, or nothing."""
    if escalation.ended_at is not None:
        return []
    if escalation.state == EscalationState.PAUSED:
        text = _("paused by a question: the clock is paused until it is answered")
        return [DayLine(text, "wait", escalation.paused_at)]
    if escalation.state == EscalationState.STOPPED:
        return [Line(_("acknowledged: no more notifications"), "quiet")]
    if escalation.held_until is not None and escalation.held_until > timezone.now():
        return [DayLine(_("acknowledged: no notifications until then"), "wait", escalation.held_until)]
    return []


def _upcoming_lines(escalation: Escalation, rules: RuleSet, words: dict[int, StepDescription]) -> list[Line]:
    """Return the steps to come by the clock's present state; a pause or another due date will move them."""
    if escalation.state not in (EscalationState.RUNNING, EscalationState.PAUSED):
        return []
    taken = done(escalation)
    left = [each for each in rules.occurrences(escalation.deadline) if each.key not in taken]
    upcoming: list[Line] = []
    for each in left[:TO_COME]:
        at = max(each.at, escalation.held_until or each.at)
        upcoming.append(DayLine(_step_text(words.get(each.step.id), each.number), "wait", at))
    if (more := len(left) - TO_COME) > 0:
        upcoming.append(Line(_("and %(count)d more after that") % {"count": more}, "quiet"))
    return upcoming


def ended(escalation: Escalation) -> str:
    return _("over: %(how)s") % {"how": reasons.words(escalation, "end_reason")} if escalation.end_reason else _("over")
