"""The desk's rules for signatures, and the list of signed answers."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from notifications.admin.desk.base import HistoryAdmin, LedgerAdmin
from notifications.admin.desk.decorators import column, display, link_column
from notifications.admin.desk.display import link, moment, pretty, shortened
from notifications.admin.rules.conditions import ConditionsInline, ShowsValue, doubts_about_tasks, scope_of
from notifications.signed_answers import statements
from notifications.signed_answers.bundles import Bundle, faults_of
from notifications.signed_answers.models import AnswerSignature, SignatureRule, SignatureRuleCondition
from notifications.types import object_in


class SignatureConditionInline(ConditionsInline):
    model = SignatureRuleCondition


class SignatureRuleForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "actions" in self.fields:  # not for those who may only view
            self.fields["actions"].widget = UnfoldAdminTextInputWidget()

    def clean_actions(self) -> list[str]:
        """Return each name once, without the spaces around it."""
        return list(dict.fromkeys(each.strip() for each in self.cleaned_data["actions"] or []))


@admin.register(SignatureRule)
class SignatureRuleAdmin(HistoryAdmin):
    empty_says = _("Answers that people sign with a passkey. Add the first rule where a password is not enough.")
    form = SignatureRuleForm
    list_display = ["name", "which", "which_answers", "enabled"]
    list_filter = ["enabled", "engine", "category"]
    list_select_related = ["engine", "category"]
    list_prefetch_related = ["conditions"]
    search_fields = ["name", "conditions__path", "conditions__value"]
    autocomplete_fields = ["engine", "category"]
    parts = [SignatureRuleCondition]
    inlines = [SignatureConditionInline]
    fieldsets = [
        (None, {"fields": ["name", "enabled"]}),
        (_("Which answers are signed"), {"fields": ["engine", "category", "actions"]}),
    ]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        rule = SignatureRule.objects.get(pk=form.instance.pk)  # reload it: its parts were just saved
        for doubt in doubts_about_tasks(rule.conditions.all(), rule.engine):
            self.message_user(request, doubt, messages.WARNING)

    @display(description=_("which tasks"))
    def which(self, rule: SignatureRule) -> SafeString:
        parts = [gettext("from %(engine)s") % {"engine": rule.engine}] if rule.engine else []
        parts += [gettext("of the category %(category)s") % {"category": rule.category}] if rule.category else []
        return scope_of(parts, rule.conditions.all())

    @display(description=_("which answers"))
    def which_answers(self, rule: SignatureRule) -> str:
        return ", ".join(rule.actions) or gettext("all that end the task")


@admin.register(SignatureRuleCondition)
class SignatureRuleConditionAdmin(ShowsValue, LedgerAdmin):
    """A list of the conditions of all rules. They are edited on the rule's page."""

    empty_says = _("The tasks that a signature rule applies to. They are edited on the rule's page.")
    list_display = ["path", "operator", "shown_value", "of_rule"]
    list_select_related = ["rule"]
    search_fields = ["path", "value", "rule__name"]
    of_rule = link_column("rule", _("signature rule"), "rule__name")


@admin.register(AnswerSignature)
class AnswerSignatureAdmin(LedgerAdmin):
    """Signed answers. `manage.py verify_answer` compares them with the database."""

    empty_says = _("Answers that people signed with a passkey. There are none yet.")
    list_display = ["signed", "answer", "task_link", "fingerprint"]
    list_select_related = ["response__recipient", "response__task"]
    found_by = ["response__recipient__ref", "response__task__task_id"]
    search_help_text = _("A complete ref or task id.")
    fieldsets = [
        (None, {"fields": ["answer", "task_link", "signed", "is_valid", "fingerprint"]}),
        (_("Signature"), {"fields": ["shown_statement", "listing", "credential_id", "public_key"]}),
    ]
    signed = column(lambda row: moment(row.response.at), _("signed"), "response_id")
    answer = link_column("response", _("answer"))
    task_link = column(lambda row: link(row.response.task), _("task"))
    fingerprint = column(lambda row: shortened(Bundle.of(row).fingerprint, 16), _("fingerprint of the key"))

    @display(description=_("statement"))
    def shown_statement(self, row: AnswerSignature) -> SafeString:
        """Return the statement without sensitive values, which nobody sees again at the desk."""
        try:
            members = statements.read(row.statement)
        except ValueError:  # it was altered: `is_valid` says so
            return link(None)
        sensitive = {entry["name"] for entry in row.response.values if entry.get("sensitive")}
        values = object_in(members, "values")
        return pretty({**members, "values": values | dict.fromkeys(sensitive & values.keys())})

    @display(description=_("signature"), boolean=True)
    def is_valid(self, row: AnswerSignature) -> bool:
        return not faults_of(Bundle.of(row))
