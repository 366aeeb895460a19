"""The outcome of a task as a sentence: who did what, and whether the engine has it."""

from collections.abc import Callable
from datetime import datetime

from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.admin.desk.display import INNER_QUOTES, NOTHING, Tone, mark, moment, with_why
from notifications.models import CallbackState, Task
from notifications.types import Json, text_in

SENTENCES: dict[str, Callable[[], str]] = {
    "approve": lambda: _("%(name)s approved"),
    "reject": lambda: _("%(name)s rejected"),
    "acknowledge": lambda: _("%(name)s acknowledged it"),
    "request_info": lambda: _("%(name)s asked for information"),
    "complete": lambda: _("%(name)s completed it"),
}
CALLBACK_TONES: dict[str, Tone] = {
    CallbackState.WAITING: "wait",
    CallbackState.DELIVERED: "ok",
    CallbackState.HANDLED: "ok",
    CallbackState.REFUSED: "bad",
    CallbackState.SUPERSEDED: "quiet",
    CallbackState.TAKEN_BACK: "quiet",
    CallbackState.RETURNED: "quiet",
    CallbackState.FAILED: "bad",
}
UNTAKEN = (CallbackState.REFUSED, CallbackState.FAILED)


def outcome_of(task: Task) -> str:
    """Return a sentence such as “Bob Bauer approved”; empty while nobody has done anything."""
    outcome: Json = task.outcome or {}
    action, name = str(outcome.get("action") or ""), _name(outcome)
    if not action:
        return _("%(name)s completed it in the engine") % {"name": name} if name else ""
    if not name:
        return _("“%(action)s”, in the engine") % {"action": _title(task, action)}
    if action in SENTENCES:
        return SENTENCES[action]() % {"name": name}
    return _("%(name)s answered “%(action)s”") % {"name": name, "action": _title(task, action)}


def outcome_with_fault(task: Task, tone: Tone) -> SafeString | None:
    """Return the task's outcome with the engine's state if the engine has not taken the answer; None without one."""
    text = outcome_of(task)
    if not text:
        return None
    state = _engine_state(task.outcome)
    return with_why(mark(tone, text), mark("bad", state.label) if state is not None and state in UNTAKEN else "")


def outcome_in_full(task: Task, tone: Tone) -> SafeString:
    """Return the task's outcome with its time; below it, the engine's state and the reason."""
    text = outcome_of(task)
    if not text:
        return NOTHING
    state, at = _engine_state(task.outcome), _instant(task.outcome)
    why = reasons.in_words(task.outcome).get("detail") or ""
    engine = format_html("{} {}", mark(CALLBACK_TONES[state], state.label), why) if state else why
    return with_why(format_html("{} {}", mark(tone, text), moment(at) if at else ""), engine)


def _title(task: Task, name: str) -> str:
    """Return the action's title from the engine, else its name made readable."""
    matching_actions = (each for each in task.actions if isinstance(each, dict) and each.get("action") == name)
    titles = (text_in(each, "title", 60) for each in matching_actions)
    return (next(titles, "") or str(capfirst(name.replace("_", " ").replace("-", " ")))).translate(INNER_QUOTES)


def _name(outcome: Json) -> str:
    by = outcome.get("by")
    return str(by.get("name") or by.get("ref") or "") if isinstance(by, dict) else ""


def _engine_state(outcome: Json) -> CallbackState | None:
    state = outcome.get("engine")
    return CallbackState(state) if state in CallbackState.values else None


def _instant(outcome: Json) -> datetime | None:
    try:
        return parse_datetime(str(outcome.get("at") or ""))
    except ValueError:
        return None
