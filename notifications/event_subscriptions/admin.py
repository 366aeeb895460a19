"""The desk's event subscriptions, and the list of the events that they get."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from notifications import reasons
from notifications.admin.desk.base import HistoryAdmin, LedgerAdmin, ReadOnlyInline, count_words
from notifications.admin.desk.decorators import (
    action,
    column,
    display,
    link_column,
    reason_column,
    state_column,
    time_column,
)
from notifications.admin.desk.display import Tone, change_url, link, list_url, mark, moment, short, shortened, with_why
from notifications.admin.desk.fields import CalledAddressField
from notifications.admin.desk.filters import Recent
from notifications.admin.desk.overview import Panel, Row
from notifications.admin.engines.keys import OVERLAPS, SecretColumns
from notifications.connectors import credentials, signatures
from notifications.event_subscriptions import sending
from notifications.event_subscriptions.models import (
    EventSubscription,
    OutgoingEvent,
    OutgoingKind,
    OutgoingState,
    SigningScheme,
    SubscriptionSecret,
)
from wfpush.crypto import UndecryptableSecret
from wfpush.numbers import number
from wfpush.queue import outbox

TONES: dict[str, Tone] = {OutgoingState.WAITING: "wait", OutgoingState.DELIVERED: "ok", OutgoingState.FAILED: "bad"}


# --- subscriptions ----------------------------------------------------------------------------------------------------
class SecretInline(SecretColumns, ReadOnlyInline):
    model = SubscriptionSecret
    verbose_name_plural = _("signing secrets")
    fields = ["made", "public_key", "works"]
    show_change_link = False

    @display(description=_("public key"))
    def public_key(self, row: SubscriptionSecret) -> str:
        """Return the public key of a private key; a shared secret has none, and is never shown again."""
        try:
            return signatures.public_key_of(row.secret) if row.subscription.signing == SigningScheme.V1A else "–"
        except UndecryptableSecret:
            return gettext("It cannot be decrypted.")


class SubscriptionForm(forms.ModelForm):
    address = CalledAddressField(
        label=_("Address"), help_text=_("Events are sent here by POST. It answers 2xx within 10 seconds.")
    )
    kinds = forms.MultipleChoiceField(
        label=_("Events"),
        choices=OutgoingKind.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": _("Tick at least one kind of events.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "address" in self.fields:  # not for those who may only view
            self.fields["address"].required = True


class RotationForm(forms.Form):
    old_ones_end = forms.ChoiceField(
        label=_("Old ones end"),
        choices=[(value, words) for value, (words, _overlap) in OVERLAPS.items()],
        initial="24",
        widget=UnfoldAdminSelectWidget,
        help_text=_("Until then, both sign, so that you can change it at the receiver."),
    )


@admin.register(EventSubscription)
class EventSubscriptionAdmin(HistoryAdmin):
    empty_says = _(
        "Systems that learn of deliveries, answers and escalations, such as a data warehouse. There are none yet."
    )
    form = SubscriptionForm
    list_display = ["name", "of_engine", "wanted_events", "waiting_events", "given_up", "state"]
    list_filter = ["active", "engine"]
    list_select_related = ["engine"]
    search_fields = ["name", "address"]
    autocomplete_fields = ["engine"]
    fixed_fields = ["signing"]
    kept_when_restored = ["gone_at"]
    parts = [SubscriptionSecret]
    inlines = [SecretInline]
    actions_detail = ["new_secret", "send_failed"]

    def get_fieldsets(self, request: HttpRequest, obj: EventSubscription | None = None) -> list[Any]:
        general = ["name", "active", "address", *(["state"] if obj else [])]
        return [(None, {"fields": general}), (_("Which events"), {"fields": ["engine", "kinds", "signing"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), *(["state"] if obj else [])]

    def get_inlines(self, request: HttpRequest, obj: EventSubscription | None) -> Any:
        return super().get_inlines(request, obj) if obj is not None else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventSubscription]:
        rows: QuerySet[EventSubscription] = super().get_queryset(request)
        return rows.annotate(waiting=_count_of(OutgoingState.WAITING), failed=_count_of(OutgoingState.FAILED))

    # --- columns ----------------------------------------------------------------------------------------------------
    of_engine = column(
        lambda row: link(row.engine) if row.engine else gettext("every engine"), _("engine"), "engine__name"
    )
    waiting_events = column(lambda row: _number_of(row, row.waiting, OutgoingState.WAITING), _("waiting"), "waiting")
    given_up = column(lambda row: _number_of(row, row.failed, OutgoingState.FAILED), _("given up"), "failed")

    @display(description=_("events"))
    def wanted_events(self, row: EventSubscription) -> SafeString:
        return shortened(", ".join(str(OutgoingKind(kind).label) for kind in row.kinds), 60)

    @display(description=_("state"), ordering="active")
    def state(self, row: EventSubscription) -> SafeString:
        if row.gone_at is not None:
            text = gettext("The receiver answered 410 (%(time)s): it is gone. Correct the address and switch it on.")
            return with_why(mark("bad", gettext("stopped")), text % {"time": short(row.gone_at)})
        return mark("ok", gettext("active")) if row.active else mark("quiet", gettext("switched off"))

    # --- saving -----------------------------------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: EventSubscription, form: Any, change: bool) -> None:
        if obj.active:
            obj.gone_at = None
            outbox.wake_on_commit(sending.SOURCE_NAME)
        super().save_model(request, obj, form, change)
        if not change:
            request.plain_once = _new_secret(obj, timezone.now())  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: EventSubscription, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._shown(request, obj, request.plain_once)  # type: ignore[attr-defined]

    def _shown(self, request: HttpRequest, row: EventSubscription, plain: str) -> HttpResponse:
        """Show a new secret, which nobody sees again, or the public key of a new private key."""
        if row.signing == SigningScheme.V1A:
            title, plain = gettext("The new public key"), signatures.public_key_of(plain)
            text = gettext("Set it at the receiver now: it verifies our events. The private key stays here, encrypted.")
        else:
            title = gettext("The new signing secret")
            text = gettext("Set it at the receiver now: it verifies our events. It is shown only this once.")
        context = {"plain": plain, "text": text, "back": change_url(row)}
        return self.page(request, "admin/desk/shown_once.html", title, **context)

    # --- actions ----------------------------------------------------------------------------------------------------
    def has_rotate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("event_subscriptions.add_subscriptionsecret")

    def has_resend_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("event_subscriptions.change_outgoingevent")

    def offers(self, action: str, row: Any) -> bool:
        return action != "send_failed" or row.failed > 0

    @action(description=_("New signing secret"), url_path="secret", permissions=["rotate"], icon="key")
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: EventSubscription = self.get_row(request, object_id)
        form = RotationForm(request.POST or None)
        title = gettext("New signing secret")
        if not form.is_valid():
            text = gettext("It signs events from now on, beside the old ones until they end.")
            return self.ask(request, row, title=title, text=text, form=form)
        _words, overlap = OVERLAPS[form.cleaned_data["old_ones_end"]]
        plain = _new_secret(row, timezone.now(), overlap=overlap)
        self.log(request, row, "Made a new signing secret")
        return self._shown(request, row, plain)

    @action(description=_("Send failed events again"), url_path="again", permissions=["resend"], icon="replay")
    def send_failed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Any = self.get_row(request, object_id)
        if request.method != "POST":
            text = ngettext(
                "%(count)s event was given up. It is sent again under the same ID.",
                "%(count)s events were given up. They are sent again under the same IDs.",
                row.failed,
            )
            title = gettext("Send failed events again")
            return self.ask(request, row, title=title, text=text % {"count": number(row.failed)})
        count = sending.send_again(OutgoingEvent.objects.filter(subscription=row.pk), timezone.now())
        text = ngettext("%(count)s event is sent again.", "%(count)s events are sent again.", count)
        return self.done(request, row, text % {"count": number(count)}, messages.SUCCESS if count else messages.INFO)


def _count_of(state: OutgoingState) -> Coalesce:
    """Return the number of a subscription's events in a state, without reading the others."""
    events = OutgoingEvent.objects.filter(subscription=OuterRef("pk"), state=state).order_by()
    return Coalesce(Subquery(events.values("subscription").annotate(count=Count("pk")).values("count")), 0)


def _number_of(row: EventSubscription, count: int, state: OutgoingState) -> SafeString:
    address = list_url(OutgoingEvent, f"subscription__id__exact={row.pk}&state__exact={state}")
    return SafeString(f'<a class="desk-link" href="{address}">{number(count)}</a>')


def _new_secret(row: EventSubscription, now: datetime, **options: Any) -> str:
    """Return the plain secret or private key that signs from now on."""
    plain = signatures.new_private_key() if row.signing == SigningScheme.V1A else signatures.new_secret()
    credentials.replace_secrets(row, plain, now=now, **options)
    return plain


# --- events -----------------------------------------------------------------------------------------------------------
@admin.register(OutgoingEvent)
class OutgoingEventAdmin(LedgerAdmin):
    empty_says = _("Events that were sent to subscriptions, or wait to be sent. There are none in 7 days.")
    list_display = ["occurred", "kind", "of_subscription", "state_and_why", "attempts", "next_try"]
    list_filter = ["state", "kind", Recent, "subscription"]
    list_select_related = ["subscription"]
    search_fields = ["subscription__name"]
    search_help_text = _("A complete webhook-id.")
    actions = ["chosen_again"]
    actions_detail = ["send_again"]
    fieldsets = [
        (None, {"fields": ["kind", "of_subscription", "state_mark", "details", "last_status", "attempts", "next_try"]}),
        (_("Times"), {"fields": ["occurred_at", "first_attempt_at", "ended_at"]}),
        (_("webhook-id"), {"fields": ["id"]}),
    ]
    occurred = time_column("occurred_at", _("occurred at"), "id")
    of_subscription = link_column("subscription", _("event subscription"), "subscription__name")
    state_mark = state_column(TONES)
    details = reason_column("detail", _("detail"))
    next_try = column(lambda row: moment(row.due_at if row.subscription.active else None), _("next try"), "due_at")

    @display(description=_("state"), ordering="state")
    def state_and_why(self, row: OutgoingEvent) -> SafeString:
        if row.state == OutgoingState.WAITING and not row.subscription.active:
            return with_why(self.state_mark(row), gettext("The subscription is switched off."))
        return with_why(self.state_mark(row), shortened(reasons.words(row, "detail")))

    def offers(self, action: str, row: OutgoingEvent) -> bool:
        return row.state == OutgoingState.FAILED

    @action(description=_("Send again"), permissions=["operate"])
    def chosen_again(self, request: HttpRequest, queryset: QuerySet[OutgoingEvent]) -> None:
        chosen = OutgoingEvent.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        total = chosen.count()
        done = sending.send_again(chosen, timezone.now())
        for row in chosen.select_related("subscription"):
            self.log(request, row, "Sent again")
        self.message_user(request, count_words(done, total, gettext("Events sent again")))

    @action(description=_("Send again"), url_path="again", permissions=["operate"], icon="replay")
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: OutgoingEvent = self.get_row(request, object_id)
        if request.method != "POST":
            text = gettext("It is sent to %(subscription)s again, under the same ID.")
            return self.ask(request, row, title=gettext("Send again"), text=text % {"subscription": row.subscription})
        if not sending.send_again(OutgoingEvent.objects.filter(pk=row.pk), timezone.now()):
            return self.done(request, row, gettext("Only events that were given up can be sent again."), messages.INFO)
        return self.done(request, row, gettext("It is sent again. Reload this page in a moment."))


# --- the overview -----------------------------------------------------------------------------------------------------
def panel(now: datetime) -> Panel:
    """Return the subscriptions that were stopped, and those with events that were given up."""
    failed = _count_of(OutgoingState.FAILED)
    subscriptions = EventSubscription.objects.annotate(failed=failed)
    rows = []
    for row in subscriptions.filter(Q(gone_at__isnull=False) | Q(failed__gt=0)):
        if row.gone_at is not None:
            text = gettext("The receiver answered 410: it is gone.")
            rows.append(Row(mark("bad", short(row.gone_at)), row.name, text, change_url(row)))
        if row.failed:
            text = ngettext("%(count)s event was given up.", "%(count)s events were given up.", row.failed)
            href = list_url(OutgoingEvent, f"subscription__id__exact={row.pk}&state__exact={OutgoingState.FAILED}")
            count = number(row.failed)
            rows.append(Row(mark("bad", count), row.name, text % {"count": count}, href))
    address = reverse("admin:event_subscriptions_eventsubscription_changelist")
    return Panel(gettext("Event subscriptions that need you"), address, gettext("Subscribers get their events."), rows)
