"""How an engine's words map to ours, and ours to its: parts of the engine's form, and lists of their own."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from notifications.admin.base import LedgerAdmin
from notifications.admin.decorators import display
from notifications.admin.fields import JsonObjectField
from notifications.admin.known_paths import OffersPaths
from notifications.admin.mapping_paths import offer
from notifications.admin.words import link
from notifications.answers import answer_variables
from notifications.intake.expressions import InvalidExpression, check
from notifications.models import AnswerMapping, Engine, EventMapping


class EventMappingForm(forms.ModelForm):
    def clean_expression(self) -> str:
        expression: str = self.cleaned_data["expression"]
        try:
            check(expression)
        except InvalidExpression as fault:
            raise ValidationError(str(fault)) from fault
        return expression


class AnswerMappingForm(forms.ModelForm):
    variables = JsonObjectField(
        label=_("Variables"),
        required=False,
        rows=3,
        help_text=_(
            "A JSON object; what it sets is never the person's. Filled in from the answer, and of a type: "
            '{"approver": "{{ person.ref }}", "paid": {"type": "double", "value": "{{ variables.amount }}"}}'
        ),
    )

    def clean_variables(self) -> dict[str, Any]:
        variables: dict[str, Any] = self.cleaned_data["variables"]
        try:
            answer_variables.check(variables)
        except answer_variables.BadVariable as fault:
            raise ValidationError(str(fault)) from fault
        return variables


class EventMappingInline(OffersPaths, TabularInline):
    model = EventMapping
    form = EventMappingForm
    extra = 0
    hide_title = True
    verbose_name_plural = _("its own JSON → CloudEvent (only for engines that cannot send CloudEvents)")

    def get_formset(self, request: HttpRequest, obj: Engine | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        offer(formset.form.base_fields.get("expression"), obj)
        return formset


class AnswerMappingInline(TabularInline):
    model = AnswerMapping
    form = AnswerMappingForm
    extra = 0
    hide_title = True
    verbose_name_plural = _("our actions → its outcomes and variables")


# --- lists of their own -----------------------------------------------------------------------------------------------
class PartOfEngine(LedgerAdmin):
    """A list of the parts of all engines. They are edited on the engine's page."""

    list_select_related = ["engine"]
    list_display_links = None

    @display(description=_("engine"), ordering="engine__name")
    def of_engine(self, row: Any) -> SafeString:
        return link(row.engine)


@admin.register(EventMapping)
class EventMappingAdmin(PartOfEngine):
    list_display = ["of_engine", "member", "expression"]
    list_filter = ["engine"]
    search_fields = ["member", "expression", "engine__name"]


@admin.register(AnswerMapping)
class AnswerMappingAdmin(PartOfEngine):
    list_display = ["of_engine", "action", "task_kind", "outcome", "variables"]
    list_filter = ["engine"]
    search_fields = ["action", "outcome", "engine__name"]
