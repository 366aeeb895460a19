"""The parts of a template version: texts, key facts and action labels, edited on a draft's page."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline, TabularInline
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from notifications.admin.desk.base import LedgerAdmin
from notifications.admin.desk.decorators import display
from notifications.admin.desk.display import link
from notifications.admin.desk.fields import LabelsField, is_language
from notifications.admin.rules.known_paths import OffersPaths, offer
from notifications.channel_facts import offered_channels
from notifications.errors import RenderError
from notifications.models import (
    MOST_FACTS,
    CustomerText,
    TemplateAction,
    TemplateFact,
    TemplateText,
    TemplateVersion,
    VersionState,
    WrittenText,
)
from notifications.wording import liquid
from notifications.wording.plaintext import unix_lines
from notifications.wording.template_check import Problem


class LiquidField(forms.CharField):
    """A field that refuses text that no renderer could parse. Its value has the line endings of Unix: browsers send
    those of Windows, with which every line of a saved text would differ from that of the version before."""

    def clean(self, value: Any) -> str:
        source = unix_lines(super().clean(value))
        try:
            liquid.parse(source)
        except RenderError as fault:
            raise ValidationError(str(fault)) from fault
        return source


class TextForm(forms.ModelForm):
    channel = forms.ChoiceField(
        label=_("Channel"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=lambda: [
            ("", _("all channels without their own text")),
            *((name, name) for name in offered_channels()),
        ],
    )

    class Meta:
        widgets = {
            "language": UnfoldAdminTextInputWidget(attrs={"size": 6}),
            "title": UnfoldAdminTextInputWidget(attrs={"class": "desk-code"}),
            "body": UnfoldAdminTextareaWidget(attrs={"rows": 7, "class": "desk-code", "spellcheck": "true"}),
            "short_body": UnfoldAdminTextareaWidget(attrs={"rows": 2, "class": "desk-code"}),
        }
        field_classes = dict.fromkeys(("title", "body", "short_body"), LiquidField)

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"].strip()
        if not is_language(language):
            raise ValidationError(gettext("Enter a language such as en, de or pt-BR."))
        return language


class ActionForm(forms.ModelForm):
    labels = LabelsField(label=_("Labels"))


class FactForm(forms.ModelForm):
    labels = LabelsField(
        label=_("Labels"),
        required=False,
        help_text=_("One language a line, such as “de: Betrag”. Empty: the last name of the path."),
    )


class DraftPartMixin:
    """A mixin for inlines whose rows can be edited in drafts only. Those of published versions are history."""

    def has_add_permission(self, request: HttpRequest, obj: TemplateVersion | None = None) -> bool:
        return is_draft(obj) and super().has_add_permission(request, obj)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: TemplateVersion | None = None) -> bool:
        return is_draft(obj) and super().has_change_permission(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: TemplateVersion | None = None) -> bool:
        return is_draft(obj) and super().has_delete_permission(request, obj)  # type: ignore[misc]

    def get_extra(self, request: HttpRequest, obj: TemplateVersion | None = None, **more: Any) -> int:
        """Return 1 if the address asks for an empty form: the page's link without JavaScript."""
        return int("more" in request.GET)


def is_draft(version: TemplateVersion | None) -> bool:
    return version is None or version.state == VersionState.DRAFT


class ShowsLabels:
    """A mixin for inlines and lists of rows with labels. It shows labels as text if they cannot be edited."""

    @display(description=_("labels"))
    def shown_labels(self, row: TemplateAction | TemplateFact) -> str:
        return ", ".join(f"{language}: {label}" for language, label in row.labels.items())


class TextInline(DraftPartMixin, StackedInline):
    model: type[WrittenText] = TemplateText
    form = TextForm
    extra = 0
    fields = [("language", "channel"), "title", "body", "short_body"]
    verbose_name = _("text")
    verbose_name_plural = _("texts")
    template_before: str | None = "admin/desk/languages_bar.html"


class CustomerTextInline(TextInline):
    model = CustomerText
    template_before = None
    verbose_name = _("text for customers")
    verbose_name_plural = _("texts for customers: shown to external people instead")


class ActionInline(ShowsLabels, DraftPartMixin, TabularInline):
    model = TemplateAction
    form = ActionForm
    extra = 0
    readonly_fields = ["shown_labels"]
    hide_title = True
    verbose_name = _("action")
    verbose_name_plural = _("actions: labels of the buttons")

    def get_fields(self, request: HttpRequest, obj: TemplateVersion | None = None) -> list[str]:
        return ["action", "comment", "labels" if self.has_change_permission(request, obj) else "shown_labels"]


class FactInline(ShowsLabels, OffersPaths, DraftPartMixin, StackedInline):
    model = TemplateFact
    form = FactForm
    extra = 0
    max_num = MOST_FACTS
    readonly_fields = ["shown_labels"]
    verbose_name = _("key fact")
    verbose_name_plural = _("key facts: the values people decide by, most important first")

    def get_formset(self, request: HttpRequest, obj: TemplateVersion | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, validate_max=True, **kwargs)
        if position := formset.form.base_fields.get("position"):
            position.initial = MOST_FACTS  # a new fact is the last until it gets a position
        offer(formset.form.base_fields.get("path"), version=obj.pk if obj is not None else "")
        return formset

    def get_fields(self, request: HttpRequest, obj: TemplateVersion | None = None) -> list[Any]:
        labels = "labels" if self.has_change_permission(request, obj) else "shown_labels"
        return [("path", "kind"), ("currency", "position"), labels]


def show_problems(problems: Sequence[Problem], formsets: Iterable[Any]) -> None:
    """Show each problem as a line below its field, above the field's help."""
    of_fields: dict[tuple[type, int, str], list[Problem]] = {}
    for problem in problems:
        of_fields.setdefault((type(problem.text), problem.text.pk, problem.field), []).append(problem)
    for form in (form for formset in formsets for form in formset.formset.forms):
        for name, field in form.fields.items():
            if field_problems := of_fields.get((type(form.instance), form.instance.pk, name)):
                element = f"problem-{form.prefix}-{name}"
                marked = (("bad" if problem.fatal else "wait", problem.message) for problem in field_problems)
                lines = format_html_join("", PROBLEM, marked)
                field.help_text = format_html('<div id="{}" data-problem>{}</div>{}', element, lines, field.help_text)
                field.widget.attrs["aria-describedby"] = element


PROBLEM = '<p class="desk-line desk-line-{}"><span class="desk-line-text">{}</span></p>'


class PartOfVersion(LedgerAdmin):
    """A list of the parts of all templates. They are edited on a draft's page."""

    list_select_related = ["version__template"]

    @display(description=_("version"), ordering="version__template__name")
    def of_version(self, row: Any) -> SafeString:
        version = row.version
        return link(version, f"{version} ({version.get_state_display()})")


@admin.register(TemplateText)
class TemplateTextAdmin(PartOfVersion):
    empty_says = _("The texts of templates. They are edited on the page of a version.")
    list_display = ["title", "language", "channel", "of_version"]
    list_filter = ["language", "version__state", "version__template"]
    search_fields = ["title", "body", "version__template__name"]


@admin.register(CustomerText)
class CustomerTextAdmin(TemplateTextAdmin):
    """The list of texts that external people get instead of those for staff."""

    empty_says = _("Texts for customers. They are edited on a version's page.")


@admin.register(TemplateFact)
class TemplateFactAdmin(ShowsLabels, PartOfVersion):
    empty_says = _("Key facts: the values that people decide by. They are set on a version's page.")
    list_display = ["path", "kind", "currency", "shown_labels", "of_version"]
    list_filter = ["kind", "version__state", "version__template"]
    search_fields = ["path", "version__template__name"]


@admin.register(TemplateAction)
class TemplateActionAdmin(ShowsLabels, PartOfVersion):
    empty_says = _("The buttons of templates. They are set up on the page of a version.")
    list_display = ["action", "comment", "shown_labels", "of_version"]
    list_filter = ["comment", "version__state", "version__template"]
    search_fields = ["action", "version__template__name"]
