"""Tasks and cases: what waits since when, for whom, and the outcome."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from notifications import reasons
from notifications.admin.desk.base import MAX_COUNT, DeskChangeList, ReadOnlyInline
from notifications.admin.desk.decorators import (
    amount_column,
    column,
    display,
    json_column,
    link_column,
    reason_column,
    state_column,
    time_column,
    title_column,
)
from notifications.admin.desk.display import (
    NOTHING,
    Tone,
    ago,
    due_words,
    link,
    mark,
    moment,
    shortened,
    with_why,
)
from notifications.admin.desk.filters import Conditions, Lookups, Recent
from notifications.admin.ledger.case_timeline import TimelineAdmin
from notifications.admin.ledger.outcomes import outcome_in_full, outcome_with_fault
from notifications.cases.lateness import late
from notifications.forms.fields import form_of
from notifications.models import (
    ANSWERABLE,
    DEADLINE,
    Case,
    Notification,
    NotificationState,
    Recipient,
    Response,
    Task,
    TaskState,
    Team,
)
from notifications.routing import stakeholders
from notifications.wording.key_facts import STORED
from notifications.wording.plaintext import clean_line

MAX_PEOPLE = 10
"""Maximum number of people in a line. The copies below have all."""

TASK_TONES: dict[str, Tone] = {
    TaskState.OPEN: "wait",
    TaskState.ACKNOWLEDGED: "wait",
    TaskState.INFO_REQUESTED: "wait",
    TaskState.ANSWERED: "ok",
    TaskState.COMPLETED: "ok",
    TaskState.CANCELLED: "quiet",
    TaskState.EXPIRED: "bad",
}


# --- tasks ----------------------------------------------------------------------------------------------------------
class OverviewFilter(Conditions):
    title = _("now")
    parameter_name = "now"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        waiting = Q(state__in=ANSWERABLE)
        return {
            "waiting": (_("waiting"), waiting),
            "late": (_("late"), late(timezone.now())),
            "nobody": (_("waiting, and nobody has it"), waiting & ~Q(notifications__state="open")),
        }


class OfTeam(admin.SimpleListFilter):
    """The tasks of a team: those that name it, and those without a team that its members are the assignees of."""

    title = _("team")
    parameter_name = "team"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Lookups:
        return [(str(team.pk), team.name) for team in Team.objects.all()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        team = Team.objects.filter(pk=value).first() if value.isdecimal() and len(value) < 19 else None
        return queryset.filter(self.condition(team)) if team else queryset

    def condition(self, team: Team) -> Q:
        named = Task.teams.through.objects.filter(task=OuterRef("pk"))
        members = Team.members.through.objects.filter(team=team, recipient=OuterRef("assignee"))
        return Q(Exists(named.filter(team=team))) | Q(~Exists(named), Exists(members))


class TaskColumns:
    @display(description=_("state"), ordering="state")
    def state_or_outcome(self, task: Task) -> SafeString:
        """Return the outcome, with the engine's state if it has not taken the answer; the state without an outcome."""
        if task.state == TaskState.OPEN and "to" in (task.outcome or {}):
            return mark(TASK_TONES[task.state], gettext("waiting"))  # what was asked has been replied to
        state = gettext("waiting") if task.state == TaskState.OPEN else task.get_state_display()
        return outcome_with_fault(task, TASK_TONES[task.state]) or mark(TASK_TONES[task.state], state)

    @display(description=_("due"), ordering=DEADLINE)
    def due_word(self, task: Task) -> SafeString:
        return due_words(task.deadline, still_matters=task.answerable)


NEVER = datetime.max.replace(tzinfo=UTC)


class DueFirst(DeskChangeList):
    """The list of tasks: if nobody sorts it, waiting tasks with a deadline come first, the most overdue one on top.

    They are read by themselves: a sort by deadline would read the whole table for each page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if ORDER_VAR in request.GET or OverviewFilter.parameter_name in request.GET:
            return
        is_due = late(NEVER)
        due, others = self.queryset.filter(is_due).order_by(DEADLINE, "-id"), self.queryset.exclude(is_due)
        count = due.order_by()[:MAX_COUNT].count()
        length = self.result_count if self.show_all and self.can_show_all else self.list_per_page
        start = 0 if length == self.result_count else (self.page_num - 1) * length
        first, rest = (max(each - count, 0) for each in (start, start + length))
        self.result_list = [*due[: start + length][start:], *others[first:rest]]


class CopyInline(ReadOnlyInline):
    classes = ["collapse"]
    model = Notification
    related = ["recipient"]
    fields = ["person", "state", "why", "read_at"]
    verbose_name_plural = _("copies: who has it")

    person = link_column("recipient", _("person"))
    why = reason_column("reason", _("why"))


class AnswerInline(ReadOnlyInline):
    classes = ["collapse"]
    model = Response
    related = ["recipient", "callback"]
    fields = ["person", "action", "comment", "via", "at", "engine_says"]
    verbose_name_plural = _("answers")

    person = link_column("recipient", _("person"))

    @display(description=_("engine"))
    def engine_says(self, response: Response) -> SafeString:
        callback = getattr(response, "callback", None)
        return link(callback, callback.get_state_display()) if callback else link(None)


@admin.register(Task)
class TaskAdmin(TaskColumns, TimelineAdmin):
    empty_says = _("Tasks that engines wait for. There are none yet: events create them.")
    list_display = ["title", "amount", "state_or_outcome", "received", "due_word", "people", "from_engine"]
    list_filter = [OverviewFilter, "state", "priority", Recent, OfTeam, "engine"]
    list_select_related = ["engine", "assignee", "case"]
    found_by = ["task_id", "name__icontains", "case__case_id"]
    shown_with = ["task_id"]
    search_help_text = _("Complete ID, or part of a name")
    inlines = [CopyInline, AnswerInline]
    facts = {
        "outcome_words": "",
        "state_mark": "",
        "amount": "",
        "due_without_sla": "",
        "due_by_sla": "",
        "who_has_it": "notifications.view_notification",
        "due_in_engine": "",
        "expiry": "",
        "people_linked": "",
        "from_initiator": "",
        "in_case": "",
        "from_engine": "",
        "kind": "",
        "priority": "",
        "task_id": "",
    }
    fieldsets = [
        (
            _("As sent by the engine"),
            {
                "fields": [
                    "url",
                    "shown_form",
                    "shown_info",
                    "shown_actions",
                    "shown_data",
                    "shown_outcome",
                    "id",
                    "created_at",
                    "updated_at",
                ],
                "classes": ["collapse"],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        tasks: QuerySet[Task] = super().get_queryset(request)
        copies = Notification.objects.filter(task=OuterRef("pk")).order_by("-pk")
        tasks = tasks.annotate(key_facts=Subquery(copies.values(f"details__{STORED}")[:1]))
        return tasks.prefetch_related("candidates", "teams")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[DueFirst]:
        return DueFirst

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Return the most overdue first, if the list shows waiting tasks; else the newest: see `DueFirst`."""
        return [DEADLINE.asc(nulls_last=True), "-id"] if request.GET.get("now") else ["-id"]

    title = title_column(_("task"), "name")
    received = column(lambda task: ago(task.created_at, rough=True), _("received"), "created_at")
    amount = amount_column(lambda task: task.data if task.key_facts is None else {STORED: task.key_facts})
    state_mark = state_column(TASK_TONES)

    @display(description=_("due by its SLA"))
    def due_by_sla(self, task: Task) -> SafeString:
        return _with_lateness(task, moment(task.sla_due_at))

    @display(description=_("person"))
    def people(self, task: Task) -> SafeString:
        """Return who has the task, with those to whom it was escalated while it waits."""
        later = dict.fromkeys(each["name"] for each in task.escalated) if task.answerable else {}
        names = [*map(str, _named(task)), *later]
        return shortened(", ".join(names), 60) if names else mark("bad", gettext("nobody"))

    @display(description=_("named by the engine"))
    def people_linked(self, task: Task) -> SafeString:
        """Return whom the engine named, linked to their pages. `who_has_it` has the others."""
        return format_html_join(", ", "{}", ((link(each),) for each in _named(task))) or mark("bad", gettext("nobody"))

    from_engine = link_column("engine", _("engine"), "engine__name")
    outcome_words = column(lambda task: outcome_in_full(task, TASK_TONES[task.state]), _("outcome"))
    shown_outcome = json_column("outcome", _("outcome as stored"))

    @display(description=_("form"))
    def shown_form(self, task: Task) -> SafeString:
        """Return the fields of the task's form, and fields of the engine's form that people cannot fill in here."""
        form, language = form_of(task.data), get_language() or "en"
        if form is None:
            return link(None)
        names = ", ".join(clean_line(field.label(language)) for field in form)
        missing = ", ".join(each.words(language) for each in form.unshown)
        text = gettext("Only in the engine: %(fields)s") % {"fields": missing}
        return with_why(shortened(names or "—", 300), mark("bad", text)) if missing else shortened(names, 300)

    expiry = time_column("expires_at", _("expires at"))
    in_case = link_column("case", _("case"))
    from_initiator = link_column("initiator", _("initiator"))

    @display(description=_("due"))
    def due_without_sla(self, task: Task) -> SafeString:
        return _with_lateness(task, moment(task.due_at)) if task.sla_due_at is None else NOTHING

    @display(description=_("due in the engine"))
    def due_in_engine(self, task: Task) -> SafeString:
        """Return the engine's due date where that of the SLA counts instead."""
        return moment(task.due_at if task.sla_due_at is not None else None)

    @display(description=_("who has it"))
    def who_has_it(self, task: Task) -> SafeString:
        """Return the people with an open copy, linked to it."""
        copies = task.notifications.filter(state=NotificationState.OPEN).select_related("recipient").order_by("pk")
        shown = [(link(copy, copy.recipient), reasons.words(copy)) for copy in copies[: MAX_PEOPLE + 1]]
        names = format_html_join(", ", "{} ({})", shown[:MAX_PEOPLE])
        return format_html("{}, …", names) if len(shown) > MAX_PEOPLE else names

    shown_info = json_column("info", _("questions and replies"))
    shown_actions = json_column("actions", _("actions"))
    shown_data = json_column("data", _("data"))


def _named(task: Task) -> list[Recipient | Team]:
    return [task.assignee] if task.assignee else [*task.candidates.all(), *task.teams.all()]


def _with_lateness(task: Task, due: SafeString) -> SafeString:
    """Return the due date, and by how much the task is late if it is."""
    is_late = task.answerable and task.deadline is not None and task.deadline < timezone.now()
    return with_why(due, due_words(task.deadline) if is_late and due != NOTHING else "")


# --- cases ----------------------------------------------------------------------------------------------------------
class TaskInline(TaskColumns, ReadOnlyInline):
    model = Task
    fields = ["name", "task_id", "state_or_outcome", "due_word"]


@admin.register(Case)
class CaseAdmin(TimelineAdmin):
    empty_says = _("Cases that events and tasks belong to. There are none yet: events create them.")
    list_display = ["title_or_id", "case_id", "type", "status", "from_engine", "changed"]
    list_filter = ["engine"]
    list_select_related = ["engine"]
    found_by = ["case_id", "title__icontains"]
    ordering = ["-pk"]
    inlines = [TaskInline]
    facts = dict.fromkeys(["title", "status", "case_id", "type", "from_engine", "in_roles", "following"], "")
    fieldsets = [(_("In our books"), {"fields": ["url", "created_at", "updated_at"], "classes": ["collapse"]})]

    title_or_id = title_column(_("case"), "title")
    from_engine = link_column("engine", _("engine"), "engine__name")
    changed = time_column("updated_at", _("changed"))
    following = column(lambda case: ", ".join(str(person) for person in case.followers.all()), _("followed by"))

    @display(description=_("roles"))
    def in_roles(self, case: Case) -> str:
        """Return the people by role. Roles, and refs of people whom nobody knows, have the engine's names."""
        roles = case.roles or {}
        return ", ".join(f"{role}: {', '.join(stakeholders.refs_with_role(roles, role))}" for role in roles)
