"""Four-eyes rules, and the answers that they refused."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import HistoryAdmin, LedgerAdmin
from notifications.admin.desk.decorators import display, link_column, reason_column, time_column
from notifications.admin.desk.filters import Recent
from notifications.admin.rules.conditions import ConditionsInline, ShowsValue, doubts_about_tasks, scope_of
from notifications.models import FourEyesCondition, FourEyesRule, RefusedAnswer, Task

NEWEST = 5_000
"""Number of the newest tasks among which tasks with a known starter are counted."""


class FourEyesConditionInline(ConditionsInline):
    model = FourEyesCondition


@admin.register(FourEyesRule)
class FourEyesRuleAdmin(HistoryAdmin):
    empty_says = _("Tasks that the people who started them may not decide. Add the first rule where this is required.")
    list_display = ["name", "which", "who_not", "enabled"]
    list_filter = ["enabled", "engine"]
    list_select_related = ["engine"]
    list_prefetch_related = ["conditions"]
    search_fields = ["name", "conditions__path", "conditions__value"]
    autocomplete_fields = ["engine"]
    parts = [FourEyesCondition]
    inlines = [FourEyesConditionInline]
    fieldsets = [
        (None, {"fields": ["name", "enabled", "engine"]}),
        (_("Who may not give the final answer"), {"fields": ["not_initiator", "starters_known", "not_previous"]}),
    ]
    readonly_fields = ["starters_known"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        rule = FourEyesRule.objects.get(pk=form.instance.pk)  # reload it: its parts were just saved
        for doubt in doubts_about_tasks(rule.conditions.all(), rule.engine):
            self.message_user(request, doubt, messages.WARNING)

    @display(description=_("which tasks"))
    def which(self, rule: FourEyesRule) -> SafeString:
        engine = [gettext("from %(engine)s") % {"engine": rule.engine}] if rule.engine else []
        return scope_of(engine, rule.conditions.all())

    @display(description=_("who may not decide"))
    def who_not(self, rule: FourEyesRule) -> str:
        people = [gettext("the person who started it")] if rule.not_initiator else []
        people += [gettext("the person who decided the previous step")] if rule.not_previous else []
        return ", ".join(people) or gettext("nobody is excluded")

    @display(description=_("where it is known who started them"))
    def starters_known(self, rule: FourEyesRule | None) -> str:
        """Return the engines that name starters: a rule on starters holds only for tasks of these engines."""
        lines = [(sentence,) for sentence in _starters_known(rule.engine_id if rule is not None else None)]
        return format_html_join(mark_safe("<br>"), "{}", lines) or gettext("None of the newest tasks is from there.")


def _starters_known(engine: int | None) -> list[str]:
    """Return a sentence for each engine with some of the newest tasks, or for `engine` alone."""
    newest = Task.objects.order_by("-pk").values("pk")[:NEWEST]
    counted = Task.objects.filter(pk__in=newest).order_by("engine__name").values("engine_id", "engine__name")
    form = gettext("%(engine)s: for %(known)s of its newest %(all)s tasks")
    return [
        form % {"engine": of["engine__name"], "known": number_format(of["known"]), "all": number_format(of["all"])}
        for of in counted.annotate(all=Count("pk"), known=Count("initiator"))
        if engine in (None, of["engine_id"])
    ]


@admin.register(FourEyesCondition)
class FourEyesConditionAdmin(ShowsValue, LedgerAdmin):
    """A list of the conditions of all rules. They are edited on the rule's page."""

    empty_says = _("The tasks that a four-eyes rule applies to. They are edited on the rule's page.")

    list_display = ["path", "operator", "shown_value", "of_rule"]
    list_select_related = ["rule"]
    search_fields = ["path", "value", "rule__name"]
    of_rule = link_column("rule", _("four-eyes rule"), "rule__name")


@admin.register(RefusedAnswer)
class RefusedAnswerAdmin(LedgerAdmin):
    """The list of refused answers. Nothing was recorded of them, and no engine was called."""

    empty_says = _("Answers refused by a four-eyes rule. There are none yet.")

    list_display = ["tried", "person", "action", "task_link", "rule", "because", "via"]
    list_filter = [Recent, "rule", "via"]
    list_select_related = ["recipient", "task"]
    found_by = ["recipient__ref", "task__task_id"]
    search_help_text = _("A complete ref or task id.")
    fields = ["tried", "person", "action", "comment", "task_link", "rule", "because", "via", "at"]
    tried = time_column("at", _("tried"), "id")
    person = link_column("recipient", _("person"), "recipient__name")
    task_link = link_column("task", _("task"))
    because = reason_column("why", _("why"))
