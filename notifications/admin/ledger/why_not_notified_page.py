"""The page that explains why somebody was not notified, of a task, a case, an event, or of anything lately."""

from datetime import timedelta

from django import forms
from django.contrib.admin import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.invalid_ids import ChooseOne
from notifications.admin.ledger.why_not_notified import Answer, explain, explain_period
from notifications.models import Case, Event, Notification, Recipient, Task

WITHIN = {"24": gettext_lazy("24 hours"), "168": gettext_lazy("7 days"), "720": gettext_lazy("30 days")}
RIGHTS = ("notifications.view_recipient", "notifications.view_event", "notifications.view_delivery")


class WhyNotNotifiedForm(forms.Form):
    """`event` and `case` come from the links of their pages."""

    person = forms.ModelChoiceField(
        Recipient.objects.select_related("user", "engine"),
        label=gettext_lazy("Person"),
        widget=ChooseOne(Notification._meta.get_field("recipient"), site),
    )
    task = forms.ModelChoiceField(
        Task.objects.select_related("assignee", "engine"),
        label=gettext_lazy("Task"),
        required=False,
        widget=ChooseOne(Notification._meta.get_field("task"), site),
        help_text=gettext_lazy("Found by its ID or a part of its name. Empty: everything in the period."),
    )
    within = forms.ChoiceField(
        label=gettext_lazy("Period"), choices=list(WITHIN.items()), required=False, widget=UnfoldAdminSelectWidget
    )
    event = forms.ModelChoiceField(Event.objects.all(), required=False, widget=forms.HiddenInput)
    case = forms.ModelChoiceField(Case.objects.all(), required=False, widget=forms.HiddenInput)

    def answer(self) -> Answer:
        """Return the explanation for a valid form."""
        chosen, now = self.cleaned_data, timezone.now()
        subject = chosen["task"] or chosen["event"] or chosen["case"]
        if subject is not None:
            return explain(chosen["person"], subject, now)
        hours = chosen["within"] or "24"
        return explain_period(chosen["person"], timedelta(hours=int(hours)), str(WITHIN[hours]), now)


def why_not_notified_page(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    if not request.user.has_perms(RIGHTS):
        raise PermissionDenied
    links = {name: request.GET[name] for name in ("task", "event", "case") if name in request.GET}
    form = WhyNotNotifiedForm(request.GET if request.GET.get("person") else None, initial={"within": "24", **links})
    answer = form.answer() if form.is_valid() else None
    title = _("Why was somebody not notified?")
    return desk.page(request, "admin/desk/why_not_notified.html", title, form=form, answer=answer)
