"""Retention rules, legal holds and erasures; legal holds on the page of a case; a person's data on that of the person.

The data are exported as JSON, and erased after a preview of what is deleted and what stays.
"""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from notifications.admin.desk.base import DeskAdmin, HistoryAdmin, LedgerAdmin, ReadOnlyInline, extend
from notifications.admin.desk.decorators import action, column, display, link_column, state_column, time_column
from notifications.admin.desk.display import Tone, change_url, mark, page_url
from notifications.models import Case, Recipient
from notifications.retention import erasing, rules
from notifications.retention.models import Erasure, ErasureState, LegalHold, RetentionRule
from notifications.retention.person_export import export
from notifications.retention.preview import preview

TONES: dict[str, Tone] = {ErasureState.RUNNING: "wait", ErasureState.HELD: "wait", ErasureState.DONE: "ok"}


# --- rules ------------------------------------------------------------------------------------------------------------
class RetentionRuleForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("category") is not None:
            for name in ("events_days", "devices_days"):
                if cleaned.get(name):
                    self.add_error(name, gettext("These have no category: set it in the rule for all others."))
        elif RetentionRule.objects.filter(category=None).exclude(pk=self.instance.pk).exists():
            self.add_error("category", gettext("There is a rule for all others already."))
        return cleaned


def _days(days: int | None) -> str:
    return gettext("%(days)s days") % {"days": days} if days else gettext("forever")


def _uncategorized_column(name: str, description: object) -> Any:
    """Return a column of a period for rows without a category; it is empty in the rules of categories."""
    return column(lambda rule: "" if rule.category_id else _days(getattr(rule, name)), description, name)


@admin.register(RetentionRule)
class RetentionRuleAdmin(HistoryAdmin):
    empty_says = _(
        "After how many days data is deleted. Everything is kept forever: add a rule for all categories, or for one."
    )
    form = RetentionRuleForm
    list_display = ["which", "items", "addresses", "events", "devices"]
    list_select_related = ["category"]
    fieldsets = [
        (None, {"fields": ["category"]}),
        (_("By category"), {"fields": ["items_days", "addresses_days"]}),
        (_("Without a category"), {"fields": ["events_days", "devices_days"]}),
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
    empty_says = _("Cases whose data must be kept. There are none yet: the page of a case has “Place a legal hold”.")
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

    since_when = time_column("since", _("since"))

    def offers(self, action: str, row: LegalHold) -> bool:
        return action != "lift" or row.lifted_at is None

    @action(description=_("Lift the hold"), url_path="lift", permissions=["operate"], icon="undo")
    def lift(self, request: HttpRequest, object_id: str) -> HttpResponse:
        hold: LegalHold = self.get_row(request, object_id)
        title = gettext("Lift the hold")
        if request.method != "POST":
            text = gettext("Retention rules apply to the case again, and data due for erasure is erased.")
            return self.ask(request, hold, title=title, text=text, button=title)
        if not rules.lift(hold, request.user, timezone.now()):
            return self.done(request, hold, gettext("It was lifted before."), messages.WARNING)
        return self.done(request, hold, gettext("The hold is lifted."))


class HoldInline(ReadOnlyInline):
    model = LegalHold
    fields = ["why", "since", "by", "lifted_at", "lifted_by"]
    related = ["by", "lifted_by"]


class CaseHold(DeskAdmin):
    """What the list of cases gets: placing a legal hold."""

    actions_detail = ["hold"]

    def has_hold_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("retention.add_legalhold"))

    @action(description=_("Place a legal hold"), url_path="hold", permissions=["hold"], icon="back_hand")
    def hold(self, request: HttpRequest, object_id: str) -> HttpResponse:
        case: Case = self.get_row(request, object_id)
        form = HoldForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            why = form.cleaned_data["why"]
            made = LegalHold.objects.create(case=case, why=why, by=cast(User, request.user), since=timezone.now())
            self.log(request, made, gettext("Placed: %(why)s") % {"why": why})
            return self.done(request, case, gettext("Nothing of the case is deleted until the hold is lifted."))
        title = gettext("Place a legal hold")
        text = gettext("Nothing of this case is pruned or erased until somebody lifts the hold.")
        return self.ask(request, case, title=title, text=text, button=title, form=form)


extend(Case, CaseHold)


# --- erasures ---------------------------------------------------------------------------------------------------------
@admin.register(Erasure)
class ErasureAdmin(LedgerAdmin):
    empty_says = _("Erased people, and the progress. There are none: start on a person's page.")
    list_display = ["of_person", "how_far", "ordered_at", "by", "ended_at", "changed", "held"]
    list_select_related = ["person", "by"]
    list_filter = ["state"]
    fields = ["of_person", "how_far", "ordered_at", "by", "ended_at", "changed", "left", "held"]

    of_person = link_column("person", _("person"))

    how_far = state_column(TONES)


# --- a person's data --------------------------------------------------------------------------------------------------
class ErasureForm(forms.Form):
    """A form for the person's ref, typed again as a confirmation."""

    ref = forms.CharField(label=_("Repeat the person's ref"), widget=UnfoldAdminTextInputWidget)

    def __init__(self, person: Recipient, *args: Any) -> None:
        super().__init__(*args)
        self._person = person

    def clean_ref(self) -> str:
        typed: str = self.cleaned_data["ref"]
        if typed != self._person.ref:
            raise ValidationError(gettext("That is not their ref. Nothing was erased."))
        return typed


class PersonData(DeskAdmin):
    """What the list of people gets: export and erasure."""

    actions_detail = ["export_data", "erase"]

    def offers(self, action: str, row: Recipient) -> bool:
        """Offer no erasure: the page of their data links to it."""
        return action != "erase" and super().offers(action, row)

    def has_export_data_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("retention.export_person"))

    def has_erase_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("retention.erase_person"))

    @action(description=_("Their data"), url_path="data", permissions=["export_data"], icon="download")
    def export_data(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person: Recipient = self.get_row(request, object_id)
        if request.method != "POST":
            text = gettext("A JSON file with all data about %(person)s, including the files they sent.")
            address = page_url(person, "erase") if self.has_erase_permission(request) else ""
            context = {"text": text % {"person": person}, "erase": address, "back": change_url(person)}
            return self.page(request, "retention/personal_data.html", gettext("Their data"), **context)
        self.log(request, person, gettext("Exported all data of the person"))
        name = f"person-{person.pk}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        pieces = (piece.encode() for piece in export(person, timezone.now()))
        return StreamingHttpResponse(pieces, content_type="application/json", headers=headers)  # type: ignore[return-value]

    @action(description=_("Erase…"), url_path="erase", permissions=["erase"], icon="delete")
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person: Recipient = self.get_row(request, object_id)
        existing = Erasure.objects.filter(person=person).first()
        if existing is not None:
            return HttpResponseRedirect(change_url(existing))
        if refusal := _refusal(cast(User, request.user), person):
            return self.done(request, person, refusal, messages.ERROR)
        form = ErasureForm(person, request.POST or None)
        if request.method == "POST" and form.is_valid():
            with transaction.atomic():
                erasure = erasing.order(person, request.user, timezone.now())
                self.log(request, erasure, gettext("Ordered the erasure of a person"))
            self.message_user(request, gettext("Their account is closed and their name is gone; the rest follows."))
            return HttpResponseRedirect(change_url(erasure))
        title = gettext("Erase %(person)s") % {"person": person}
        context = {"row": person, "back": change_url(person), "form": form, "preview": preview(person)}
        return self.page(request, "retention/erase.html", title, **context)


def _refusal(by: User, person: Recipient) -> str:
    if person.user_id == by.pk:
        return gettext("You cannot erase yourself: let another administrator do it.")
    if person.user is not None and person.user.is_superuser and not by.is_superuser:
        return gettext("Only those with all rights can erase somebody who has them.")
    return ""


extend(Recipient, PersonData)
