"""Ways to reach people: the defaults of teams and brands, and the preferences of each person."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.display import change_url
from notifications.admin.desk.invalid_ids import AutocompleteMixin
from notifications.channel_facts import INBOX, channel_name, offered_channels
from notifications.channels.registry import channels as all_channels
from notifications.inbox.settings import delivery_preview
from notifications.models import CategoryDefault, Frequency, Recipient
from notifications.preferences import personal_preferences
from notifications.preferences.form import PreferencesForm, name_of
from notifications.preferences.matrix import Row, columns, rows_of, turned_off, without_address
from notifications.preferences.personal_preferences import PreferenceValues

ON, OFF = "on", "off"


# --- teams and brands -----------------------------------------------------------------------------------------------
class DefaultForm(forms.ModelForm):
    """The form of a default, with a choice for each channel: on, off, or the same as without the row."""

    class Meta:
        model = CategoryDefault
        fields = ["category", "frequency"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.channels if self.instance.pk else {}
        choices = [("", gettext("as usual")), (ON, gettext("on")), (OFF, gettext("off"))]
        for name in _channels():
            initial = (ON if stored[name] else OFF) if name in stored else ""
            self.fields[f"by_{name}"] = forms.ChoiceField(
                choices=choices,
                required=False,
                initial=initial,
                label=channel_name(name),
                widget=UnfoldAdminSelectWidget,
            )

    def clean(self) -> dict[str, Any]:
        form_data: dict[str, Any] = super().clean() or self.cleaned_data
        retained = {name: on for name, on in self.instance.channels.items() if name not in _channels()}
        chosen = {name: form_data.get(f"by_{name}") for name in _channels()}
        self.instance.channels = retained | {name: value == ON for name, value in chosen.items() if value}
        return form_data


def _channels() -> list[str]:
    return [name for name in offered_channels() if name != INBOX]


class DefaultInline(AutocompleteMixin, TabularInline):
    """The defaults for the people of a team or brand. The channels are columns."""

    model = CategoryDefault
    form = DefaultForm
    extra = 0
    hide_title = True
    verbose_name = _("default")
    verbose_name_plural = _("delivery preferences")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["category", "frequency", *(f"by_{name}" for name in _channels())]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, **{**kwargs, "fields": ["category", "frequency"]})


# --- a person -------------------------------------------------------------------------------------------------------
def unheard(person: Recipient) -> list[str]:
    """Return sentences on mandatory messages that do not reach the person, and on a lack of channels."""
    rows = rows_of(person)
    used = columns(rows)
    missing = without_address(person, used)
    language = translation.get_language() or ""
    sentences = [
        gettext("%(category)s by %(channel)s, which is required: %(why)s")
        % {
            "category": row.category.name_in(language),
            "channel": channel_name(cell.channel),
            "why": all_channels()[cell.channel].without_address.words(),
        }
        for row in rows
        for cell in row.cells
        if cell.mandatory and cell.channel in missing
    ]
    sentences += [
        gettext("%(category)s: every channel is turned off. Waiting tasks also appear only in their inbox.")
        % {"category": row.category.name_in(language)}
        for row in turned_off(rows, missing)
    ]
    if missing == set(used):
        sentences.append(
            gettext("Urgent tasks and critical steps appear only in their inbox: no channel reaches them.")
        )
    return sentences


def preferences_page(desk: DeskAdmin, request: HttpRequest, person: Recipient) -> HttpResponse:
    """Show a person's preferences. Users with `change_preferences` may change them."""
    changes = request.user.has_perm("notifications.change_preferences")
    if request.method == "POST" and not changes:
        raise PermissionDenied
    form = PreferencesForm(person, request.POST if request.method == "POST" else None)
    if not changes:
        for field in form.fields.values():
            field.disabled = True
        return _page(desk, request, person, form, changes=False)
    if "reset" in request.POST:
        return _save(desk, request, person, PreferenceValues())
    if request.method == "POST" and form.is_valid():
        return _save(desk, request, person, form.preferences)
    return _page(desk, request, person, form, changes=True)


@transaction.atomic
def _save(desk: DeskAdmin, request: HttpRequest, person: Recipient, submitted: PreferenceValues) -> HttpResponse:
    before = personal_preferences.read(person)
    personal_preferences.put(person, submitted, timezone.now())
    parts = list(_describe_changes(before, personal_preferences.read(person)))
    text = gettext("Delivery: %(parts)s") % {"parts": "; ".join(parts)}
    if parts:
        return desk.done(request, person, text)
    return HttpResponseRedirect(change_url(person))


def _describe_changes(before: PreferenceValues, after: PreferenceValues) -> Iterator[str]:
    """Yield each changed preference in a few words, for the log."""
    for slug in sorted({*before.choices, *after.choices}):
        own = after.choices.get(slug)
        if before.choices.get(slug) == own:
            continue
        off = [name for name, on in own.channels.items() if not on] if own else []
        more = [name for name, on in own.channels.items() if on] if own else []
        changes = [f"−{name}" for name in off] + [f"+{name}" for name in more] + ([own.frequency] if own else [])
        yield f"{slug}: {', '.join(filter(None, changes)) or gettext('as usual')}"
    if before.quiet_hours != after.quiet_hours:
        windows = [f"{window.begins:%H:%M}–{window.ends:%H:%M}" for window in after.quiet_hours]
        yield gettext("quiet hours %(windows)s") % {"windows": ", ".join(windows) or "–"}
    others = ("quiet_on_holidays", "digest_times", "repeat_pause", "most_an_hour")
    if any(getattr(before, name) != getattr(after, name) for name in others):
        yield gettext("digests")


def _cell(form: PreferencesForm, row: Row, channel: str) -> dict[str, Any]:
    """Return a cell of the page. `field` is None if the category does not use the channel."""
    cell = row.cell(channel)
    return {"channel": channel_name(channel), "field": form[name_of(row, cell)] if cell is not None else None}


def _page(
    desk: DeskAdmin, request: HttpRequest, person: Recipient, form: PreferencesForm, *, changes: bool
) -> TemplateResponse:
    used = columns(form.matrix)
    language = translation.get_language() or ""
    rows = [
        {
            "name": row.category.name_in(language),
            "boxes": [_cell(form, row, name) for name in used],
            "often": form[f"f{row.category.pk}"],
        }
        for row in form.matrix
    ]
    return desk.page(
        request,
        "admin/desk/preferences.html",
        gettext("Delivery preferences of %(person)s") % {"person": person},
        person=person,
        back=change_url(person),
        form=form,
        columns=[channel_name(name) for name in used],
        rows=rows,
        frequencies=Frequency.choices,
        moments=delivery_preview.moments(person, timezone.now()),
        unheard=unheard(person),
        changes=changes,
    )
