"""The trace of an event as lines that a support person can read aloud. The dry run uses the same lines with “would”."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from notifications import reasons
from notifications.admin.desk.display import Tone, change_url, clock, exact, inner_quotes, short, took
from notifications.admin.ledger.outcomes import CALLBACK_TONES
from notifications.cases import internal_events
from notifications.channel_facts import INBOX, channel_name
from notifications.engines import health
from notifications.forms import recorded_values
from notifications.items.plans import count_recipients, routes_of
from notifications.items.representation import answers_with_calls
from notifications.models import (
    CHANGED_NOTHING,
    Callback,
    CallbackAttempt,
    CallbackState,
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Event,
    EventStatus,
    Notification,
    Response,
    via_choices,
)
from notifications.types import Json

PEOPLE = 100
"""Maximum number of people on a page."""

DELIVERY_TONES: dict[str, Tone] = {
    DeliveryState.PENDING: "wait",
    DeliveryState.DELIVERED: "ok",
    DeliveryState.SUPERSEDED: "quiet",
    DeliveryState.SUPPRESSED: "quiet",
    DeliveryState.EXPIRED: "bad",
    DeliveryState.DEAD: "bad",
}


@dataclass
class Line:
    """An event that happened or did not, as a line. Its parts are in `below`."""

    text: str
    tone: Tone = "ok"
    at: datetime | None = None
    detail: str = ""
    href: str = ""
    below: list["Line"] = field(default_factory=list)
    folded: bool = False

    @property
    def clock(self) -> str:
        return clock(self.at) if self.at else ""

    @property
    def exact(self) -> str:
        return exact(self.at) if self.at else ""


@dataclass
class DayLine(Line):
    """A line with a date, for timelines of several days."""

    @property
    def clock(self) -> str:
        return short(self.at) if self.at else ""


# --- lines of the plan, for the trace and the dry run ---------------------------------------------------------------
def route_lines(plan: Json) -> list[Line]:
    """Return a line for each route that matched, and one for the others, with their reasons below it."""
    tried = [_worded(each) for each in routes_of(plan)]
    lines = matched_lines(plan)
    others = [Line(_("rule “%(name)s”: %(reason)s") % each, "quiet") for each in tried if not each["matched"]]
    if others:
        many, one = _("%(count)d other rules did not apply"), _("%(count)d other rule did not apply")
        count = many if len(others) > 1 else one
        lines.append(Line(count % {"count": len(others)}, "quiet", below=others, folded=True))
    if tried and not any(each["matched"] for each in tried):
        lines.append(Line(_("no rule matched"), "bad"))
    return lines


def matched_lines(plan: Json) -> list[Line]:
    matched = (_worded(each) for each in routes_of(plan) if each["matched"])
    return [Line(_("rule “%(name)s” matched because %(reason)s") % each, "ok") for each in matched]


def _worded(entry: Json) -> Json:
    """Return an entry of a plan with its reason in the reader's language."""
    return {**entry, "reason": reasons.words(entry)}


def other_lines(plan: Json) -> list[Line]:
    """Return lines for names that nobody knows, warnings and notes."""
    unresolved = [
        Line(_("“%(ref)s” is not notified: %(reason)s") % _worded(each), "bad") for each in plan.get("unresolved") or []
    ]
    warnings = [Line(warning.words(), "wait") for warning in reasons.read_list(plan, "warnings")]
    return [*unresolved, *warnings, *(Line(note.words(), "quiet") for note in reasons.read_list(plan, "notes"))]


def dry_lines(plan: Json, status: str) -> list[Line]:
    """Return lines for what an event would do."""
    lines = [Line(str(EventStatus(status).label), "quiet")] if status in CHANGED_NOTHING else []
    lines += route_lines(plan)
    lines += [_planned_person(person) for person in (plan.get("recipients") or [])[:PEOPLE]]
    lines += _others_line(plan)
    if not plan.get("recipients"):
        lines.append(Line(_("nobody would be notified"), "bad"))
    return lines + other_lines(plan)


def _planned_person(person: Json) -> Line:
    by = _("%(name)s (%(reason)s) would get “%(title)s”") if person.get("title") else _("%(name)s (%(reason)s)")
    text = by % {
        "name": person["name"],
        "reason": reasons.words(person),
        "title": inner_quotes(person.get("title", "")),
    }
    line = Line(text, "ok", detail=_("by rule “%(route)s”") % person if person.get("route") else "")
    line.below = [_planned_delivery(each) for each in person.get("channels") or []]
    return line


def _planned_delivery(plan: Json) -> Line:
    name = f"{channel_name(plan['channel'])} {plan.get('to') or ''}".strip()
    if plan["state"] in (DeliveryState.SUPPRESSED, DeliveryState.SUPERSEDED):
        return Line(
            _("%(channel)s: would not be sent: %(why)s") % {"channel": name, "why": reasons.words(plan)}, "quiet"
        )
    if plan["channel"] == INBOX:
        return Line(_("%(channel)s: would be delivered at once") % {"channel": name}, "ok")
    if plan.get("turn"):
        return Line(
            _("%(channel)s: would be sent if earlier messages cannot be delivered") % {"channel": name}, "quiet"
        )
    if plan.get("reason_fact"):
        return Line(_("%(channel)s: would wait: %(why)s") % {"channel": name, "why": reasons.words(plan)}, "wait")
    return Line(_("%(channel)s: would be sent") % {"channel": name}, "ok")


# --- what happened --------------------------------------------------------------------------------------------------
def trace(event: Event) -> list[Line]:
    """Return lines from an event's arrival to the engine's confirmation, with what did not happen and why."""
    arrival = _("event %(type)s from %(engine)s") % {"type": event.type, "engine": event.engine}
    subject = event.task or event.case
    about = _("about “%(about)s”") % {"about": subject} if subject else ""
    lines = [Line(arrival, "ok", event.received_at, about), *processing(event), *route_lines(event.plan)]
    lines += [*people(event), *message_lines(event)]
    lines += [*other_lines(event.plan), *(answer_line(response) for response in _answers(event))]
    call = Callback.objects.filter(pk=event.pk).prefetch_related("attempt_log").select_related("engine").first()
    return lines + (_call_lines(call) if call is not None else [])


def telling_event(event: Event) -> Event | None:
    """Return the event by which the addressees of a question or message were notified; None if it is neither."""
    notes = reasons.read_list(event.plan, "notes")
    named = next((str(note.argument("event")) for note in notes if note.code == reasons.TOLD_AS.name), "")
    if event.source == internal_events.SOURCE and event.type == "task.info_requested":
        named = f"message/{event.event_id}"
    same = Event.objects.filter(engine=event.engine_id, source=internal_events.SOURCE, event_id=named)
    return same.select_related("engine", "task", "case").first() if named else None


def message_lines(event: Event, most: int | None = None) -> list[Line]:
    """Return lines for the addressees of a question or message; for other events, whether anybody was notified."""
    telling = telling_event(event)
    if telling is not None:
        return people(telling, most) or [Line(_("nobody was notified"), "quiet")]
    if event.status not in (EventStatus.PROCESSED, EventStatus.UNROUTED) or event.plan.get("recipients"):
        return []
    return [Line(_("nobody was notified"), "bad" if event.plan.get("routes") else "quiet")]


def processing(event: Event) -> list[Line]:
    if event.status == EventStatus.FAILED:
        return [Line(_("could not be processed: %(error)s") % {"error": event.error}, "bad", event.processed_at)]
    if event.status == EventStatus.ACCEPTED:
        lines = [Line(_("waits to be processed"), "wait")]
        if event.is_retried and event.due_at is not None:
            again = _("next attempt at %(time)s") % {"time": exact(event.due_at)}
            lines.append(Line(tries_and_error(event), "bad", detail=again))
        return lines
    if event.status in CHANGED_NOTHING:
        text = _("stored, changed nothing: %(why)s") % {"why": EventStatus(event.status).label}
        return [Line(text, "quiet", event.processed_at)]
    return []


def tries_and_error(event: Event) -> str:
    text = ngettext("tried once: %(error)s", "tried %(times)d times: %(error)s", event.attempts)
    return text % {"times": event.attempts, "error": last_error(event)}


def last_error(event: Event) -> str:
    """Return why the last try failed to process an event."""
    return event.error or _("The worker stopped while processing it.")


def people(event: Event, most: int | None = None) -> list[Line]:
    """Return lines for the first people of the plan, with the results of their deliveries."""
    most = most or PEOPLE
    people = (event.plan.get("recipients") or [])[:most]
    deliveries = event.deliveries.filter(recipient__in=[recipient["recipient"] for recipient in people])
    by_person = deliveries_by("recipient_id", deliveries)
    lines = [_person_line(recipient, by_person.get(recipient["recipient"], []), event) for recipient in people]
    return lines + _others_line(event.plan, most)


def deliveries_by(name: str, rows: QuerySet[Delivery]) -> dict[Any, list[Delivery]]:
    """Return the deliveries in their order, by the field `name`, with the relations that their lines need."""
    groups: dict[Any, list[Delivery]] = {}
    rows = rows.select_related("notification", "recipient").prefetch_related("attempt_log")
    for delivery in rows.order_by("created_at", "pk"):
        groups.setdefault(getattr(delivery, name), []).append(delivery)
    return groups


def _others_line(plan: Json, shown: int = PEOPLE) -> list[Line]:
    """Return a line with the number of other people: teams and followers may be many."""
    more = count_recipients(plan) - shown
    return [Line(_("and %(count)d more people") % {"count": more}, "quiet")] if more > 0 else []


def _person_line(recipient: Json, deliveries: list[Delivery], event: Event) -> Line:
    text = _("%(name)s (%(reason)s)") % _worded(recipient)
    line = Line(text, "ok", event.processed_at, detail=_named_by(recipient, event))
    if deliveries:
        line.href = change_url(deliveries[0].notification)
        line.below = [delivery_line(delivery) for delivery in deliveries]
        line.below += _read_lines(deliveries[0].notification)
    else:
        line.below = [
            Line(
                f"{channel_name(each['channel'])}: {DeliveryState(each['state']).label} {reasons.words(each)}", "quiet"
            )
            for each in recipient.get("channels") or []
        ]
    return line


def _named_by(recipient: Json, event: Event) -> str:
    """Return the route that named the recipient, or the other source if the event has no routes."""
    if not recipient.get("route"):
        return ""
    return (_("by rule “%(route)s”") if event.plan.get("routes") else _("by “%(route)s”")) % recipient


def _read_lines(notification: Notification) -> list[Line]:
    if notification.read_at is None:
        return []
    way = dict(via_choices()).get(notification.opened_by or "") or channel_name(notification.opened_by or "")
    return [Line(_("read"), "ok", notification.read_at, detail=_("by %(way)s") % {"way": way} if way else "")]


def delivery_line(delivery: Delivery) -> Line:
    name = channel_name(delivery.channel)
    line = Line("", DELIVERY_TONES[delivery.state], delivery.ended_at or delivery.created_at, href=change_url(delivery))
    if delivery.channel == INBOX and delivery.state == DeliveryState.DELIVERED:
        line.text = _("%(channel)s: delivered") % {"channel": name}
        line.detail = reasons.words(delivery)
        return line
    to = f"{name} {delivery.to}".strip()
    state = DeliveryState(delivery.state).label
    line.text = f"{to}: {state}" + (f": {reasons.words(delivery)}" if delivery.reason else "")
    if delivery.state == DeliveryState.PENDING:
        if delivery.due_at:
            later = _("held back until %(time)s") if delivery.held else _("next attempt at %(time)s")
            line.detail = later % {"time": exact(delivery.due_at)}
        else:
            line.detail = _("in reserve: sent if earlier messages cannot be delivered")
    attempts = list(delivery.attempt_log.all())
    if len(attempts) > 1 or any(each.ended_at is None or each.detail for each in attempts):
        line.below = [_delivery_attempt(each) for each in attempts]  # one that succeeded needs no line
    return line


def _delivery_attempt(attempt: DeliveryAttempt) -> Line:
    if attempt.ended_at is None:
        return Line(_("attempt %(number)d: no known outcome") % {"number": attempt.number}, "wait", attempt.started_at)
    if attempt.succeeded:
        text = _("attempt %(number)d: accepted") % {"number": attempt.number}
        return Line(text, "ok", attempt.started_at, detail=reasons.words(attempt, "detail"))
    arguments = {"number": attempt.number, "why": reasons.words(attempt, "detail")}
    return Line(_("attempt %(number)d: %(why)s") % arguments, "bad", attempt.started_at)


# --- answers --------------------------------------------------------------------------------------------------------
def _answers(event: Event) -> QuerySet[Response]:
    """Return answers to the event's task since the event: earlier answers belong to other events."""
    answers = answers_with_calls().filter(task__isnull=False, task=event.task_id, at__gte=event.received_at)
    return answers.order_by("at", "pk")


def answer_line(response: Response) -> Line:
    via = response.get_via_display()
    if response.delivery is not None and response.delivery.to:
        via = f"{via}, {response.delivery.to}"
    text = _("%(name)s answered “%(action)s” (%(via)s)")
    text %= {"name": response.recipient, "action": response.action, "via": via}
    line = Line(text, "ok" if response.counts else "quiet", response.at)
    values = [each.line.replace("\n", "; ") for each in recorded_values.shown(response.values, get_language() or "en")]
    line.detail = " · ".join([*values, *([f"“{response.comment}”"] if response.comment else [])])
    line.href = change_url(response)
    callback = getattr(response, "callback", None)
    if callback is not None:
        line.below = _call_lines(callback)
    return line


def _call_lines(callback: Callback) -> list[Line]:
    """Return lines for the calls of an answer, or of an event of our own, such as a step of an SLA policy."""
    return [*(_call_line(attempt) for attempt in callback.attempt_log.all()), _engine_line(callback)]


def _call_line(attempt: CallbackAttempt) -> Line:
    if attempt.ended_at is None:
        return Line(_("call %(number)d: no known outcome") % {"number": attempt.number}, "wait", attempt.started_at)
    taken = attempt.status is not None and 200 <= attempt.status < 300
    answer = (
        _("accepted (%(status)d)") % {"status": attempt.status}
        if taken
        else reasons.words(attempt, "detail") or str(attempt.status or "")
    )
    text = _("call %(number)d: %(said)s") % {"number": attempt.number, "said": answer}
    return Line(text, "ok" if taken else "bad", attempt.started_at, detail=took(attempt.started_at, attempt.ended_at))


def _engine_line(callback: Callback) -> Line:
    line = Line(
        str(CallbackState(callback.state).label),
        CALLBACK_TONES[callback.state],
        callback.ended_at,
        reasons.words(callback, "detail"),
    )
    line.href = change_url(callback)
    if callback.state != CallbackState.WAITING or callback.due_at is None:
        return line
    if not callback.engine.takes_answers:
        line.tone, line.detail = why_not_sent(callback)
    else:
        again = _("next attempt at %(time)s") % {"time": exact(callback.due_at)}
        line.detail = " · ".join(filter(None, [reasons.words(callback, "alert"), again]))
    return line


def why_not_sent(callback: Callback) -> tuple[Tone, str]:
    """Return why an engine takes no answers. Without an address that is intended: the engine fetches them."""
    fault = health.obstacle(callback.engine)
    if fault is None:
        return "quiet", _("stored: the engine has no address, but can fetch the answer")
    return "bad", f"{callback.engine}: {fault.label}"
