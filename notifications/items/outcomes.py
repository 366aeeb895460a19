"""Sentences about the outcome of an item: the same words as static/wfpush/outcomes.js has for live changes.

Both are tested with tests/vectors/inbox_words.json.
"""

from datetime import datetime, timedelta

from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst

from notifications import reasons
from notifications.items.glance import engine_name
from notifications.models import Notification, NotificationState, Recipient, TaskState
from notifications.reasons import Reason
from notifications.types import Json
from notifications.wording import names
from notifications.wording.languages import read_in, reading_language
from notifications.wording.sentences import TEXTS, say, say_of
from notifications.wording.times import short_time, when

REASONS = {
    reasons.COMPLETED.name: "reason_completed",
    reasons.CANCELLED.name: "reason_cancelled",
    reasons.REASSIGNED.name: "reason_reassigned",
    reasons.REASSIGNED_TO.name: "reason_reassigned_to",
}
"""Text keys for the reasons of withdrawn copies."""

CHANGED = "changed"
"""The member `engine` of an outcome that was not sent, because the content that it decides about had changed."""

LONG = timedelta(minutes=1)
"""Time after which the sentence has the time since which the engine has not replied."""


def outcome_of(notification: Notification, reader: Recipient, now: datetime) -> str:
    """Return the sentence for an item's outcome; empty while there is none."""
    outcome, state = names.seen_by(notification.outcome, reader) or {}, notification.state
    if state == NotificationState.EXPIRED:
        return say("expired")
    if state == NotificationState.WITHDRAWN and not outcome.get("by"):
        return why_withdrawn(reasons.read(notification), reader)
    if not outcome or _is_past(notification):
        return ""
    system = engine_name(notification, reader) or say("the_system")
    if outcome.get("engine") == "refused":
        return _refused(outcome, system, reader)
    if outcome.get("engine") == CHANGED:
        return _given_back(outcome, reader, now)
    title = action_title(notification, str(outcome["action"]), reader)
    if is_mine(outcome, reader):
        return f"{_done(outcome, title, reader)} {_engine(outcome, system, now, reader)}".strip()
    if outcome.get("to") and state == NotificationState.OPEN:
        return _question_sentence(outcome, reader, now)
    return _by_others(outcome, title, now, reader, still_open=state == NotificationState.OPEN)


def _done(outcome: Json, title: str, reader: Recipient) -> str:
    """Return the sentence for the reader's own answer; for a question also its addressee, and if the clock stands."""
    to, away = _name(outcome, "to"), _name(outcome, "away")
    if outcome.get("late"):
        return say("done_reply_late", customer=reader.external)
    if not to:
        return say_of("done", outcome["action"], title=title)
    text = say("sent_for", name=to, away=away) if away else say("sent_to", name=to)
    return f"{text} {say('clock_paused')}" if outcome.get("paused") else text


def _question_sentence(outcome: Json, reader: Recipient, now: datetime) -> str:
    name, at = _name(outcome, "by"), parse_time(outcome.get("at"))
    arguments: Json = {"name": name, "to": _name(outcome, "to"), "when": when(at, now) if at is not None else ""}
    return say("others_asked_you" if outcome["to"].get("ref") == reader.ref else "others_asked", **arguments)


def _name(outcome: Json, member: str) -> str:
    return str((outcome.get(member) or {}).get("name") or "")


def mood_of(notification: Notification, reader: Recipient) -> str:
    """Return `good` if the reader's own answer has arrived, `bad` if it has not and somebody must act."""
    outcome = notification.outcome or {}
    if _is_past(notification):
        return ""
    if outcome.get("engine") in ("refused", "failed", CHANGED):
        return "bad"
    there = outcome.get("engine") in ("delivered", "kept", "handled") or outcome.get("action") == "reply"
    return "good" if there and is_mine(outcome, reader) else ""


def is_mine(outcome: Json, reader: Recipient) -> bool:
    return (outcome.get("by") or {}).get("ref") == reader.ref


def is_waiting(notification: Notification, reader: Recipient) -> bool:
    """Return whether the reader's own answer is being sent to the engine."""
    outcome = notification.outcome or {}
    return outcome.get("engine") == "waiting" and is_mine(outcome, reader)


def may_undo(notification: Notification, reader: Recipient, now: datetime) -> bool:
    """Return whether the reader may still take the answer back."""
    outcome = notification.outcome or {}
    return _is_held(outcome, now) and is_mine(outcome, reader)


def _is_held(outcome: Json, now: datetime) -> bool:
    until = parse_time(outcome.get("undo_until"))
    return until is not None and now < until


def action_title(notification: Notification, name: str, reader: Recipient) -> str:
    """Return the label of an answer if it has one, else the action's name made readable."""
    actions = (action for action in notification.actions if action["action"] == name)
    titles = (read_in(action, reading_language(reader)).title for action in actions)
    return next(titles, "") or capfirst(name.replace("_", " ").replace("-", " "))


def _is_past(notification: Notification) -> bool:
    """Return whether the outcome is a question that has been answered since: the item's history shows both."""
    outcome, task = notification.outcome or {}, notification.task
    is_question = outcome.get("action") == "request_info" and outcome.get("engine") != "refused"
    return is_question and task is not None and task.state in (TaskState.OPEN, TaskState.ACKNOWLEDGED)


def _engine(outcome: Json, system: str, now: datetime, reader: Recipient) -> str:
    key, at = f"engine_{outcome.get('engine')}", parse_time(outcome.get("at"))
    if key == "engine_waiting" and _is_held(outcome, now):
        return say("engine_held", customer=reader.external, system=system)
    if key == "engine_waiting" and outcome.get("connect"):
        return say("engine_connect", engine=outcome["connect"])
    if key == "engine_waiting" and at is not None and now - at >= LONG:
        return say("engine_waiting_since", customer=reader.external, system=system, when=short_time(at, now))
    return say(key, customer=reader.external, system=system) if key in TEXTS else ""


def _refused(outcome: Json, system: str, reader: Recipient) -> str:
    detail = reasons.words(outcome, "detail").strip()
    if not detail:
        return say("engine_refused_silently", customer=reader.external, system=system)
    return say("engine_refused", customer=reader.external, system=system, detail=sentence(detail))


def _given_back(outcome: Json, reader: Recipient, now: datetime) -> str:
    at = parse_time(outcome.get("at"))
    if is_mine(outcome, reader) or at is None:
        return say("given_back")
    return say("given_back_others", name=_name(outcome, "by"), when=when(at, now))


def _by_others(outcome: Json, title: str, now: datetime, reader: Recipient, *, still_open: bool) -> str:
    name, at = (outcome.get("by") or {}).get("name") or "", parse_time(outcome.get("at"))
    if not name or at is None:
        return say("already_handled", customer=reader.external)
    prefix = "others" if still_open else "already"
    return say_of(prefix, outcome["action"], name=name, when=when(at, now), title=title)


def why_withdrawn(reason: Reason, reader: Recipient) -> str:
    """Return the sentence that says why a copy was withdrawn."""
    if reason.code == reasons.REASSIGNED_TO.name and names.hides_staff(reader):
        return say("withdrawn_because", reason=say("reason_reassigned"))
    if reason.code in REASONS:
        name = str(reason.argument("name"))
        return say("withdrawn_because", reason=say(REASONS[reason.code], customer=reader.external, name=name))
    words = reason.words().strip()
    return say("withdrawn_because", reason=sentence(words)) if words else say("withdrawn")


def sentence(text: str) -> str:
    """Return the text with a full stop, unless it ends like a sentence."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def parse_time(value: object) -> datetime | None:
    """Return the instant of an ISO time of an engine or of wfpush; None for any other value."""
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
