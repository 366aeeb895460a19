"""The list of calendars that tell when people are away, with the state of the last reading and the coming absences."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.absences import feeds
from notifications.absences.checks import fault_of_delegate
from notifications.absences.models import AbsenceFeed
from notifications.admin.desk.base import HistoryAdmin
from notifications.admin.desk.calendar_feeds import reading_mark
from notifications.admin.desk.decorators import column, delegate_column, display
from notifications.admin.desk.display import NOTHING, there
from notifications.admin.desk.fields import SecretField
from notifications.admin.desk.filters import Conditions
from notifications.admin.desk.history_states import State
from notifications.models import Recipient

MAX_ABSENCES = 20


class AbsenceFeedForm(forms.ModelForm):
    address = SecretField(label=_("Address of the calendar"), strip=True, max_length=500)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "address" in self.fields:
            stored_help = gettext("Stored encrypted and never shown. Empty: unchanged.")
            new = gettext("The https address of an iCalendar feed. Stored encrypted and never shown again.")
            self.fields["address"].help_text = new if self.instance._state.adding else stored_help

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        if address:
            return feeds.cleaned(address)
        if self.instance._state.adding:
            raise ValidationError(gettext("Enter the address of a calendar."))
        return ""

    def clean(self) -> dict[str, Any]:
        form_data: dict[str, Any] = super().clean() or self.cleaned_data
        saved_person = None if self.instance._state.adding else self.instance.recipient
        person, delegate = form_data.get("recipient") or saved_person, form_data.get("delegate")
        if person is not None and person.external:
            self.add_error("recipient", gettext("Only people of your own organisation can be away."))
        if person is not None and delegate is not None and (fault := fault_of_delegate(person, delegate)):
            self.add_error("delegate", fault)
        return form_data


class ReadingFilter(Conditions):
    title = _("reading")
    parameter_name = "reading"
    conditions = {
        "fails": (_("cannot be read"), Q(failing_since__isnull=False)),
        "works": (_("read"), Q(failing_since=None, read_at__isnull=False)),
    }


@admin.register(AbsenceFeed)
class AbsenceFeedAdmin(HistoryAdmin):
    empty_says = _(
        "Calendars with people's absences. There are none yet: people add theirs in the inbox, or you add one here."
    )
    form = AbsenceFeedForm
    list_display = ["person", "host", "takes", "stands_in", "reading"]
    list_filter = [ReadingFilter]
    list_select_related = ["recipient", "delegate"]
    search_fields = ["=recipient__ref", "recipient__name", "=delegate__ref", "delegate__name"]
    autocomplete_fields = ["recipient", "delegate"]
    fields = ["recipient", "address", "takes", "delegate", "open_items", "give_back", "reading", "coming"]
    readonly_fields = ["reading", "coming"]
    fixed_fields = ["recipient"]

    def save_model(self, request: HttpRequest, obj: AbsenceFeed, form: Any, change: bool) -> None:
        feeds.point(obj, form.cleaned_data.get("address", ""))  # a restored row's form has no address
        super().save_model(request, obj, form, change)
        feeds.wake()

    def refuses_to_restore(self, row: AbsenceFeed, then: State, changed: Sequence[str]) -> Sequence[str]:
        delegate = Recipient.objects.filter(pk=then.values["delegate"]).first() if "delegate" in changed else None
        fault = fault_of_delegate(row.recipient, delegate) if delegate is not None else ""
        return [fault] if fault else []

    # --- columns ----------------------------------------------------------------------------------------------------
    person = column(lambda feed: feed.recipient, _("person"), "recipient__name")
    stands_in = delegate_column()
    reading = column(lambda feed: reading_mark(feed) if feed.pk else NOTHING, _("reading"))

    @display(description=_("what it says"))
    def coming(self, feed: AbsenceFeed) -> SafeString:
        if feed.pk is None:
            return NOTHING
        rows = list(feeds.in_calendar_of(feed.recipient, timezone.now())[:MAX_ABSENCES])
        times = [(there(row.begins_at), there(row.ends_at)) for row in rows]
        return render_to_string("absences/coming.html", {"times": times})
