"""The page that answers why somebody did not hear: from their page, from an event's, a task's or a case's."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from notifications.admin import hearing
from notifications.admin.base import DeskAdmin
from notifications.admin.periods import zone_of_reader

WITHIN = {"24": _("24 hours"), "168": _("7 days"), "720": _("30 days")}
RIGHTS = ("notifications.view_recipient", "notifications.view_event", "notifications.view_delivery")


class HearingForm(forms.Form):
    person = forms.CharField(
        label=_("Who"),
        max_length=320,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("A person's ref, e-mail address or name, whole."),
    )
    about = forms.CharField(
        label=_("Of what"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The id of an event, a task or a case, whole. Empty: of all that was for them lately."),
    )
    within = forms.ChoiceField(
        label=_("Within"), choices=list(WITHIN.items()), required=False, widget=UnfoldAdminSelectWidget
    )

    def answer(self) -> hearing.Answer | None:
        """None if there is no such person, event, task or case: then the form says so."""
        person = hearing.person_named(self.cleaned_data["person"])
        if person is None:
            self.add_error("person", gettext("Nobody is known by that, or several are: use the ref."))
            return None
        now, subject_id = timezone.now(), self.cleaned_data["about"]
        if not subject_id:
            return hearing.of_time(person, timedelta(hours=int(self.cleaned_data["within"] or "24")), now)
        events = hearing.events_about(subject_id)
        if not events:
            self.add_error("about", gettext("No event, task or case has this id: nothing has come of it."))
            return None
        return hearing.of_events(person, events, now)


def hearing_page(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    if not request.user.has_perms(RIGHTS):
        raise PermissionDenied
    form_data = request.GET if request.GET.get("person") else None
    form = HearingForm(form_data, initial={"about": request.GET.get("about", ""), "within": "24"})
    with timezone.override(zone_of_reader(request)):
        answer: Any = form.answer() if form.is_valid() else None
        title = gettext("Why did somebody not hear?")
        return desk.page(request, "admin/desk/hearing.html", title, form=form, answer=answer)
