"""Explains why a person was or was not notified: a sentence, advice, and the ledger.

The explanation comes from what was stored at the time. What an event would do now comes from a dry run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications import reasons
from notifications.admin.desk.display import change_url, exact
from notifications.admin.ledger.message_explanations import explain_messages, join, not_present
from notifications.admin.ledger.timeline import DayLine, Line, deliveries_by, delivery_line, last_error, telling_event
from notifications.admin.rules.dry_run import as_cloudevent
from notifications.cases import internal_events
from notifications.cases.facts import facts_of_task
from notifications.channel_facts import INBOX
from notifications.intake import cloudevents
from notifications.items.plans import routes_of
from notifications.models import (
    CHANGED_NOTHING,
    Case,
    Delivery,
    DeliveryState,
    Event,
    EventStatus,
    Notification,
    Recipient,
    Route,
    RouteTarget,
    TargetKind,
    Task,
    Team,
)
from notifications.people import stand_ins
from notifications.reasons import Reason
from notifications.routing import may_mean, pipeline, route
from notifications.types import Json

FAR = (reasons.NOT_FOR.name, reasons.OF_ENGINE.name)
"""Codes of reasons for which a route has nothing to do with an event."""
EVENTS, ROUTES, NAMES = 20, 5, 5
"""Maximum number of events or notifications that are read, the newest first; of routes and of people that are named."""


@dataclass
class Answer:
    text: str
    to_do: str = ""
    lines: list[Line] = field(default_factory=list)


# --- about a task, a case or an event ---------------------------------------------------------------------------------
def explain(person: Recipient, subject: Task | Case | Event, now: datetime) -> Answer:
    """Explain the newest event of the subject that has made messages to the person; if none has, the newest one that
    could."""
    events = _events_of(subject)
    deliveries = deliveries_by("event_id", Delivery.objects.filter(event__in=events, recipient=person))
    lines = [_event_line(event, deliveries.get(event.pk, [])) for event in reversed(events)]
    newest = next((event for event in events if deliveries.get(event.pk)), None)
    copy = deliveries[newest.pk][0].notification if newest is not None else _copy_of(person, subject)
    if copy is not None:
        text, to_do = explain_messages(person, copy, deliveries[newest.pk] if newest is not None else [])
        return Answer(text, to_do, lines)
    if not events:
        return Answer(_("No event about “%(subject)s” is stored any more.") % {"subject": subject})
    question = _Question(person, _deciding(events), now)
    answer = next(filter(None, (check(question) for check in CHECKS)))
    return Answer(answer.text, answer.to_do, lines)


def _events_of(subject: Task | Case | Event) -> list[Event]:
    """Return the newest events of a task or case; an event with the one by which its message was sent, if any."""
    rows = Event.objects.select_related("engine", "task__assignee", "task__engine", "case").order_by("-id")
    if isinstance(subject, Event):
        telling = telling_event(subject)
        return list(rows.filter(pk__in=[each.pk for each in (subject, telling) if each is not None]))
    return list(rows.filter(**{"task" if isinstance(subject, Task) else "case": subject})[:EVENTS])


def _copy_of(person: Recipient, subject: Task | Case | Event) -> Notification | None:
    """Return the person's copy of the task whose messages are no longer stored."""
    if not isinstance(subject, Task):
        return None
    copies = Notification.objects.filter(task=subject, recipient=person, is_copy=True)
    return copies.select_related("category").order_by("-created_at").first()


def _deciding(events: Sequence[Event]) -> Event:
    """Return the newest event that decided who is notified, or has not yet: not one that changed nothing, closed the
    task, or was a question or message, unless there is no other."""
    own = [event for event in events if event.source != internal_events.SOURCE] or events
    changed = [event for event in own if event.status not in CHANGED_NOTHING] or own
    decided = (each for each in changed if each.status != EventStatus.PROCESSED or each.plan.get("routes"))
    return next(decided, changed[0])


@dataclass
class _Question:
    """Why an event made no message to a person."""

    person: Recipient
    event: Event
    now: datetime

    @cached_property
    def names(self) -> dict[str, object]:
        return {"person": self.person, "event": self.event, "engine": self.event.engine}

    @cached_property
    def tried(self) -> Sequence[Json]:
        return routes_of(self.event.plan)

    @cached_property
    def facts(self) -> Json:
        return facts_of_task(self.event.task, self.event.case, self.event)

    @cached_property
    def own_routes(self) -> Sequence[Route]:
        """The routes with a target that may mean the person, in their order."""
        theirs = may_mean.targets_for(self.person, self.event).values("route")
        return list(Route.objects.filter(pk__in=theirs))

    @property
    def has_task(self) -> bool:
        return self.event.task is not None and may_mean.has_task(self.person, self.event.task)


def _explain_state(question: _Question) -> Answer | None:
    event = question.event
    if event.status == EventStatus.FAILED:
        text = _("The event could not be processed, so nobody was notified: %(error)s") % {"error": event.error}
        return Answer(text, _("Correct the cause. The event's page says more."))
    if event.status == EventStatus.ACCEPTED and event.is_retried:
        text = _("The event fails and is tried again, so nobody has been notified yet: %(error)s")
        return Answer(text % {"error": last_error(event)})
    if event.status == EventStatus.ACCEPTED:
        return Answer(_("The event waits to be processed, so nobody has been notified yet."))
    if event.status in CHANGED_NOTHING:
        text = _("The event changed nothing, so nobody was notified: %(why)s.")
        return Answer(text % {"why": event.get_status_display()})
    return None


def _explain_stand_in(question: _Question) -> Answer | None:
    event = question.event
    same = {"task": event.task_id} if event.task_id else {"event": event.pk}
    copies = Notification.objects.filter(on_behalf_of=question.person, **same)
    instead = copies.select_related("recipient").order_by("-created_at").first()
    if instead is None:
        return None
    text = _("%(person)s was away, and %(delegate)s was notified instead.")
    arguments = {**question.names, "delegate": instead.recipient}
    return Answer(text % arguments, _("End the absence on the person's page if it is over."))


def _explain_person(question: _Question) -> Answer | None:
    """Explain what the person's own record excludes."""
    person, event = question.person, question.event
    if closed := not_present(person):
        return Answer(closed, _("Open the account again, or mark the person as active on their page."))
    codes = {reasons.read(each).code for each in event.plan.get("unresolved") or [] if each.get("ref") == person.ref}
    if reasons.NO_LONGER_ACTIVE.name in codes:
        return Answer(_("%(person)s was not active when the event came.") % question.names)
    if reasons.UNKNOWN.name in codes:
        return Answer(_("%(person)s was not known when the event came.") % question.names)
    if person.external and person.engine_id != event.engine_id:
        text = _("%(person)s is a customer of %(theirs)s, so events of %(engine)s cannot notify them.")
        return Answer(text % {**question.names, "theirs": person.engine})
    return None


def _explain_engine(question: _Question) -> Answer | None:
    if question.event.engine.active:
        return None
    text = _("%(engine)s is switched off, so its events are refused and notify nobody.")
    return Answer(text % question.names, _("Switch it on on the engine's page."))


def _explain_own_routes(question: _Question) -> Answer | None:
    """Explain why routes with the person as a target did not match. Their type and engine count only for people who
    have the task, and only if nothing else kept them from it."""
    tried, whys, others = {each["route"]: each for each in question.tried}, dict[Route, Reason](), dict[Route, Reason]()
    for own in question.own_routes:
        entry = tried.get(own.pk)
        if entry is None or entry["matched"]:
            continue
        is_far = route.obstacle(own, question.event, question.facts).code in FAR
        (others if is_far else whys)[own] = reasons.read(entry)
    whys = whys or (others if question.has_task else {})
    if not whys:
        return None
    [(own, why), *more] = list(whys.items())[:ROUTES]
    listed = "; ".join(f"“{each}”: {reason.words()}" for each, reason in [(own, why), *more])
    names = {**question.names, "route": own, "why": why.words(), "first": why.argument("route"), "routes": listed}
    if more:
        text = _("No rule that would notify %(person)s applied: %(routes)s.")
    elif why.code == reasons.STOPPED_BY.name:
        text = _("Rule “%(route)s” would notify %(person)s, but “%(first)s” comes first and ends the search.")
    else:
        text = _("Rule “%(route)s” would notify %(person)s, but did not apply: %(why)s.")
    return Answer(text % names, _("Try the event in a dry run, then change the rule."))


def _explain_switched_off_routes(question: _Question) -> Answer | None:
    matched = [each["route"] for each in question.tried if each["matched"]]
    ends = [(each.priority, each.name) for each in Route.objects.filter(pk__in=matched, stop=True)]
    for own in question.own_routes:
        ended = any(key < (own.priority, own.name) for key in ends)
        if not own.enabled and not ended and not route.obstacle(own, question.event, question.facts):
            text = _("Rule “%(route)s” would notify %(person)s, but it is switched off.")
            return Answer(text % {**question.names, "route": own}, _("Switch it on on the rule's page."))
    return None


def _explain_question(question: _Question) -> Answer | None:
    """Explain who got a question or message instead."""
    telling = telling_event(question.event)
    names = [str(each["name"]) for each in telling.plan.get("recipients") or []] if telling is not None else []
    return Answer(_("The message was for %(names)s only.") % {"names": join(names[:NAMES])}) if names else None


def _explain_empty_targets(question: _Question) -> Answer | None:
    """Explain why routes that matched found nobody."""
    event, matched = question.event, [each["route"] for each in question.tried if each["matched"]]
    if not matched or event.plan.get("recipients"):
        return None
    whys = [f"{each['ref']} ({reasons.words(each)})" for each in event.plan.get("unresolved") or []]
    whys += [_("team %(name)s has no members") % {"name": team} for team in _empty_teams(event, matched)]
    if not whys:
        return None
    return Answer(_("The rules that apply found nobody: %(why)s.") % {"why": "; ".join(whys[:NAMES])})


def _empty_teams(event: Event, matched: Sequence[int]) -> Sequence[Team]:
    targets = RouteTarget.objects.filter(route__in=matched)
    teams = Team.objects.filter(pk__in=targets.filter(kind=TargetKind.TEAM).values("team"))
    if event.task is not None and targets.filter(kind=TargetKind.TASK_TEAMS).exists():
        teams |= Team.objects.filter(pk__in=event.task.teams.values("pk"))
    return list(teams.filter(~Exists(Team.members.through.objects.filter(team=OuterRef("pk")))))


def _explain_owners(question: _Question) -> Answer | None:
    """Name the people who have the task, if the person is not one of them."""
    task = question.event.task
    if task is None or question.has_task:
        return None
    if task.assignee is not None:
        text = _("%(person)s is not among those who have it: %(names)s is the assignee.")
        return Answer(text % {**question.names, "names": task.assignee})
    people = [str(each) for each in task.candidates.all()[:NAMES]]
    teams = [_("team %(name)s") % {"name": each} for each in task.teams.all()[:NAMES]]
    if not people and not teams:
        return None
    text = _("%(person)s is not among those who have it: it is for %(names)s.")
    return Answer(text % {**question.names, "names": join([*people, *teams])})


def _explain_routes(question: _Question) -> Answer:
    """Name the routes that matched, and say what the present routes would do."""
    matched = [each["name"] for each in question.tried if each["matched"]]
    if matched:
        text = _("The rules that apply to %(event)s do not name %(person)s: %(routes)s.")
        text %= {**question.names, "routes": join(f"“{name}”" for name in matched[:ROUTES])}
    elif question.tried:
        text = _("No rule applies to %(event)s, so nobody was notified.") % question.names
    else:
        text = _("%(event)s notifies nobody: it only changes what people have already.") % question.names
    return Answer(f"{text} {_outcome_now(question)}", _("Try the event in a dry run, then add a target or a rule."))


CHECKS: Sequence[Callable[[_Question], Answer | None]] = (
    _explain_state,
    _explain_stand_in,
    _explain_person,
    _explain_switched_off_routes,
    _explain_own_routes,
    _explain_question,
    _explain_empty_targets,
    _explain_engine,
    _explain_owners,
    _explain_routes,
)
"""The checks in their order: the first one that has an answer gives the explanation."""


def _outcome_now(question: _Question) -> str:
    """Return whether the same event would reach the person by the present routes. Nothing of it is stored."""
    event = question.event
    try:
        result = pipeline.dry_run(event.engine, cloudevents.structured(as_cloudevent(event)), question.now)
    except Exception as fault:  # any error that would stop the event is the answer
        return _("Now it would fail: %(error)s") % {"error": pipeline.error_of(fault)}
    if any(each["recipient"] == question.person.pk for each in result.plan.recipients):
        return _("With the current rules they would be notified.")
    return _("With the current rules they would not be notified either.")


# --- about a period ---------------------------------------------------------------------------------------------------
def explain_period(person: Recipient, within: timedelta, period: str, now: datetime) -> Answer:
    """Return the person's recent notifications, and what keeps messages from the person. `period`: `within` in
    words."""
    rows = Notification.objects.filter(recipient=person, created_at__gte=now - within).order_by("-created_at")
    copies = list(rows[:EVENTS])
    obstacle = standing(person, now)
    if not copies:
        closed = not_present(person)
        text = _("Nothing came for %(person)s within %(period)s.") % {"person": person, "period": period}
        return Answer(f"{closed} {text}", "") if closed else Answer(text, obstacle)
    sent = deliveries_by("notification_id", Delivery.objects.filter(notification__in=copies))
    silent = [copy for copy in copies if not _arrived(sent.get(copy.pk, []))]
    lines = [_copy_line(copy, sent.get(copy.pk, [])) for copy in copies]
    text = ngettext(
        "%(person)s got %(count)d item within %(period)s; %(silent)d of it came in the inbox only.",
        "%(person)s got %(count)d items within %(period)s; %(silent)d of them came in the inbox only.",
        len(copies),
    )
    arguments = {"person": person, "period": period, "count": len(copies), "silent": len(silent)}
    return Answer(text % arguments, obstacle if silent else "", lines)


def standing(person: Recipient, now: datetime) -> str:
    """Return a sentence on what keeps messages from the person now; empty if nothing does."""
    if closed := not_present(person):
        return closed
    away = stand_ins.current(person.pk, now)
    if away is not None and away.delegate is not None:
        arguments = {"person": person, "until": exact(away.ends_at), "delegate": away.delegate}
        return _("%(person)s is away until %(until)s; %(delegate)s stands in.") % arguments
    if not person.devices.exists():
        hint = _("%(person)s has no device: notifications are turned on in the inbox, on each device.")
        mail = "" if person.email else " " + _("There is no e-mail address, either.")
        return hint % {"person": person} + mail
    return ""


# --- the ledger -------------------------------------------------------------------------------------------------------
def _event_line(event: Event, deliveries: Sequence[Delivery]) -> Line:
    line = DayLine(str(event), "ok" if deliveries else "quiet", event.received_at, href=change_url(event))
    line.detail = event.get_status_display()
    line.below = [delivery_line(each) for each in deliveries] or [Line(_("nothing for this person"), "quiet")]
    return line


def _copy_line(copy: Notification, deliveries: Sequence[Delivery]) -> Line:
    line = DayLine(copy.title, "ok" if _arrived(deliveries) else "quiet", copy.created_at, href=change_url(copy))
    line.detail = reasons.words(copy)
    line.below = [delivery_line(each) for each in deliveries]
    return line


def _arrived(deliveries: Sequence[Delivery]) -> bool:
    return any(each.channel != INBOX and each.state == DeliveryState.DELIVERED for each in deliveries)
