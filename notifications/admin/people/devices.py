"""People's browsers and apps, and paused services: whether they work, and why not."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import reasons
from notifications.admin.desk.base import LedgerAdmin, ReadOnlyInline, count_words
from notifications.admin.desk.decorators import (
    action,
    channel_column,
    column,
    display,
    link_column,
    reason_column,
    time_column,
)
from notifications.admin.desk.display import NOTHING, list_url, mark, shortened, since
from notifications.admin.desk.filters import Conditions
from notifications.admin.desk.history_pages import HistoryPages
from notifications.delivery import device_test, service_pauses
from notifications.inbox.sign_in.session import end_session
from notifications.models import Device, PausedService
from notifications.people import devices

UNUSED_AFTER = timedelta(days=30)


def last_outcome(device: Device) -> SafeString:
    """Return whether the last message arrived, or the fault."""
    if device.last_fault_fact:
        return mark("bad", shortened(reasons.words(device, "last_fault")))
    return mark("ok", gettext("arrived")) if device.last_sent_at else NOTHING


class DeviceColumns:
    by = channel_column()
    registered = time_column("created_at", _("registered"))
    used = time_column("last_used_at", _("last used"))
    sent = time_column("last_sent_at", _("last message"))


class DeviceInline(DeviceColumns, ReadOnlyInline):
    model = Device
    fields = ["named", "by", "registered", "used", "sent", "outcome"]
    verbose_name_plural = _("devices")

    named = column(str, _("name"))
    outcome = column(last_outcome, _("outcome"))


class WorkingFilter(Conditions):
    title = _("works")
    parameter_name = "works"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        return {
            "yes": (_("the last message arrived"), Q(last_fault_fact__isnull=True, last_sent_at__isnull=False)),
            "no": (_("the last message failed"), Q(last_fault_fact__isnull=False)),
            "untried": (_("no message yet"), Q(last_fault_fact__isnull=True, last_sent_at=None)),
            "unused": (_("not used for 30 days"), Q(last_used_at__lt=timezone.now() - UNUSED_AFTER)),
        }


@admin.register(Device)
class DeviceAdmin(DeviceColumns, HistoryPages, LedgerAdmin):
    empty_says = _(
        "Browsers and apps that show messages. There are none yet: people turn notifications on in "
        "their inbox, on each device."
    )
    list_display = ["name", "person", "by", "registered", "used", "sent", "outcome"]
    list_filter = [WorkingFilter, "channel", "platform"]
    list_select_related = ["recipient"]
    search_fields = ["name", "=recipient__ref", "recipient__name"]
    actions = ["test", "remove"]
    actions_detail = ["test_this", "remove_this"]
    readonly_fields = ["id", "sender", "person", "by", "registered", "used", "sent", "outcome", "fault"]
    fieldsets = [
        (None, {"fields": ["name", "person", "by", "platform", "language", "registered", "used"]}),
        (_("Messages"), {"fields": ["sent", "outcome", "fault", "expires_at"]}),
        (_("Of"), {"fields": ["sender", "id"]}),
    ]

    # --- columns ----------------------------------------------------------------------------------------------------
    person = link_column("recipient", _("person"), "recipient__name")

    @display(description=_("outcome"))
    def outcome(self, device: Device) -> SafeString:
        return mark("wait", gettext("a test is on its way")) if device.due_at else last_outcome(device)

    fault = reason_column("last_fault", _("last fault"))

    # --- actions ----------------------------------------------------------------------------------------------------
    @action(description=_("Send a test message"), permissions=["operate"])
    def test(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        selection = list(queryset)
        for device in selection:
            device_test.ask(device, timezone.now())
            self.log(request, device, "Tested")
        self.message_user(request, count_words(len(selection), len(selection), gettext("Test messages on their way")))

    @action(description=_("Remove"), permissions=["operate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        selection = list(queryset)
        for device in selection:
            self.log(request, device, "Removed")
        removed = self._remove_devices(request, selection)
        self.message_user(request, count_words(removed, len(selection), gettext("Devices removed")))

    def _remove_devices(self, request: HttpRequest, selection: Sequence[Device]) -> int:
        """Remove the devices, and sign the user out if their own browser is among them. Return the number removed."""
        own_session = devices.session_digest(request.session.session_key)
        removed = devices.end(selection, devices.REMOVED, timezone.now())
        if any(device.session == own_session for device in selection):
            end_session(request)
        return removed

    @action(description=_("Send a test message"), url_path="test", permissions=["operate"], icon="send")
    def test_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        device: Device = self.get_row(request, object_id)
        if request.method != "POST":
            text = gettext("%(device)s of %(person)s shows a message that says it is a test.")
            arguments = {"device": device, "person": device.recipient}
            title = gettext("Send a test message")
            return self.ask(request, device, title=title, text=text % arguments, button=title)
        device_test.ask(device, timezone.now())
        return self.done(request, device, gettext("The test is on its way. Reload this page in a moment."))

    @action(description=_("Remove"), url_path="remove", permissions=["operate"], icon="delete")
    def remove_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        device: Device = self.get_row(request, object_id)
        if request.method != "POST":
            text = gettext(
                "%(device)s of %(person)s gets nothing more and is signed out; its notifications can "
                "no longer be answered. The person may sign in there again."
            )
            arguments = {"device": device, "person": device.recipient}
            title, button = gettext("Remove the device"), gettext("Remove")
            return self.ask(request, device, title=title, text=text % arguments, button=button, danger=True)
        self.log(request, device, "Removed")
        self._remove_devices(request, [device])
        self.message_user(request, gettext("The device was removed."), messages.SUCCESS)
        return HttpResponseRedirect(list_url(Device))


@admin.register(PausedService)
class PausedServiceAdmin(LedgerAdmin):
    """The list of services that reject our credentials: their messages wait, or go by another channel."""

    empty_says = _("Push services, mail servers and gateways that refuse messages and are paused. There are none.")

    list_display = ["service", "by", "why", "paused_for", "tried_again"]
    list_filter = ["channel"]
    search_fields = ["service", "reason_fact"]
    fields = ["service", "by", "whole_reason", "paused_for", "tried_again"]
    actions = ["resume"]

    by = channel_column()
    why = column(lambda paused: shortened(reasons.words(paused)), _("reason"))
    whole_reason = reason_column("reason", _("reason"))
    paused_for = column(lambda paused: since(paused.paused_at, "bad"), _("paused for"), "paused_at")
    tried_again = time_column("until", _("tried again"))

    @action(description=_("Try again now"), permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[PausedService]) -> None:
        services = list(queryset)
        for paused in services:
            self.log(request, paused, "Tried again")
            service_pauses.resume((paused.channel, paused.service), timezone.now())
        self.message_user(request, count_words(len(services), len(services), gettext("Services tried again")))
