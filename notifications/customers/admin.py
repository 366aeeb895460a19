"""The journeys of cases: the milestones that customers see, and their labels. What people unsubscribed from."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from notifications.admin.desk.base import HistoryAdmin, LedgerAdmin, ReadOnlyInline
from notifications.admin.desk.decorators import channel_column, column, display, link_column, time_column
from notifications.admin.desk.display import shortened
from notifications.admin.desk.fields import LabelsField
from notifications.customers.milestones import MOST_LABEL, label_of
from notifications.customers.models import Journey, Milestone, Unsubscription

MOST_NOTE = 300
"""Maximum number of characters of a milestone's sentence."""


class MilestoneForm(forms.ModelForm):
    statuses = SimpleArrayField(
        forms.CharField(max_length=100),
        label=_("Statuses"),
        widget=UnfoldAdminTextInputWidget(),
        help_text=Milestone._meta.get_field("statuses").help_text,
    )
    labels = LabelsField(
        label=_("Texts for customers"),
        longest=MOST_LABEL,
        help_text=_("One language a line, such as “de: Eingegangen”. Others read the English one."),
    )
    ahead = LabelsField(
        label=_("Before it is reached"),
        longest=MOST_LABEL,
        required=False,
        help_text=_("Only if it has another name, such as “en: Decision”. Empty: as above."),
    )
    notes = LabelsField(
        label=_("Sentence while the case is there"),
        longest=MOST_NOTE,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "cols": 60}),
        help_text=_("One language a line, such as “en: We are looking at it.”"),
    )


class MilestoneFormSet(forms.models.BaseInlineFormSet):
    def clean(self) -> None:
        """Check that each status belongs to one milestone only."""
        super().clean()
        number_by_status: dict[str, int] = {}
        for number, form in enumerate(self.forms, 1):
            cleaned = getattr(form, "cleaned_data", {})
            for status in [] if cleaned.get("DELETE") else cleaned.get("statuses") or []:
                if number_by_status.setdefault(status, number) != number:
                    form.add_error("statuses", gettext("“%(status)s” occurs twice.") % {"status": status})


class MilestoneInline(StackedInline):
    model = Milestone
    form = MilestoneForm
    formset = MilestoneFormSet
    extra = 0
    fields = ["position", "statuses", "labels", "ahead", "notes", "ends"]
    verbose_name_plural = _("milestones, in their order")


@admin.register(Journey)
class JourneyAdmin(HistoryAdmin):
    empty_says = _("The milestones of a kind of case, as customers see them. Add the first one.")
    list_display = ["name", "which", "steps"]
    list_filter = ["engine"]
    list_select_related = ["engine", "event_type"]
    list_prefetch_related = ["milestones"]
    search_fields = ["name", "case_type"]
    autocomplete_fields = ["engine", "event_type"]
    parts = [Milestone]
    inlines = [MilestoneInline]
    fieldsets = [
        (None, {"fields": ["name"]}),
        (_("Cases that follow it"), {"fields": ["engine", "case_type", "event_type"]}),
    ]

    @display(description=_("which cases"))
    def which(self, journey: Journey) -> str:
        parts = [gettext("from %(engine)s") % {"engine": journey.engine}] if journey.engine else []
        parts += [gettext("of the kind %(kind)s") % {"kind": journey.case_type}] if journey.case_type else []
        parts += [gettext("updated by %(type)s") % {"type": journey.event_type}] if journey.event_type else []
        return ", ".join(parts) or gettext("every case")

    @display(description=_("milestones"))
    def steps(self, journey: Journey) -> SafeString:
        by_position: dict[int, list[str]] = {}
        for milestone in journey.milestones.all():
            by_position.setdefault(milestone.position, []).append(label_of(milestone, "en"))
        return shortened(" → ".join(" / ".join(labels) for labels in by_position.values()), 110)


@admin.register(Milestone)
class MilestoneAdmin(LedgerAdmin):
    """A list of the milestones of all journeys. They are edited on the journey's page."""

    empty_says = _("Milestones of cases. They are edited on the page of their journey.")

    list_display = ["position", "status_names", "words", "ends", "of_journey"]
    list_select_related = ["journey"]
    search_fields = ["statuses", "journey__name"]

    status_names = column(lambda milestone: ", ".join(milestone.statuses), _("statuses"))

    @display(description=_("what customers read"))
    def words(self, milestone: Any) -> str:
        return ", ".join(f"{language}: {label}" for language, label in milestone.labels.items())

    of_journey = link_column("journey", _("journey of a case"), "journey__name")


class UnsubscriptionInline(ReadOnlyInline):
    """The unsubscriptions that a person made by the link in an e-mail."""

    model = Unsubscription
    fields = ["category", "by", "off", "on_again"]
    related = ["category"]
    show_change_link = False
    verbose_name_plural = _("turned off by the link in an e-mail")

    by = channel_column()
    off = time_column("at", _("turned off"))
    on_again = time_column("undone_at", _("turned on again"))
