"""Sending a version of a template to oneself: to the person of one's own account, and to nobody else."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from notifications.admin.base import DeskAdmin
from notifications.admin.preview import About, preview_context
from notifications.admin.words import change_url, link
from notifications.channel_facts import channel_name
from notifications.models import Notification, Recipient, TemplateVersion
from notifications.routing import template_test
from notifications.routing.template_test import CannotSend, Way


class WaysForm(forms.Form):
    channels = forms.MultipleChoiceField(
        label=_("Besides the inbox, by"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    def __init__(self, data: Any, ways: Sequence[Way]) -> None:
        super().__init__(data, initial={"channels": [way.channel for way in ways]})
        channels = self.fields["channels"]
        assert isinstance(channels, forms.MultipleChoiceField)
        channels.choices = [(way.channel, f"{channel_name(way.channel)}: {way.to}") for way in ways]
        if not ways:
            del self.fields["channels"]


def send_page(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
    """GET: by which channels, and on which sample. POST: sends."""
    person = Recipient.objects.select_related("brand", "user").filter(user=cast(User, request.user)).first()
    subject: About | None = preview_context(request, version, {}).get("about")
    refused = _why_not(person, subject)
    if person is None or subject is None or refused:
        return _page(desk, request, version, refused, "")
    ways = template_test.ways_to(person)
    form = WaysForm(request.POST if request.method == "POST" else None, ways)
    if form.is_valid():
        try:
            sent = template_test.send(
                version, person, subject.writer(), form.cleaned_data.get("channels", []), timezone.now()
            )
            return _sent(desk, request, version, sent)
        except CannotSend as fault:
            form.add_error(None, str(fault))
    return _page(desk, request, version, _what_comes(subject, ways), gettext("Send to me"), form)


def _why_not(person: Recipient | None, subject: About | None) -> str:
    if person is None:
        return gettext("Your account is nobody's who gets messages. Choose it as the user of a person, below People.")
    if not person.present:
        return gettext("%(person)s is not active, and gets no messages.") % {"person": person}
    if subject is None:
        return gettext("No event type has a sample yet: add one, so that there is something to show.")
    return ""


def _what_comes(subject: About, ways: Sequence[Way]) -> str:
    sentence = gettext("As it reads for %(about)s, marked as a test, to you alone. It comes to your inbox.") % {
        "about": subject.words
    }
    if ways:
        return sentence
    more = gettext("For more, turn on notifications on a device in your inbox, or give your person an e-mail address.")
    return f"{sentence} {more}"


def _page(
    desk: DeskAdmin, request: HttpRequest, version: TemplateVersion, text: str, button: str, form: Any = None
) -> HttpResponse:
    context = {"row": version, "back": change_url(version), "text": text, "button": button, "form": form}
    return desk.page(request, "admin/desk/confirm.html", gettext("Send to me"), **context)


def _sent(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion, sent: Notification) -> HttpResponse:
    desk.log(request, version, f"Sent to oneself as a test: {sent.pk}")
    message = gettext("The test is on its way to you.")
    if request.user.has_perm("notifications.view_event") and sent.event is not None:
        message = format_html("{} {}", message, link(sent.event, gettext("What came of it")))
    desk.message_user(request, message, messages.SUCCESS)
    return HttpResponseRedirect(change_url(version))
