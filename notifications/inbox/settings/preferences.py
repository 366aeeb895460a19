"""The page of settings: a person's channels, quiet hours, language and time zone."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from notifications.channel_facts import channel_name, reaches_devices
from notifications.channels.registry import channels as all_channels
from notifications.inbox.page_frame import show_page
from notifications.inbox.settings import delivery_preview
from notifications.inbox.sign_in.session import PersonRequest, form_only, person_required, recipient_of
from notifications.models import Frequency, Recipient
from notifications.preferences import change_effects, personal_preferences
from notifications.preferences.form import PreferencesForm, name_of
from notifications.preferences.lookup import BRAND, TEAM, holidays_of
from notifications.preferences.matrix import Cell, Row, Source, columns, without_address
from notifications.preferences.personal_preferences import PreferenceValues
from notifications.wording.formats import written_for
from notifications.wording.languages import language_of
from notifications.wording.regional_formats import choices, variety_of
from wfpush import zones


# --- language and zone ----------------------------------------------------------------------------
class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=settings.LANGUAGES)
    variety = forms.CharField(required=False)
    timezone = forms.CharField(
        required=False,
        max_length=60,
        error_messages={"max_length": gettext_lazy("Choose a time zone from the list.")},
    )

    def clean_variety(self) -> str:
        """Return the variety if it is one of the language. Readers who change the language have seen none of it yet."""
        return variety_of(self.cleaned_data["variety"], self.cleaned_data.get("language", ""))

    def clean_timezone(self) -> str:
        name: str = self.cleaned_data["timezone"].strip()
        by_lowercase = {zone.lower(): zone for zone in zones.names()}
        if name and name.lower() not in by_lowercase:
            raise ValidationError(_("Choose a time zone from the list, such as Europe/Berlin."))
        return by_lowercase[name.lower()] if name else ""


def _language_values(person: Recipient) -> dict[str, Any]:
    language = language_of(person)
    return {"language": language, "variety": variety_of(person.locale, language), "timezone": person.timezone}


def _save_language(person: Recipient, form: LanguageForm) -> bool:
    """Save language, variety and zone. Return whether the language has changed. A locale that the page does not know
    stays until another is chosen."""
    language: str = form.cleaned_data["language"]
    variety: str = form.cleaned_data["variety"]
    before, changed = _language_values(person), language != language_of(person)
    new = {"timezone": form.cleaned_data["timezone"]}
    if changed or variety != before["variety"]:
        new["locale"] = variety or language
    fields = [name for name, value in new.items() if getattr(person, name) != value]
    for name in fields:
        setattr(person, name, new[name])
    if fields:
        person.save(update_fields=fields)
    return changed


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Take the choice at the foot of a page: for this browser, and as in the settings for the person signed in."""
    person, language = recipient_of(request), request.POST.get("language", "")
    if person is not None and language in dict(settings.LANGUAGES) and language != language_of(person):
        person.locale = language
        person.save(update_fields=["locale"])
    return set_language(request)


@form_only
@person_required
def learn_timezone(request: PersonRequest) -> HttpResponse:
    """Store the browser's time zone for a person without one: 204, or 422 for an unknown zone.

    E-mails, notifications and clocks then use the same hours as the page.
    """
    name = request.POST.get("timezone", "")[:60]
    if name not in zones.names():
        return HttpResponse(status=422)
    with transaction.atomic():
        if Recipient.objects.filter(pk=request.recipient.pk, timezone="").update(timezone=name):
            request.recipient.timezone = name
            change_effects.apply(request.recipient, timezone.now())
    return HttpResponse(status=204)


# --- the page -------------------------------------------------------------------------------------
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PersonRequest) -> HttpResponse:
    person = request.recipient
    if request.method != "POST":
        return _show(request, PreferencesForm(person), LanguageForm(initial=_language_values(person)))
    if "reset" in request.POST:
        personal_preferences.put(person, PreferenceValues(), timezone.now())
        messages.success(request, _("The defaults are restored."))
        return redirect("inbox:settings")
    form, speaking = PreferencesForm(person, request.POST), LanguageForm(request.POST)
    if "more" in request.POST or "drop" in request.POST:
        # Nothing is saved, and nothing that was typed is lost.
        drop = request.POST.get("drop", "")
        typed = form.without_row(int(drop)) if drop.isdecimal() and len(drop) < 4 else form.with_another_row()
        return _show(request, PreferencesForm(person, initial=typed), speaking, unsaved=True)
    if not (form.is_valid() and speaking.is_valid()):
        speaking.is_valid()
        return _show(request, form, speaking, status=422)
    return _save(request, form, speaking)


@require_POST
@person_required
def sentences(request: PersonRequest) -> HttpResponse:
    """Show the outlook for the form as it is typed; 204 while it is not valid. Saves nothing."""
    form, speaking = PreferencesForm(request.recipient, request.POST), LanguageForm(request.POST)
    if not (form.is_valid() and speaking.is_valid()):
        return HttpResponse(status=204)
    with transaction.atomic():
        _save_language(request.recipient, speaking)
        personal_preferences.write(request.recipient, form.preferences)
        with written_for(request.recipient.locale):
            moments = delivery_preview.moments(request.recipient, timezone.now())
        transaction.set_rollback(True)
    return render(request, "inbox/_outlook.html", {"moments": moments})


@transaction.atomic
def _save(request: PersonRequest, form: PreferencesForm, speaking: LanguageForm) -> HttpResponse:
    person = request.recipient
    other_language = _save_language(person, speaking)
    personal_preferences.put(person, form.preferences, timezone.now())
    with translation.override(language_of(person) if other_language else translation.get_language()):
        messages.success(request, _("Saved."))
    response = redirect("inbox:settings")
    if other_language:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)  # it goes first where no sign-in is needed
    return response


def _show(
    request: PersonRequest,
    form: PreferencesForm,
    speaking: LanguageForm,
    *,
    status: int = 200,
    unsaved: bool = False,
) -> HttpResponse:
    person = request.recipient
    used = columns(form.matrix)
    missing = without_address(person, used)
    shown = [name for name in used if name not in missing]
    context = {
        "form": form,
        "speaking": speaking,
        "varieties": choices(language_of(person), timezone.now()),
        "moments": delivery_preview.moments(person, timezone.now()),
        "columns": [channel_name(name) for name in shown],
        "rows": [_row_shown(form, row, shown) for row in form.matrix],
        "unreachable": [
            (channel_name(name), all_channels()[name].without_address.words(), reaches_devices(name))
            for name in used
            if name in missing
        ],
        "has_holidays": bool(holidays_of([person.pk])),
        "zone": timezone.get_current_timezone_name(),
        "zones": sorted(zones.names()),
        "unsaved": unsaved,
        "faulty": status == 422,
    }
    return show_page(request, "inbox/settings.html", context, status=status)


# --- the matrix -----------------------------------------------------------------------------------
def _row_shown(form: PreferencesForm, row: Row, shown: Sequence[str]) -> dict[str, Any]:
    """Return a row of the matrix. `hidden`: names of boxes that stay ticked, of channels that are not shown."""
    name = row.category.name_in(translation.get_language() or "")
    cells = [_cell_shown(form, row, channel, row.cell(channel)) for channel in shown]
    boxes = [form[name_of(row, cell)] for cell in row.cells if cell.channel not in shown and not cell.mandatory]
    label = Frequency(row.default).label
    usual = _("default: %(often)s") % {"often": _with_source(str(label), row.source)}
    options = [("", usual), *((value, str(often)) for value, often in Frequency.choices)]
    hidden = [box.html_name for box in boxes if box.value()]
    return {"name": name, "cells": cells, "hidden": hidden, "often": form[f"f{row.category.pk}"], "options": options}


def _cell_shown(form: PreferencesForm, row: Row, channel: str, cell: Cell | None) -> dict[str, Any]:
    """Return a cell of the matrix. `box` is its check box; missing if the category does not use the channel."""
    if cell is None:
        return {"channel": channel_name(channel)}
    if cell.mandatory:
        hint = row.category.mandatory_reason or _("Your organization requires it.")
    elif cell.default and cell.source.by not in (TEAM, BRAND):
        hint = ""  # as the page says of all channels
    else:
        hint = _with_source(_("on by default") if cell.default else _("off by default"), cell.source)
    box = form[name_of(row, cell)]
    return {"channel": channel_name(channel), "box": box, "mandatory": cell.mandatory, "hint": hint}


def _with_source(text: str, source: Source) -> str:
    """Return the text with the team or brand whose default it is. The category is not named."""
    if source.by == TEAM:
        return _("%(text)s (team %(name)s)") % {"text": text, "name": source.name}
    return _("%(text)s (%(name)s)") % {"text": text, "name": source.name} if source.by == BRAND else text
