"""The page that explains why somebody was not notified: a sentence, advice, and the ledger.

The explanation comes from what was stored at the time. What an event would do now comes from a dry run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from notifications import reasons
from notifications.admin.desk.base import DeskAdmin, as_uuid
from notifications.admin.desk.display import change_url, exact, span
from notifications.admin.desk.intervals import zone_of_reader
from notifications.admin.engines.pasted_events import event_named
from notifications.admin.ledger.timeline import DayLine, Line, deliveries_by, delivery_line, last_error
from notifications.admin.rules.dry_run import as_cloudevent
from notifications.channel_facts import INBOX, channel_name
from notifications.intake import cloudevents
from notifications.items.plans import routes_of
from notifications.models import (
    CHANGED_NOTHING,
    Case,
    CaseList,
    Delivery,
    DeliveryState,
    Event,
    EventStatus,
    Notification,
    NotificationState,
    Recipient,
    RouteTarget,
    TargetKind,
    Task,
)
from notifications.people import absence
from notifications.routing import pipeline

EVENTS, ROUTES = 20, 5
"""Maximum number of events, tasks or notifications that are read, the newest first; and of routes that are named."""
WITHIN = {"24": gettext_lazy("24 hours"), "168": gettext_lazy("7 days"), "720": gettext_lazy("30 days")}
RIGHTS = ("notifications.view_recipient", "notifications.view_event", "notifications.view_delivery")
UNSENT_STATES = (DeliveryState.SUPPRESSED, DeliveryState.DEAD, DeliveryState.EXPIRED)


@dataclass
class Answer:
    text: str
    to_do: str = ""
    lines: list[Line] = field(default_factory=list)


# --- the person, and the event --------------------------------------------------------------------------------------
def name_of(person: Recipient) -> str:
    """Return a text by which `person_named` finds this person only: customers of two engines may have the same ref."""
    return person.ref if person_named(person.ref) == person else f"#{person.pk}"


def person_named(text: str) -> Recipient | None:
    """Return the person with this ref, e-mail or whole name, internal people first. None if nobody or several match."""
    people = Recipient.objects.select_related("user")
    number = text.removeprefix("#")
    if number != text and number.isdecimal() and len(number) < 15:
        return people.filter(pk=int(number)).first()
    for fields in ({"ref": text, "engine": None}, {"ref": text}, {"email__iexact": text}, {"name__iexact": text}):
        matches = list(people.filter(**fields)[:2]) if text else []
        if len(matches) == 1:
            return matches[0]
    return None


def events_about(text: str) -> list[Event]:
    """Return the newest events of the event, task or case with this id, ours or the engine's."""
    own = as_uuid(text)
    rows = Event.objects.select_related("engine", "task", "case").order_by("-id")
    tasks = list(Task.objects.filter(task_id=text)[:EVENTS]) + list(Task.objects.filter(pk=own) if own else [])
    if tasks:
        return list(rows.filter(task__in=tasks)[:EVENTS])
    if (event := event_named(text)) is not None:
        return [event]
    return list(rows.filter(case__in=list(Case.objects.filter(case_id=text)[:EVENTS]))[:EVENTS])


# --- the answers ----------------------------------------------------------------------------------------------------
def explain_events(person: Recipient, events: Sequence[Event], now: datetime) -> Answer:
    """Explain the newest event that reached the person; if there is none, the newest one that changed anything."""
    deliveries = deliveries_by("event_id", Delivery.objects.filter(event__in=events, recipient=person))
    lines = [_event_line(event, deliveries.get(event.pk, [])) for event in reversed(events)]
    reached = next((event for event in events if deliveries.get(event.pk)), None)
    if reached is not None:
        answer = _explain_sent(person, deliveries[reached.pk])
    else:
        counts = [each for each in events if each.status not in CHANGED_NOTHING]
        answer = _explain_not_sent(person, (counts or events)[0], now)
    answer.lines = lines
    return answer


def explain_period(person: Recipient, within: timedelta, now: datetime) -> Answer:
    """Return the person's recent notifications, and what keeps messages from the person."""
    rows = Notification.objects.filter(recipient=person, created_at__gte=now - within).order_by("-created_at")
    copies = list(rows[:EVENTS])
    arguments = {"person": person, "span": span(within)}
    if not copies:
        return Answer(_("Nothing was for %(person)s in the last %(span)s.") % arguments, standing(person, now))
    sent = deliveries_by("notification_id", Delivery.objects.filter(notification__in=copies))
    silent = [copy for copy in copies if not _arrived(sent.get(copy.pk, []))]
    lines = [_copy_line(copy, sent.get(copy.pk, [])) for copy in copies]
    count = {**arguments, "count": len(copies), "silent": len(silent)}
    text = ngettext(
        "%(person)s got %(count)d item in the last %(span)s; %(silent)d of it came by no way but the inbox.",
        "%(person)s got %(count)d items in the last %(span)s; %(silent)d of them came by no way but the inbox.",
        len(copies),
    )
    return Answer(text % count, standing(person, now) if silent else "", lines)


def standing(person: Recipient, now: datetime) -> str:
    """Return a sentence on what keeps messages from the person now; empty if nothing does."""
    if not person.present:
        return _("%(person)s is not active, and is told nothing. Tick “active” on their page.") % {"person": person}
    away = absence.current(person.pk, now)
    if away is not None and away.delegate is not None:
        arguments = {"person": person, "until": exact(away.ends_at), "delegate": away.delegate}
        return _("%(person)s is away until %(until)s; %(delegate)s gets what is for them.") % arguments
    if not person.devices.exists():
        hint = _("%(person)s has no device: notifications are turned on in the inbox, on each device.")
        mail = "" if person.email else " " + _("There is no e-mail address, either.")
        return hint % {"person": person} + mail
    return ""


def _explain_sent(person: Recipient, deliveries: Sequence[Delivery]) -> Answer:
    copy = deliveries[0].notification
    arguments = {"person": person, "title": copy.title}
    by = [each for each in deliveries if each.channel != INBOX and each.state == DeliveryState.DELIVERED]
    ways = _join(f"{channel_name(each.channel)} {each.to}".strip() for each in by)
    read = _("It has not been read yet.")
    if copy.read_at:
        read = _("It was read at %(time)s.") % {"time": exact(copy.read_at)}
    if copy.state == NotificationState.WITHDRAWN:
        why = reasons.words(copy)
        return Answer(_("“%(title)s” was taken back from %(person)s: %(why)s.") % {**arguments, "why": why})
    if by:
        at = exact(by[-1].ended_at or by[-1].created_at)
        text = _("%(person)s was told “%(title)s” by %(ways)s at %(time)s.") % {**arguments, "ways": ways, "time": at}
        return Answer(f"{text} {read}")
    waiting = [each for each in deliveries if each.state == DeliveryState.PENDING]
    if waiting:
        each = waiting[0]
        arguments |= {"way": channel_name(each.channel), "time": exact(each.due_at) if each.due_at else "–"}
        text = _("“%(title)s” still waits to be sent to %(person)s by %(way)s; next try: %(time)s.") % arguments
        return Answer(f"{text} {read}", _("Look at the last try below: it says what the other side answered."))
    unsent = [each for each in deliveries if each.state in UNSENT_STATES]
    whys = (f"{channel_name(each.channel)}: {reasons.words(each) or each.get_state_display()}" for each in unsent)
    text = _("“%(title)s” is in the inbox of %(person)s, and came by no other way") % arguments
    why = "; ".join(whys) or _("no other way was open")
    to_do = _("See the category's channels, the person's settings, their devices and their address.")
    if any(each.state == DeliveryState.DEAD for each in unsent):
        to_do = _("Correct the address or the service. The delivery's page says more.")
    return Answer(f"{text}: {why}. {read}", to_do)


def _explain_not_sent(person: Recipient, event: Event, now: datetime) -> Answer:
    arguments = {"person": person, "event": event}
    if event.status == EventStatus.FAILED:
        text = _("The event could not be processed, so nobody heard of it: %(error)s") % {"error": event.error}
        return Answer(text, _("Correct the cause. The event's page says more."))
    if event.status == EventStatus.ACCEPTED:
        why = last_error(event) if event.is_retried else _("it has just come, or others are before it")
        return Answer(_("The event still waits to be processed: %(why)s") % {"why": why})
    if event.status in CHANGED_NOTHING:
        text = _("The event changed nothing, so nobody was told: %(why)s.")
        return Answer(text % {"why": event.get_status_display()})
    same = {"task": event.task_id} if event.task_id else {"event": event.pk}
    instead = Notification.objects.filter(on_behalf_of=person, **same).select_related("recipient").first()
    if instead is not None:
        arguments["delegate"] = instead.recipient
        text = _("%(person)s was away, and %(delegate)s got it instead.") % arguments
        return Answer(text, _("End the absence on the person's page if it is over."))
    unknown = [each for each in event.plan.get("unresolved") or [] if each.get("ref") == person.ref]
    if unknown:
        text = _("The event named %(person)s, who could not be told: %(why)s.")
        return Answer(text % {**arguments, "why": reasons.words(unknown[0])}, standing(person, now))
    return _explain_routes(person, event, now)


def _explain_routes(person: Recipient, event: Event, now: datetime) -> Answer:
    """Explain which routes with the person as a target did not apply, and what the present routes would do."""
    tried = [{**each, "reason": reasons.words(each)} for each in routes_of(event.plan)]
    theirs = set(_routes_naming(person, [each["route"] for each in tried]))
    missed = [each for each in tried if not each["matched"] and each["route"] in theirs][:ROUTES]
    matched = [each["name"] for each in tried if each["matched"]]
    arguments = {"person": person, "event": event}
    if missed:
        why = "; ".join(_("“%(name)s”: %(reason)s") % each for each in missed)
        text = _("Routes that name %(person)s did not apply: %(why)s.") % {**arguments, "why": why}
    elif matched:
        text = _("%(event)s went by %(routes)s, which does not name %(person)s.")
        text %= {**arguments, "routes": _join(f"“{name}”" for name in matched[:ROUTES])}
    else:
        text = _("No route applied to %(event)s, so nobody was told.") % arguments
    return Answer(
        f"{text} {_outcome_now(person, event, now)}", _("Try it with the dry run, and add a target or a condition.")
    )


def _outcome_now(person: Recipient, event: Event, now: datetime) -> str:
    """Return whether the same event would reach the person by the present routes. Nothing of it is stored."""
    try:
        result = pipeline.dry_run(event.engine, cloudevents.structured(as_cloudevent(event)), now)
    except Exception as fault:  # any error that would stop the event is the answer
        return _("By now it would fail: %(error)s") % {"error": pipeline.error_of(fault)}
    if any(each["recipient"] == person.pk for each in result.plan.recipients):
        return _("By the routes as they are now, they would hear of it.")
    return _("By the routes as they are now, they would not hear of it, either.")


def _routes_naming(person: Recipient, routes: Sequence[int]) -> Iterable[int]:
    targets = RouteTarget.objects.filter(route__in=routes)
    teams = list(person.teams.values_list("pk", flat=True))
    yield from targets.filter(person=person).values_list("route", flat=True)
    yield from targets.filter(team__in=teams).exclude(kind=TargetKind.TEAM_LEAD).values_list("route", flat=True)
    yield from targets.filter(kind=TargetKind.TEAM_LEAD, team__lead=person).values_list("route", flat=True)
    if CaseList.objects.filter(Q(people=person) | Q(teams__in=teams)).exists():
        yield from targets.filter(kind=TargetKind.CASE_LIST).values_list("route", flat=True)


# --- the ledger -----------------------------------------------------------------------------------------------------
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


def _join(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


# --- the page ---------------------------------------------------------------------------------------------------------
class WhyNotNotifiedForm(forms.Form):
    person = forms.CharField(
        label=gettext_lazy("Who"),
        max_length=320,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("A person's ref, e-mail address or name, whole."),
    )
    about = forms.CharField(
        label=gettext_lazy("Of what"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("The id of an event, a task or a case, whole. Empty: of all that was for them lately."),
    )
    within = forms.ChoiceField(
        label=gettext_lazy("Within"), choices=list(WITHIN.items()), required=False, widget=UnfoldAdminSelectWidget
    )

    def answer(self) -> Answer | None:
        """Return the explanation. None for an unknown person, event, task or case, with an error added to the form."""
        person = person_named(self.cleaned_data["person"])
        if person is None:
            self.add_error("person", _("Nobody is known by that, or several are: use the ref."))
            return None
        now, subject_id = timezone.now(), self.cleaned_data["about"]
        if not subject_id:
            return explain_period(person, timedelta(hours=int(self.cleaned_data["within"] or "24")), now)
        events = events_about(subject_id)
        if not events:
            self.add_error("about", _("No event, task or case has this id: nothing has come of it."))
            return None
        return explain_events(person, events, now)


def why_not_notified_page(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    if not request.user.has_perms(RIGHTS):
        raise PermissionDenied
    form_data = request.GET if request.GET.get("person") else None
    form = WhyNotNotifiedForm(form_data, initial={"about": request.GET.get("about", ""), "within": "24"})
    with timezone.override(zone_of_reader(request)):
        answer = form.answer() if form.is_valid() else None
        title = _("Why did somebody not hear?")
        return desk.page(request, "admin/desk/hearing.html", title, form=form, answer=answer)
