"""Directories at the desk: tokens, requests, people who left, and the bound; a person's directory on their page."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from notifications.admin.desk.base import HistoryAdmin, ReadOnlyInline
from notifications.admin.desk.decorators import action, column, display, link_column, time_column
from notifications.admin.desk.display import change_url, link, mark, moment, short, span
from notifications.admin.desk.fields import DomainsField
from notifications.admin.desk.overview import Panel, Row
from notifications.admin.engines.keys import OVERLAPS
from notifications.provisioning import departures, tokens
from notifications.provisioning.models import (
    ScimDeparture,
    ScimDirectory,
    ScimGroup,
    ScimRequest,
    ScimToken,
    ScimUser,
)
from notifications.provisioning.resources import PATH
from notifications.provisioning.schemas import EnterpriseUser

SHOWN = timedelta(days=7)
"""For how long the overview shows tasks that somebody left behind."""
MAX_ALLOWED = 100_000


# --- parts of a directory's page --------------------------------------------------------------------------------------
class TokenInline(ReadOnlyInline):
    model = ScimToken
    verbose_name_plural = _("tokens")
    fields = ["starts", "made", "last_used", "state"]
    show_change_link = False
    made = time_column("created_at", _("made"))
    last_used = time_column("last_used_at", _("last used"))
    starts = column(str, _("begins with"))

    @display(description=_("validity"))
    def state(self, token: ScimToken) -> SafeString:
        if not token.works_at(timezone.now()):
            return mark("quiet", gettext("expired"))
        if token.expires_at is None:
            return mark("ok", gettext("valid"))
        return mark("wait", gettext("valid for %(span)s more") % {"span": span(token.expires_at - timezone.now())})


class DepartureInline(ReadOnlyInline):
    model = ScimDeparture
    verbose_name_plural = _("people who left")
    fields = ["at", "who", "open_tasks", "offered", "successor"]
    related = ["person", "to"]
    show_change_link = False
    per_page = 10
    who = link_column("person", _("person"))

    @display(description=_("offered to"))
    def successor(self, departure: ScimDeparture) -> SafeString:
        if departure.due_at is not None:
            return mark("wait", gettext("in a moment"))
        if departure.to is None and departure.open_tasks:
            return mark("bad", gettext("nobody"))
        return link(departure.to)


class RequestInline(ReadOnlyInline):
    model = ScimRequest
    verbose_name_plural = _("changes and refused requests")
    fields = ["at", "method", "path", "answer", "detail"]
    show_change_link = False
    per_page = 20

    @display(description=_("status"))
    def answer(self, row: ScimRequest) -> SafeString:
        return mark("ok" if row.status < 400 else "bad", row.status)


class UserInline(ReadOnlyInline):
    """The directory of a person, on the person's page."""

    model = ScimUser
    fk_name = "person"
    verbose_name_plural = _("directory")
    fields = ["of_directory", "user_name", "external_id", "department", "number", "manager", "state", "updated_at"]
    related = ["directory", "person__manager"]
    show_change_link = False
    of_directory = link_column("directory", _("directory"))

    @display(description=_("department"))
    def department(self, row: ScimUser) -> str:
        return str(_enterprise(row).get("department") or "–")

    @display(description=_("employee number"))
    def number(self, row: ScimUser) -> str:
        return str(_enterprise(row).get("employeeNumber") or "–")

    @display(description=_("manager"))
    def manager(self, row: ScimUser) -> SafeString:
        return (
            mark("wait", gettext("not here yet"), row.manager_value)
            if row.manager_pending
            else link(row.person.manager)
        )

    @display(description=_("state"))
    def state(self, row: ScimUser) -> SafeString:
        if row.deleted_at is not None:
            return mark("quiet", gettext("deleted by the directory"))
        return mark("ok", gettext("active")) if row.active else mark("quiet", gettext("deactivated"))


def _enterprise(row: ScimUser) -> dict[str, Any]:
    part: dict[str, Any] = row.document.get(str(EnterpriseUser.__schema__)) or {}
    return part


# --- forms of the actions ---------------------------------------------------------------------------------------------
class TokenForm(forms.Form):
    old_ones_end = forms.ChoiceField(
        label=_("Old ones end"),
        choices=[(value, words) for value, (words, _overlap) in OVERLAPS.items()],
        initial="24",
        widget=UnfoldAdminSelectWidget,
        help_text=_("Until then both work, so that you can change it at the identity provider."),
    )


class AllowForm(forms.Form):
    count = forms.IntegerField(
        label=_("People"), min_value=1, max_value=MAX_ALLOWED, initial=20, widget=UnfoldAdminIntegerFieldWidget
    )


class DirectoryForm(forms.ModelForm):
    domains = DomainsField(
        label=_("E-mail domains"),
        required=False,
        help_text=_("One a line. The directory may send no other addresses. Empty: it may send any."),
    )


# --- the list and the page --------------------------------------------------------------------------------------------
@admin.register(ScimDirectory)
class ScimDirectoryAdmin(HistoryAdmin):
    empty_says = _(
        "Identity providers that send people and teams by SCIM, such as Entra ID or Okta. Add one, then make its token."
    )
    form = DirectoryForm
    list_display = ["name", "people", "teams", "last_request", "state"]
    search_fields = ["name"]
    parts = [ScimToken, ScimUser, ScimGroup, ScimRequest, ScimDeparture]
    inlines = [TokenInline, DepartureInline, RequestInline]
    actions_detail = ["new_token", "allow"]
    readonly_fields = ["address", "state"]

    def get_fieldsets(self, request: HttpRequest, obj: ScimDirectory | None = None) -> list[Any]:
        general = ["name", "active", *(["address", "state"] if obj else [])]
        return [
            (None, {"fields": general}),
            (_("Matching"), {"fields": ["ref_source", "joins_existing", "domains"]}),
            (_("How many may leave"), {"fields": [("max_departures", "max_departures_percent")]}),
        ]

    def get_inlines(self, request: HttpRequest, obj: ScimDirectory | None) -> Any:
        return super().get_inlines(request, obj) if obj is not None else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScimDirectory]:
        rows: QuerySet[ScimDirectory] = super().get_queryset(request)
        here = Q(users__deleted_at=None, users__active=True)
        return rows.annotate(
            user_total=Count("users", filter=here, distinct=True),
            group_total=Count("groups", filter=Q(groups__deleted_at=None), distinct=True),
            used_at=Max("tokens__last_used_at"),
        )

    people = column(lambda row: row.user_total, _("people"), "user_total")
    teams = column(lambda row: row.group_total, _("teams"), "group_total")
    last_request = column(lambda row: moment(row.used_at), _("last request"), "used_at")
    address = column(lambda row: f"{settings.BASE_URL}{PATH}", _("address (tenant URL)"))

    @display(description=_("state"))
    def state(self, directory: Any) -> SafeString:
        now = timezone.now()
        if not directory.active:
            return mark("quiet", gettext("switched off"))
        if is_held(directory, now):
            return mark("bad", _held_words(directory, now))
        if directory.extra_departures and directory.extra_until and directory.extra_until > now:
            text = ngettext(
                "%(count)d more may leave until %(time)s", "%(count)d more may leave until %(time)s",
                directory.extra_departures,
            )  # fmt: skip
            return mark("wait", text % {"count": directory.extra_departures, "time": short(directory.extra_until)})
        return mark("ok", gettext("works"))

    # --- actions ----------------------------------------------------------------------------------------------------
    def has_token_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("provisioning.add_scimtoken")

    def has_allow_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("provisioning.change_scimdirectory")

    @action(description=_("New token"), url_path="token", permissions=["token"], icon="key")
    def new_token(self, request: HttpRequest, object_id: str) -> HttpResponse:
        directory: ScimDirectory = self.get_row(request, object_id)
        form = TokenForm(request.POST or None)
        title = gettext("New token")
        if not form.is_valid():
            text = gettext(
                "The identity provider sends it with each request. It may change all people of this directory."
            )
            return self.ask(request, directory, title=title, text=text, form=form, button=gettext("Make a token"))
        _words, overlap = OVERLAPS[form.cleaned_data["old_ones_end"]]
        token, plain = tokens.issue(directory, timezone.now(), overlap=overlap)
        self.log(request, directory, f"Made the token {token}")
        text = gettext("Copy it to the identity provider now. It is not stored here and is shown only this once.")
        context = {"plain": plain, "text": text, "back": change_url(directory)}
        return self.page(request, "admin/desk/shown_once.html", gettext("The new token"), **context)

    @action(description=_("Allow deactivations"), url_path="allow", permissions=["allow"], icon="group_remove")
    def allow(self, request: HttpRequest, object_id: str) -> HttpResponse:
        directory: ScimDirectory = self.get_row(request, object_id)
        form = AllowForm(request.POST or None)
        title = gettext("Allow deactivations")
        if not form.is_valid():
            text = gettext("%(directory)s can deactivate this many more people within an hour.")
            return self.ask(
                request, directory, title=title, text=text % {"directory": directory}, form=form, danger=True
            )
        count = form.cleaned_data["count"]
        departures.allow(directory, count, timezone.now())
        text = ngettext("%(count)d more may leave within an hour.", "%(count)d more may leave within an hour.", count)
        return self.done(request, directory, text % {"count": count})


# --- the overview -----------------------------------------------------------------------------------------------------
def is_held(directory: ScimDirectory, now: datetime) -> bool:
    """Return whether the directory was lately refused to deactivate somebody."""
    return directory.held_at is not None and directory.held_at > now - departures.HOUR


def _held_words(directory: ScimDirectory, now: datetime) -> str:
    text = gettext("Deactivations are refused: %(bound)d people left within an hour. Allow more if this is intended.")
    return text % {"bound": departures.bound_of(directory, now)}


def panel(now: datetime) -> Panel:
    """Return what needs an administrator: refused deactivations, and tasks left behind that nobody has got."""
    rows = [
        Row(mark("bad", short(row.held_at)), str(row), _held_words(row, now), change_url(row))
        for row in ScimDirectory.objects.filter(held_at__gt=now - departures.HOUR)
        if row.held_at is not None
    ]
    lost = ScimDeparture.objects.filter(to=None, due_at=None, open_tasks__gt=0, at__gt=now - SHOWN)
    for departure in lost.select_related("person").order_by("-at")[:10]:
        text = ngettext(
            "%(count)d open task is left behind, and there is no delegate or manager.",
            "%(count)d open tasks are left behind, and there is no delegate or manager.",
            departure.open_tasks,
        )
        words = text % {"count": departure.open_tasks}
        rows.append(Row(mark("bad", short(departure.at)), str(departure.person), words, change_url(departure.person)))
    href = reverse("admin:provisioning_scimdirectory_changelist")
    return Panel(
        gettext("Directories: refused deactivations, and tasks left behind"), href, gettext("Directories work."), rows
    )
