"""Retention rules, legal holds and erasures; and the legal holds on the page of a case."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from notifications.admin.base import HistoryAdmin, LedgerAdmin, ReadOnlyInline
from notifications.admin.decorators import action, column, display, link_column, state_column, time_ago
from notifications.admin.display import Tone, mark
from notifications.models import Case, Erasure, ErasureState, LegalHold, RetentionRule
from notifications.retention import rules

TONES: dict[str, Tone] = {ErasureState.RUNNING: "wait", ErasureState.HELD: "wait", ErasureState.DONE: "ok"}


# --- rules ------------------------------------------------------------------------------------------------------------
class RetentionRuleForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("category") is not None:
            for name in ("events_days", "devices_days"):
                if cleaned.get(name):
                    self.add_error(name, gettext("They have no category: say it in the rule for all others."))
        elif RetentionRule.objects.filter(category=None).exclude(pk=self.instance.pk).exists():
            self.add_error("category", gettext("There is a rule for all others already."))
        return cleaned


def _days(days: int | None) -> str:
    return gettext("%(days)s days") % {"days": days} if days else gettext("for good")


def _uncategorized_column(name: str, description: object) -> Any:
    """Return a column of a period for rows without a category; it is empty in the rules of categories."""
    return column(lambda rule: "" if rule.category_id else _days(getattr(rule, name)), description, name)


@admin.register(RetentionRule)
class RetentionRuleAdmin(HistoryAdmin):
    form = RetentionRuleForm
    list_display = ["which", "items", "addresses", "events", "devices"]
    list_select_related = ["category"]
    fieldsets = [
        (None, {"fields": ["category"]}),
        (_("By category"), {"fields": ["items_days", "addresses_days"]}),
        (_("Of no category"), {"fields": ["events_days", "devices_days"]}),
    ]

    which = column(str, _("category"), "category__name")
    items = column(lambda rule: _days(rule.items_days), _("tasks and items"), "items_days")
    addresses = column(lambda rule: _days(rule.addresses_days), _("addresses of messages"), "addresses_days")

    events = _uncategorized_column("events_days", _("events without items"))
    devices = _uncategorized_column("devices_days", _("unused devices"))


# --- legal holds ------------------------------------------------------------------------------------------------------
class HoldForm(forms.Form):
    why = forms.CharField(label=_("Why"), max_length=500, widget=UnfoldAdminTextInputWidget)


@admin.register(LegalHold)
class LegalHoldAdmin(LedgerAdmin):
    list_display = ["of_case", "why", "is_in_force", "since_when", "by"]
    list_display_links = ["why"]
    list_select_related = ["case", "by"]
    search_fields = ["why", "case__case_id", "case__title"]
    fields = ["of_case", "why", "is_in_force", "since", "by", "lifted_at", "lifted_by"]
    actions_detail = ["lift"]

    of_case = link_column("case", _("case"))

    @display(description=_("state"), ordering="lifted_at")
    def is_in_force(self, hold: LegalHold) -> SafeString:
        return mark("quiet", gettext("lifted")) if hold.lifted_at else mark("wait", gettext("in force"))

    since_when = time_ago("since", _("since"))

    def offers(self, action: str, row: LegalHold) -> bool:
        return action != "lift" or row.lifted_at is None

    @action(description=_("Lift the hold"), url_path="lift", permissions=["operate"], icon="undo")
    def lift(self, request: HttpRequest, object_id: str) -> HttpResponse:
        hold: LegalHold = self.get_row(request, object_id)
        title = gettext("Lift the hold")
        if request.method != "POST":
            text = gettext("Retention rules hold for the case again, and what is to be erased of it goes.")
            return self.ask(request, hold, title=title, text=text, button=title)
        if not rules.lift(hold, request.user, timezone.now()):
            return self.done(request, hold, gettext("It was lifted before."), messages.WARNING)
        return self.done(request, hold, gettext("The hold is lifted."))


class HoldInline(ReadOnlyInline):
    model = LegalHold
    fields = ["why", "since", "by", "lifted_at", "lifted_by"]
    related = ["by", "lifted_by"]


class LegalHoldMixin:
    """A mixin of LedgerAdmin for the list of cases, with an action that places a legal hold."""

    def has_hold_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("notifications.add_legalhold"))

    @action(description=_("Place a legal hold"), url_path="hold", permissions=["hold"], icon="back_hand")
    def hold(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
        case: Case = self.get_row(request, object_id)
        form = HoldForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            why = form.cleaned_data["why"]
            made = LegalHold.objects.create(case=case, why=why, by=cast(User, request.user), since=timezone.now())
            self.log(request, made, gettext("Placed: %(why)s") % {"why": why})
            answer: HttpResponse = self.done(
                request, case, gettext("Nothing of the case goes until the hold is lifted.")
            )
            return answer
        title = gettext("Place a legal hold")
        text = gettext("Nothing of this case is pruned or erased until somebody lifts the hold.")
        question: HttpResponse = self.ask(request, case, title=title, text=text, button=title, form=form)
        return question


# --- erasures ---------------------------------------------------------------------------------------------------------
@admin.register(Erasure)
class ErasureAdmin(LedgerAdmin):
    list_display = ["of_person", "how_far", "ordered_at", "by", "ended_at", "changed", "held"]
    list_select_related = ["person", "by"]
    list_filter = ["state"]
    fields = ["of_person", "how_far", "ordered_at", "by", "ended_at", "changed", "left", "held"]

    of_person = link_column("person", _("person"))

    how_far = state_column(TONES)
