"""The page on which people name a calendar with their absences, and preview the absences read from it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from notifications import reasons
from notifications.absences import feeds
from notifications.absences.checks import fault_of_delegate
from notifications.absences.feeds import FeedSettings, in_calendar_of
from notifications.absences.models import AbsenceFeed, TakenEntries
from notifications.absences.pages import Delegate
from notifications.calendar_feeds.content import Span
from notifications.calendar_feeds.reading import Unreadable
from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, person_required
from notifications.models import OpenItems, Recipient
from notifications.people.colleagues import proposed_names
from notifications.reasons import Reason
from notifications.wording.formats import zone_of
from notifications.wording.times import moment
from wfpush.concurrency.slots import SlotsTaken
from wfpush.web import waiting_threads

PREVIEWED = timedelta(days=90)
NAMED = 5
"""Number of times that a preview lists."""
LISTED = 10


# --- the form ---------------------------------------------------------------------------------------------------------
class CalendarForm(forms.Form):
    address = forms.CharField(required=False, max_length=2000)
    takes = forms.ChoiceField(choices=TakenEntries.choices)
    delegate = Delegate(required=False)
    open_items = forms.ChoiceField(choices=OpenItems.choices)
    give_back = forms.BooleanField(required=False)

    def __init__(self, person: Recipient, feed: AbsenceFeed | None, data: Any = None) -> None:
        names = ("takes", "delegate", "open_items", "give_back")
        stored = {name: getattr(feed, name) for name in names} if feed is not None else {}
        super().__init__(data, initial={"takes": TakenEntries.MARKED, "open_items": OpenItems.OFFER, **stored})
        self.person, self.feed = person, feed

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if address:
            return feeds.cleaned(address)
        if self.feed is None:
            raise ValidationError(_("Enter the address of a calendar."))
        return ""

    def clean_delegate(self) -> Recipient | None:
        delegate: Recipient | None = self.cleaned_data["delegate"]
        if delegate is not None and (fault := fault_of_delegate(self.person, delegate)):
            raise ValidationError(fault)
        return delegate

    @property
    def url(self) -> str:
        """The address of the calendar in a valid form: the typed one, else the stored one."""
        return self.cleaned_data["address"] or (self.feed.url if self.feed is not None else "")


# --- the page ---------------------------------------------------------------------------------------------------------
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PersonRequest) -> HttpResponse:
    person = request.recipient
    if person.external:
        raise Http404
    feed = AbsenceFeed.objects.select_related("delegate").filter(pk=person.pk).first()
    with timezone.override(zone_of(person.timezone)):
        if request.method != "POST":
            return _show(request, CalendarForm(person, feed))
        if "stop" in request.POST:
            if feed is not None:
                feeds.remove(feed, by=person)
                messages.success(request, _("The calendar is no longer read."))
            return redirect("absences:absence")
        form = CalendarForm(person, feed, request.POST)
        if not form.is_valid():
            return _show(request, form, status=422)
        if "look" in request.POST:
            return _look(request, form)
        feeds.put(person, FeedSettings(**form.cleaned_data), by=person)
        messages.success(request, _("Saved. The calendar is read now and every half hour from now on."))
        return redirect("absences:calendar")


def _look(request: PersonRequest, form: CalendarForm) -> HttpResponse:
    """Show the absences that each choice would read. Nothing is saved: the address stays in the form."""
    try:
        with waiting_threads.slots.hold(person=request.recipient.pk, host=urlsplit(form.url).hostname):
            spans_by_choice = feeds.look(form.url, zone_of(request.recipient.timezone), timezone.now())
    except SlotsTaken as taken:
        return _show_busy(request, form, taken)
    except Unreadable as fault:
        form.add_error("address", _("It cannot be read: %(why)s") % {"why": fault.reason.words()})
        return _show(request, form, status=422)
    return _show(request, form, spans_by_choice=spans_by_choice)


def _show_busy(request: PersonRequest, form: CalendarForm, taken: SlotsTaken) -> HttpResponse:
    if taken.kind == "person":
        form.add_error("address", _("Another calendar is still being read. Try again in half a minute."))
    else:
        form.add_error("address", _("Many calendars are being read at the moment. Try again in half a minute."))
    response = _show(request, form, status=429 if taken.kind == "person" else 503)
    response["Retry-After"] = str(waiting_threads.RETRY_SECONDS)
    return response


def _show(
    request: PersonRequest,
    form: CalendarForm,
    *,
    spans_by_choice: Mapping[str, Sequence[Span] | Reason] | None = None,
    status: int = 200,
) -> HttpResponse:
    now, feed = timezone.now(), form.feed
    coming = in_calendar_of(form.person, now)[:LISTED] if feed is not None else ()
    context = {
        "form": form,
        "feed": feed,
        "options": [
            (value, label, _preview(spans_by_choice[value], now) if spans_by_choice is not None else "")
            for value, label in TakenEntries.choices
        ],
        "looked": spans_by_choice is not None,
        "fault": reasons.words(feed, "fault") if feed is not None and feed.failing_since else "",
        "failing_since": moment(feed.failing_since, now) if feed is not None and feed.failing_since else "",
        "read": moment(feed.read_at, now) if feed is not None and feed.read_at else "",
        "coming": [_times(Span(row.begins_at, row.ends_at), now) for row in coming],
        "zone": timezone.get_current_timezone_name(),
        "people": proposed_names(form.person),
    }
    return show_page(request, "absences/calendar.html", context, status=status)


def _preview(spans: Sequence[Span] | Reason, now: datetime) -> str:
    """Return the absences of the next 90 days as text, or the reason why they cannot be read."""
    if isinstance(spans, Reason):
        return _("It cannot be read: %(why)s") % {"why": spans.words()}
    soon = [span for span in spans if span.begins_at < now + PREVIEWED]
    if not soon:
        return _("Nothing in the next 90 days.")
    more = ["…"] if len(soon) > NAMED else []
    return "; ".join([*(_times(span, now) for span in soon[:NAMED]), *more])


def _times(span: Span, now: datetime) -> str:
    times = {"from": moment(span.begins_at, now), "until": moment(span.ends_at, now)}
    return (_("until %(until)s") if span.begins_at <= now else _("%(from)s until %(until)s")) % times
