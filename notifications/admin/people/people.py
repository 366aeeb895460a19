"""People and teams."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
)

from notifications.admin.desk.base import HistoryAdmin, ReadOnlyInline
from notifications.admin.desk.decorators import action, column, display, link_column
from notifications.admin.desk.display import link, list_url, mark
from notifications.admin.desk.filters import Conditions
from notifications.admin.desk.history_states import State
from notifications.admin.ledger.why_not_notified_page import RIGHTS, why_not_notified_page
from notifications.admin.people.devices import DeviceInline
from notifications.admin.people.reach import DefaultInline, preferences_page, unheard
from notifications.models import (
    Device,
    LinkMail,
    Notification,
    NotificationState,
    Recipient,
    RecipientToken,
    SignInLink,
    Team,
)
from notifications.people import link_mails, revocation
from notifications.preferences import change_effects
from wfpush import zones


# --- checks of managers and addresses ---------------------------------------------------------------------------------
def circle(pk: int | None, manager: Recipient | None) -> str:
    """Return why the person cannot have this manager, or "": escalations go from manager to manager."""
    seen: set[int | None] = {pk} if pk else set()
    while manager is not None:
        if manager.pk in seen:
            return gettext("This goes in a circle: %(manager)s reports to this person.") % {"manager": manager}
        seen.add(manager.pk)
        manager = manager.manager
    return ""


def shared_address(person: Recipient, address: str) -> str:
    """Return why this internal person cannot have this verified address; empty if it is free."""
    others = Recipient.objects.filter(engine=None, email__iexact=address, email_verified=True)
    other = next((each for each in others[:2] if each.pk != person.pk), None)
    text = gettext("%(person)s already has this verified address: engines could not distinguish them.")
    return text % {"person": other} if other is not None else ""


# --- people ---------------------------------------------------------------------------------------------------------
class RecipientForm(forms.ModelForm):
    locale = forms.ChoiceField(label=_("Language"), initial="en", widget=UnfoldAdminSelectWidget)
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        choices=[("", _("that of their browser")), *((name, name) for name in sorted(zones.names()))],
        widget=UnfoldAdminSelect2Widget,
        help_text=Recipient._meta.get_field("timezone").help_text,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("locale")
        if isinstance(field, forms.ChoiceField):
            names = dict(settings.LANGUAGES)
            field.choices = [*names.items(), *([] if self.instance.locale in names else [(self.instance.locale,) * 2])]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        engine = cleaned.get("engine") if "engine" in self.fields else self.instance.engine
        if engine is not None and cleaned.get("user") is not None:
            text = gettext("External people have no account: they sign in with links from their engine.")
            self.add_error("user", text)
        self._check_ref(cleaned.get("ref"), engine)
        if fault := circle(self.instance.pk, cleaned.get("manager")):
            self.add_error("manager", fault)
        self._check_address(cleaned, engine)
        return cleaned

    def _check_ref(self, ref: str | None, engine: Any) -> None:
        """Check the ref here: the model's check does not run while `engine` is read-only."""
        if ref and Recipient.objects.filter(ref=ref, engine=engine).exclude(pk=self.instance.pk).exists():
            self.add_error("ref", gettext("This ref is already used."))

    def _check_address(self, cleaned: dict[str, Any], engine: Any) -> None:
        address, verified = cleaned.get("email"), cleaned.get("email_verified")
        if verified and not address:
            self.add_error("email_verified", gettext("There is no address to verify."))
        elif verified and engine is None and (fault := shared_address(self.instance, address or "")):
            self.add_error("email", fault)


class KindFilter(Conditions):
    title = _("kind")
    parameter_name = "kind"
    conditions = {
        "account": (_("internal, with an account"), Q(engine=None, user__isnull=False)),
        "no_account": (_("internal, without an account"), Q(engine=None, user=None)),
        "external": (_("external"), Q(engine__isnull=False)),
    }


class Reach(Conditions):
    title = _("reach")
    parameter_name = "reach"
    conditions = {
        "nobody": (
            _("cannot be notified: no account, no e-mail"),
            Q(user=None, email="", engine=None) | Q(active=False),
        ),
        "email_no_address": (_("no e-mail"), Q(email="")),
        "unverified": (_("e-mail not verified"), ~Q(email="") & Q(email_verified=False)),
        "no_device": (_("no device"), Q(devices=None)),
        "no_manager": (_("no manager"), Q(manager=None, engine=None)),
    }


class TeamInline(ReadOnlyInline):
    model = Team.members.through
    fields = ["team"]
    verbose_name_plural = _("member of")
    show_change_link = False


@admin.register(Recipient)
class RecipientAdmin(HistoryAdmin):
    empty_says = _(
        "Everybody who can be notified, staff and customers. Add the first person, or let an engine "
        "add them through the API."
    )
    form = RecipientForm
    actions_list = ["why_not_notified"]
    list_display = ["person", "ref", "kind", "reach", "waiting_count", "reports_to", "on"]
    list_filter = ["active", KindFilter, Reach, "engine", "locale", "brand"]
    list_select_related = ["engine", "user", "manager"]
    search_fields = ["ref", "name", "email", "phone"]
    shown_with = ["ref", "engine"]
    autocomplete_fields = ["user", "manager", "brand", "engine"]
    readonly_fields = ["waiting_count", "created_at", "unheard"]
    fixed_fields = ["engine"]  # it decides the meaning of the ref
    parts = [RecipientToken, SignInLink, LinkMail, Device]
    inlines = [TeamInline, DeviceInline]
    actions_detail = ["why_not", "preferences", "send_link"]
    fieldsets = [
        (None, {"fields": ["ref", "name", "active", "waiting_count"]}),
        (_("How to reach them"), {"fields": ["user", ("email", "email_verified"), "phone", "unheard"]}),
        (_("How to speak to them"), {"fields": ["locale", "timezone", "brand"]}),
        (_("Where they belong"), {"fields": ["manager", "engine", "created_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recipient]:
        people: QuerySet[Recipient] = super().get_queryset(request)
        open_items = Notification.objects.filter(recipient=OuterRef("pk"), state=NotificationState.OPEN).order_by()
        count = Subquery(open_items.values("recipient").annotate(count=Count("pk")).values("count"))
        match = request.resolver_match
        is_autocomplete = match is not None and str(match.url_name).endswith("autocomplete")  # it needs only names
        return people if is_autocomplete else people.annotate(waiting=Coalesce(count, 0))

    def has_delete_permission(self, request: HttpRequest, obj: Recipient | None = None) -> bool:
        """Keep a person who was ever sent anything in the records: such a person can only be deactivated."""
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not obj.notifications.exists())

    def save_model(self, request: HttpRequest, obj: Recipient, form: Any, change: bool) -> None:
        if change and "email" in form.changed_data and "email_verified" not in form.changed_data and obj.email_verified:
            obj.email_verified = False
            self.message_user(
                request,
                gettext("The new address is not verified: tick “e-mail verified” once it is."),
                messages.WARNING,
            )
        super().save_model(request, obj, form, change)
        revocation.settle(obj.pk, timezone.now())
        if change and {"timezone", "brand"} & set(form.changed_data):
            change_effects.apply(obj, timezone.now())

    def refuses_to_restore(self, row: Recipient, then: State, changed: Sequence[str]) -> Sequence[str]:
        address, verified = then.values["email"], then.values["email_verified"]
        manager = Recipient.objects.filter(pk=then.values["manager"]).first() if "manager" in changed else None
        shares = verified and address and not row.external and {"email", "email_verified"} & set(changed)
        faults = [circle(row.pk, manager), shared_address(row, address) if shares else ""]
        return [fault for fault in faults if fault]

    # --- reach ------------------------------------------------------------------------------------------------------
    def has_prefer_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.view_preferences")

    @action(description=_("How are they reached?"), url_path="preferences", permissions=["prefer"], icon="tune")
    def preferences(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return preferences_page(self, request, self.get_row(request, object_id))

    @display(description=_("does not reach them"))
    def unheard(self, recipient: Recipient) -> SafeString | str:
        sentences = unheard(recipient) if recipient.pk is not None else []
        return format_html_join("", "<p>{}</p>", ((mark("bad", each),) for each in sentences)) if sentences else "–"

    # --- missing notifications --------------------------------------------------------------------------------------
    def has_ask_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perms(RIGHTS)

    @action(
        description=_("Why was somebody not notified?"),
        url_path="why-not-notified",
        permissions=["ask"],
        icon="hearing",
    )
    def why_not_notified(self, request: HttpRequest) -> HttpResponse:
        return why_not_notified_page(self, request)

    @action(description=_("Why were they not notified?"), url_path="why-not", permissions=["ask"], icon="hearing")
    def why_not(self, request: HttpRequest, object_id: str) -> HttpResponse:
        recipient: Recipient = self.get_row(request, object_id)
        address = reverse("admin:notifications_recipient_why_not_notified")
        return HttpResponseRedirect(f"{address}?person={recipient.pk}&within=24")

    # --- sign-in link -----------------------------------------------------------------------------------------------
    def offers(self, action: str, row: Recipient) -> bool:
        return action != "send_link" or link_mails.can_be_mailed(row)

    def has_link_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.change_signinlink")

    @action(description=_("Send a sign-in link"), url_path="send-link", permissions=["link"], icon="forward_to_inbox")
    def send_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        recipient: Recipient = self.get_row(request, object_id)
        if request.method != "POST":
            text = gettext("%(person)s gets an e-mail at %(email)s with a link that signs in once, within 24 hours.")
            question = text % {"person": recipient, "email": recipient.email or "–"}
            title = gettext("Send a sign-in link")
            return self.ask(request, recipient, title=title, text=question, button=title)
        outcome = link_mails.ask(recipient, "/", timezone.now(), by=request.user.get_username())
        if outcome == "cannot":
            detail = gettext("No link can be sent: there is no address, or they may not sign in by a link.")
            return self.done(request, recipient, detail, messages.ERROR)
        return self.done(request, recipient, gettext("A sign-in link is on its way."))

    person = column(str, _("person"), "name")

    @display(description=_("kind"), ordering="engine")
    def kind(self, recipient: Recipient) -> str:
        if recipient.engine is not None:
            return gettext("external, of %(engine)s") % {"engine": recipient.engine}
        return gettext("internal") if recipient.user else gettext("internal, no account")

    @display(description=_("reached by"))
    def reach(self, recipient: Recipient) -> SafeString:
        has_inbox = recipient.user or recipient.external
        ways = list(filter(None, [gettext("inbox") if has_inbox else "", recipient.email]))
        return mark("ok", ", ".join(ways)) if ways else mark("bad", gettext("nothing: no account, no e-mail"))

    @display(description=_("waiting for them"), ordering="waiting")
    def waiting_count(self, recipient: Any) -> SafeString | int:
        waiting = getattr(recipient, "waiting", 0)
        if not waiting:
            return 0
        query = f"recipient__id__exact={recipient.pk}&state__exact={NotificationState.OPEN}"
        return format_html('<a class="desk-link" href="{}">{}</a>', list_url(Notification, query), waiting)

    reports_to = link_column("manager", _("reports to"), "manager__name")

    @display(description=_("active"), ordering="active", boolean=True)
    def on(self, recipient: Recipient) -> bool:
        return recipient.active


class TeamGaps(Conditions):
    title = _("gaps")
    parameter_name = "gaps"
    conditions = {"lead": (_("no lead"), Q(lead=None)), "members": (_("no members"), Q(members=None))}


@admin.register(Team)
class TeamAdmin(HistoryAdmin):
    empty_says = _("People who are notified together. Add the first team, or let an engine add it through the API.")
    list_display = ["name", "led_by", "size"]
    list_filter = [TeamGaps]
    list_select_related = ["lead"]
    search_fields = ["name", "slug", "lead__name"]
    autocomplete_fields = ["lead", "members"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "slug", "lead", "members"]
    inlines = [DefaultInline]

    def get_inlines(self, request: HttpRequest, obj: Team | None) -> list[Any]:
        return self.inlines if obj is not None else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        teams: QuerySet[Team] = super().get_queryset(request)
        return teams.annotate(member_total=Count("members", distinct=True))

    @display(description=_("lead"), ordering="lead__name")
    def led_by(self, team: Team) -> SafeString:
        return link(team.lead) if team.lead else mark("wait", gettext("nobody"))

    @display(description=_("members"), ordering="member_total")
    def size(self, team: Any) -> SafeString | int:
        return team.member_total or mark("bad", gettext("nobody"))
