"""Absences: who is away, until when, and who gets that person's messages meanwhile."""

from collections.abc import Sequence
from copy import copy
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline

from notifications.absences.checks import MOST_PARTS, faults_of
from notifications.absences.entering import AbsenceEntry, PartEntry
from notifications.admin.desk.base import HistoryAdmin
from notifications.admin.desk.decorators import column, delegate_column, display
from notifications.admin.desk.display import mark
from notifications.admin.desk.filters import Conditions
from notifications.admin.desk.history_states import State
from notifications.admin.desk.invalid_ids import AutocompleteMixin
from notifications.models import Absence, AbsencePart, Category, Engine, Recipient


class AbsenceForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        form_data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.has_changed() or not {"begins_at", "ends_at", "delegate"} <= set(form_data):
            return form_data  # past absences are not checked
        person = form_data.get("recipient") or self.instance.recipient
        submitted = AbsenceEntry(
            form_data["begins_at"], form_data["ends_at"], form_data["delegate"], parts_of(self.instance)
        )
        for field, fault in faults_of(person, submitted, timezone.now()).items():
            self.add_error(field if field in self.fields else None, fault)
        return form_data

    def save(self, commit: bool = True) -> Any:
        """Clear `entered_by`, so that the absence outlasts the lead of the manager who entered it."""
        self.instance.entered_by = None
        return super().save(commit)


def parts_of(row: Absence) -> list[PartEntry]:
    """Return the stored parts of an absence."""
    stored = row.parts.select_related("category", "engine", "delegate") if row.pk else ()
    return [PartEntry(part.delegate, part.category, part.engine, part.case_type) for part in stored]


class AbsencePartForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        form_data: dict[str, Any] = super().clean() or self.cleaned_data
        if sum(bool(form_data.get(name)) for name in ("category", "engine", "case_type")) != 1 and not self.errors:
            self.add_error("category", gettext("Choose a category, an engine or a kind of case: one of them."))
        return form_data


class AbsencePartFormSet(forms.models.BaseInlineFormSet):
    """Checks the absence together with its parts, once each part is valid by itself."""

    def clean(self) -> None:
        super().clean()
        row = self.instance
        if any(self.errors) or row.recipient_id is None or row.begins_at is None or row.ends_at is None:
            return
        forms = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        parts = [
            PartEntry(part["delegate"], part["category"], part["engine"], part["case_type"])
            for part in (form.cleaned_data for form in forms)
        ]
        if not parts or not any(form.has_changed() for form in self.forms):
            return
        submitted = AbsenceEntry(row.begins_at, row.ends_at, row.delegate, parts)
        for field, fault in faults_of(row.recipient, submitted, timezone.now()).items():
            if field.startswith("parts."):
                forms[int(field.partition(".")[2])].add_error("delegate", fault)


class AbsencePartInline(AutocompleteMixin, StackedInline):
    model = AbsencePart
    form = AbsencePartForm
    formset = AbsencePartFormSet
    extra = 0
    max_num = MOST_PARTS
    autocomplete_fields = ["delegate"]
    fields = ["category", "engine", "case_type", "delegate"]
    verbose_name_plural = _("other delegates for some of it; the first that fits counts")


class AwayFilter(Conditions):
    title = _("away")
    parameter_name = "away"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        now = timezone.now()
        begun, over = Q(begins_at__lte=now), Q(ends_at__lte=now)
        return {
            "now": (_("now"), begun & ~over),
            "alone": (_("now, and nobody stands in"), begun & ~over & Q(delegate=None)),
            "soon": (_("later"), ~begun),
            "over": (_("no longer"), over),
        }


@admin.register(Absence)
class AbsenceAdmin(HistoryAdmin):
    empty_says = _(
        "People who are away, and their stand-ins. There are none yet: people enter absences in their "
        "inbox, or you add them here."
    )
    form = AbsenceForm
    list_display = ["person", "now", "begins_at", "ends_at", "stands_in"]
    list_filter = [AwayFilter]
    list_select_related = ["recipient", "delegate"]
    search_fields = ["=recipient__ref", "recipient__name", "=delegate__ref", "delegate__name"]
    autocomplete_fields = ["recipient", "delegate"]
    fixed_fields = ["recipient"]
    fields = ["recipient", "begins_at", "ends_at", "delegate", "open_items", "give_back"]
    parts = [AbsencePart]
    inlines = [AbsencePartInline]

    def refuses_to_restore(self, row: Absence, then: State, changed: Sequence[str]) -> Sequence[str]:
        """Check delegates alone: times may be in the past, where they have no effect."""
        if not changed:
            return ()
        delegate = Recipient.objects.filter(pk=then.values["delegate"]).first()
        begins_at, ends_at = then.values["begins_at"], then.values["ends_at"]
        restored = AbsenceEntry(begins_at, ends_at, delegate, _parts_then(then))
        faults = faults_of(row.recipient, restored, timezone.now())
        return [fault for field, fault in faults.items() if field == "delegate" or field.startswith("parts.")]

    person = column(lambda row: row.recipient, _("person"), "recipient__name")
    stands_in = delegate_column()

    @display(description=_("away"))
    def now(self, row: Absence) -> SafeString:
        now = timezone.now()
        if row.ends_at <= now:
            return mark("quiet", gettext("no longer"))
        return mark("wait", gettext("now")) if row.begins_at <= now else mark("quiet", gettext("later"))


def _parts_then(then: State) -> list[PartEntry]:
    rows = (then.parts or {}).get("parts", [])
    people = Recipient.objects.in_bulk([row["delegate_id"] for row in rows if row["delegate_id"]])
    categories = Category.objects.in_bulk([row["category_id"] for row in rows if row["category_id"]])
    engines = Engine.objects.in_bulk([row["engine_id"] for row in rows if row["engine_id"]])
    return [
        PartEntry(
            people.get(row["delegate_id"]),
            categories.get(row["category_id"]),
            engines.get(row["engine_id"]),
            row["case_type"],
        )
        for row in rows
    ]


class AbsenceFormSet(forms.BaseInlineFormSet):
    def delete_existing(self, obj: Any, commit: bool = True) -> None:
        """Delete a copy: deletion clears the key, which is the person here and which the page's log entry needs."""
        super().delete_existing(copy(obj), commit)


class AbsenceInline(AutocompleteMixin, StackedInline):
    model = Absence
    formset = AbsenceFormSet
    form = AbsenceForm
    fk_name = "recipient"
    extra = 0
    autocomplete_fields = ["delegate"]
    fields = ["begins_at", "ends_at", "delegate", "open_items", "give_back"]
    hide_title = True
