"""Lists for cases: the people and teams who are notified of cases of one type."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import HistoryAdmin
from notifications.admin.desk.decorators import display
from notifications.admin.desk.display import link, mark, shortened
from notifications.admin.rules.second_person import newly_listed, not_yourself
from notifications.models import CaseList, Recipient, Route, TargetKind


class CaseListForm(forms.ModelForm):
    editor: Any = None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("people") and not cleaned.get("teams") and not self.errors:
            self.add_error("people", gettext("Choose people or teams."))
        if newly_listed(self.editor, self.instance, cleaned.get("people") or (), cleaned.get("teams") or ()):
            self.add_error("people", not_yourself())
        return cleaned


@admin.register(CaseList)
class CaseListAdmin(HistoryAdmin):
    empty_says = _("People notified about all cases of one type. Add the first list.")
    form = CaseListForm
    list_display = ["case_type", "of_engine", "listed"]
    list_filter = ["engine"]
    list_select_related = ["engine"]
    list_prefetch_related = ["people", "teams"]
    search_fields = ["case_type", "people__name", "=people__ref", "teams__name"]
    autocomplete_fields = ["engine", "people", "teams"]
    fields = ["case_type", "engine", "people", "teams"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.editor = request.user
        return form

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not active_people(form.instance).exists():
            text = gettext("Nobody on this list is active: nobody will be notified.")
            self.message_user(request, text, messages.WARNING)
        if not Route.objects.filter(enabled=True, targets__kind=TargetKind.CASE_LIST).exists():
            text = gettext("No rule has “%(target)s” as its target yet, so nobody is notified.")
            self.message_user(request, text % {"target": TargetKind.CASE_LIST.label}, messages.WARNING)

    @display(description=_("engine"), ordering="engine__name")
    def of_engine(self, row: CaseList) -> SafeString | str:
        return link(row.engine) if row.engine else gettext("every engine")

    @display(description=_("who is notified"))
    def listed(self, row: CaseList) -> SafeString:
        names = [str(each) for each in (*row.people.all(), *row.teams.all())]
        return shortened(", ".join(names), 110) if names else mark("bad", gettext("nobody"))


def active_people(row: CaseList) -> QuerySet[Recipient]:
    """Return the active people who are notified by the list."""
    active = Recipient.objects.filter(active=True)
    return active.filter(case_lists=row) | active.filter(teams__case_lists=row)
