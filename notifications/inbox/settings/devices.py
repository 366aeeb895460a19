"""The page of a person's devices, which get messages while no page is open. All actions are forms."""

from datetime import datetime
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from notifications.delivery import device_test
from notifications.inbox.page_frame import show_page
from notifications.inbox.pages import browser_settings
from notifications.inbox.sign_in.session import PersonRequest, end_session, form_only, person_required
from notifications.models import Device, LockScreen
from notifications.people import devices
from notifications.wording.directions import all_apart
from notifications.wording.times import day, exact, when


@person_required
@require_safe
def page(request: PersonRequest) -> HttpResponse:
    now = timezone.now()
    rows = [
        {
            "device": device,
            "here": _is_here(request, device),
            "used": _used(device.last_used_at, now),
            "used_exact": exact(device.last_used_at),
            "news": _news(device, now),
        }
        for device in request.recipient.devices.all()
    ]
    rows.sort(key=lambda row: not row["here"])
    context = {"rows": rows, "shows": LockScreen.choices, "settings": browser_settings(request)}
    return show_page(request, "inbox/devices.html", context)


def _used(at: datetime, now: datetime) -> str:
    """Return when the device was last used, to the day: `last used today`."""
    there, today = timezone.localtime(at).date(), timezone.localtime(now).date()
    phrase = {0: _("last used today"), 1: _("last used yesterday")}.get((today - there).days)
    return phrase or _("last used on {date}").format(date=day(there, today))


def _news(device: Device, now: datetime) -> str:
    """Return a sentence about the last message; empty if there was none."""
    if device.due_at is not None:
        return _("A test message is on its way.")
    if device.last_fault:
        return _("The last message did not get through.")
    if device.last_sent_at is None:
        return ""
    return _("The last message was sent {when}.").format(when=when(device.last_sent_at, now))


@person_required
@require_safe
def registration_state(request: PersonRequest, device_id: UUID) -> JsonResponse:
    """Return the state of a device as JSON for the browser's script: `kept`, `removed` for good, or `lost`. Lost: the
    push service no longer knew the device, and its browser may register again."""
    fate = devices.registration_state(request.recipient, device_id)
    if not fate:
        raise Http404
    return JsonResponse({"fate": fate})


@form_only
@person_required
def test(request: PersonRequest, device_id: UUID) -> HttpResponse:
    device = _own(request, device_id)
    device_test.ask(device, timezone.now())
    messages.success(request, _("A test message is on its way to %(name)s.") % all_apart(name=device.name))
    return redirect("inbox:devices")


class ShowsForm(forms.Form):
    """Settings of a device: its lock screen before anybody signs in, and its sound."""

    lock_screen = forms.ChoiceField(choices=LockScreen.choices)
    silent = forms.BooleanField(required=False)


@form_only
@person_required
def change_what_it_shows(request: PersonRequest, device_id: UUID) -> HttpResponse:
    device = _own(request, device_id)
    form = ShowsForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=422)  # the page offers no other values
    form_data = form.cleaned_data
    if (device.lock_screen, device.silent) != (form_data["lock_screen"], form_data["silent"]):
        device.lock_screen, device.silent = form_data["lock_screen"], form_data["silent"]
        device.save(update_fields=["lock_screen", "silent"])
    messages.success(request, _("Saved for %(name)s.") % {"name": device.name})
    return redirect("inbox:devices")


@form_only
@person_required
def remove(request: PersonRequest, device_id: UUID) -> HttpResponse:
    device = _own(request, device_id)
    here = _is_here(request, device)
    devices.end([device], devices.REMOVED, timezone.now())
    if here:
        end_session(request)
        messages.success(request, _("%(name)s is removed, and you are signed out here.") % all_apart(name=device.name))
        return redirect("inbox:sign-in")
    messages.success(
        request,
        _("%(name)s is removed and signed out. Nothing can be answered there any more.") % all_apart(name=device.name),
    )
    return redirect("inbox:devices")


def _is_here(request: PersonRequest, device: Device) -> bool:
    return bool(device.session) and device.session == devices.session_digest(request.session.session_key)


def _own(request: PersonRequest, device_id: UUID) -> Device:
    """Return the reader's device. Raises Http404, for other people's devices too."""
    return get_object_or_404(Device, recipient=request.recipient, pk=device_id)
