"""Admin pages of the tasks' clocks: each step with its result and recipients, and the next step."""

from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from escalations import compliance
from escalations.admin.dead_ends import dead_ends_page
from escalations.admin.simulator import simulator_page
from escalations.admin.sla_report import OfTeam, TimeLeft, sla_page
from escalations.admin.timeline import RESULT_TONES, ended, lines
from escalations.models import OVER, Escalation, EscalationState, StepRun
from notifications import reasons
from notifications.admin.desk.base import LedgerAdmin, ReadOnlyInline
from notifications.admin.desk.decorators import WorkColumns, action, column, display, time_column
from notifications.admin.desk.display import NOTHING, Tone, due_words, link, mark, moment, pretty, shortened, with_why
from notifications.admin.desk.filters import Conditions, Recent

STATE_TONES: dict[str, Tone] = {
    EscalationState.RUNNING: "wait",
    EscalationState.PAUSED: "quiet",
    EscalationState.STOPPED: "ok",
    EscalationState.CLOSED: "ok",
}


def policy_of(escalation: Escalation) -> SafeString:
    """Return a link to the clock, titled with the name of its policy."""
    return link(escalation, escalation.policy or gettext("a policy that is gone"))


class ClockColumns:
    """Columns of the list of clocks and of the clocks on a task's page."""

    @display(description=_("state"), ordering="state")
    def state_now(self, escalation: Escalation) -> SafeString:
        if escalation.state == EscalationState.CLOSED:
            return mark("ok", ended(escalation))
        return mark(STATE_TONES[escalation.state], escalation.get_state_display())

    @display(description=_("due"), ordering="deadline")
    def due_by(self, escalation: Escalation) -> SafeString:
        """Return the due date; for a paused clock only the date, because the pause will move it."""
        goes_on = escalation.state in (EscalationState.RUNNING, EscalationState.STOPPED)
        return due_words(escalation.deadline, still_matters=goes_on)

    @display(description=_("next step"), ordering="due_at")
    def next_at(self, escalation: Escalation) -> SafeString:
        return moment(escalation.due_at if escalation.state == EscalationState.RUNNING else None)

    @display(description=_("notified"))
    def told(self, escalation: Escalation) -> SafeString:
        """Return the names of all who were told, once each, with a mark if a step could tell nobody."""
        runs = escalation.runs.all()
        names = dict.fromkeys(person["name"] for run in runs for person in run.told)
        bad = next((run for run in runs if RESULT_TONES[run.result] == "bad"), None)
        people = shortened(", ".join(names), 60) if names else NOTHING
        if bad is None:
            return people
        return with_why(mark("bad", bad.get_result_display(), reasons.words(bad, "why")), people)


class Now(Conditions):
    title = _("now")
    parameter_name = "now"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        reached_nobody = StepRun.objects.filter(result__in=BAD).values("escalation")
        return {
            "open": (_("under way"), Q(ended_at=None) & ~Q(state__in=OVER)),
            "late": (_("late"), compliance.late(timezone.now())),
            "nobody": (_("a step reached nobody"), Q(pk__in=reached_nobody)),
        }


BAD = [result for result, tone in RESULT_TONES.items() if tone == "bad"]
BOOKS = ["id", "started_at", "paused_at", "held_until", "ended_at", "tries", "claimed_until", "followed"]


@admin.register(Escalation)
class EscalationAdmin(ClockColumns, WorkColumns, LedgerAdmin):
    empty_says = _("Clocks of tasks. None is running yet: they start with tasks that match an SLA policy.")
    list_display = ["title", "of_policy", "state_now", "due_by", "next_at", "told"]
    list_filter = [Now, TimeLeft, "state", Recent, "policy", OfTeam]
    list_select_related = ["task", "policy"]
    found_by = ["task__task_id", "task__name__icontains", "task__case__case_id"]
    search_help_text = _("Complete ID, or part of a name")
    change_form_outer_before_template = "admin/desk/clock.html"
    actions_list = ["sla", "simulator", "dead_ends"]
    title = column(lambda clock: str(clock.task), _("task"), "task__name")
    of_task = column(lambda clock: link(clock.task), _("task"))
    of_policy = column(lambda clock: link(clock.policy), _("policy"), "policy__name")
    because = column(lambda clock: reasons.words(clock, "why"), _("why this policy"))
    followed = column(lambda clock: pretty(clock.rules.data), _("the policy as it was when the clock started"))
    fieldsets = [
        (
            None,
            {"fields": ["of_task", "of_policy", "state_now", "due_by", "due_named", "next_at", "told", "because"]},
        ),
        (_("In our books"), {"fields": BOOKS, "classes": ["collapse"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Escalation]:
        clocks: QuerySet[Escalation] = super().get_queryset(request)
        return clocks.select_related("task", "policy", "rules").prefetch_related("runs")

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Order clocks under way by deadline, the most overdue first, and other lists by age, the newest first."""
        by_deadline = "left" in request.GET or request.GET.get("now") in ("open", "late")
        return [F("deadline").asc(), "-id"] if by_deadline else ["-id"]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        escalation: Escalation = kwargs["obj"]  # the page for adding clocks is switched off
        timeline = {"lines": lines(escalation), "title": escalation.task, "subtitle": None}
        response: HttpResponse = super().render_change_form(request, {**context, **timeline}, **kwargs)
        return response

    @action(description=_("SLA overview"), url_path="sla", permissions=["view"], icon="monitoring")
    def sla(self, request: HttpRequest) -> HttpResponse:
        return sla_page(self, request)

    @action(description=_("Simulator"), url_path="simulator", permissions=["view"], icon="fast_forward")
    def simulator(self, request: HttpRequest) -> HttpResponse:
        return simulator_page(self, request)

    @action(description=_("Dead ends"), url_path="dead-ends", permissions=["view"], icon="block")
    def dead_ends(self, request: HttpRequest) -> HttpResponse:
        return dead_ends_page(self, request)


@admin.register(StepRun)
class StepRunAdmin(LedgerAdmin):
    """The list of the steps of all clocks. The clock's page shows them as a timeline."""

    empty_says = _("Reminders and escalations that were due. There are none yet.")

    list_display = ["ran", "of_task", "of_policy", "result_mark", "told_people", "in_trace"]
    list_filter = ["result", "escalation__policy"]
    list_select_related = ["escalation__task", "escalation__policy", "event"]
    found_by = ["escalation__task__task_id"]
    search_help_text = _("A complete task id.")
    fields = ["of_clock", "of_task", "of_policy", "due_at", "ran_at", "result_mark", "told_people", "in_trace"]
    ordering = ["-pk"]

    ran = time_column("ran_at", _("taken"), "pk")
    of_clock = column(lambda run: link(run.escalation), _("escalation"))
    of_task = column(lambda run: link(run.escalation.task), _("task"), "escalation__task__name")
    of_policy = column(lambda run: policy_of(run.escalation), _("policy"), "escalation__policy__name")
    in_trace = column(
        lambda run: link(run.event, gettext("how they were notified")) if run.event else NOTHING, _("trace")
    )

    @display(description=_("result"), ordering="result")
    def result_mark(self, run: StepRun) -> SafeString:
        return with_why(mark(RESULT_TONES[run.result], run.get_result_display()), shortened(reasons.words(run, "why")))

    @display(description=_("notified"))
    def told_people(self, run: StepRun) -> SafeString:
        names = (f"{each['name']} ({reasons.words(each)})" for each in run.told)
        return shortened(", ".join(names))


class EscalationInline(ClockColumns, ReadOnlyInline):
    """The panel of clocks on a task's page."""

    model = Escalation
    related = ["task", "policy", "rules"]
    fields = ["of_policy", "state_now", "due_by", "next_at", "told"]
    verbose_name_plural = _("escalations: the SLA clock and who was notified")
    classes = ["collapse"]
    show_change_link = False  # the policy's name leads to the clock
    template_after = "admin/desk/clocks_after.html"
    of_policy = column(policy_of, _("policy"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Escalation]:
        return super().get_queryset(request).prefetch_related("runs")
