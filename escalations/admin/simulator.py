"""The simulator page: who would be told of a task or event from any instant on, when, how and why, if nobody acts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from escalations.admin import simulation_words
from escalations.admin.simulation_words import Fact, ForeseenStep
from escalations.admin.timeline_chart import Drawing
from escalations.forecast import simulate
from escalations.forecast.simulate import MOST_STEPS, Simulation
from escalations.kinds import KINDS
from escalations.models import CalendarDay, RunResult
from notifications.admin.desk.base import DeskAdmin, as_uuid
from notifications.admin.ledger.timeline import Line, dry_lines
from notifications.admin.rules.dry_run import DryRunForm, arrival, event_of, explain_failure, samples, starting_event
from notifications.models import ANSWERABLE, DEADLINE, Engine, Task
from notifications.types import InboundEvent, Json
from wfpush.zones import first_instant

NAME = "admin:escalations_escalation_simulator"
PERMISSIONS = ("escalations.view_escalation", "notifications.view_event")
BACK, AHEAD = timedelta(days=366), timedelta(days=3 * 366)
OFFERED = 100
"""Number of open tasks that the field suggests, by due date."""


class WhenForm(forms.Form):
    """A form for an instant in the reader's time zone; empty fields stand for the present."""

    day = forms.DateField(
        label=_("As if it were"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),  # it sends ISO dates in every locale
        error_messages={"invalid": _("Enter a date such as 2026-11-26.")},
    )
    time = forms.TimeField(
        label=_("at this time"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "time"}),
        error_messages={"invalid": _("Enter a time such as 16:30.")},
    )

    def clean_day(self) -> date | None:
        day: date | None = self.cleaned_data["day"]
        today = timezone.localdate()
        if day is not None and not today - BACK <= day <= today + AHEAD:
            raise ValidationError(gettext("Choose a day from a year ago to three years ahead."))
        return day

    @property
    def instant(self) -> datetime:
        """Return the instant of a valid form. Empty fields stand for the present."""
        day: date | None = self.cleaned_data["day"]
        at: time | None = self.cleaned_data["time"]
        here = timezone.localtime()
        if day is None and at is None:
            return here
        wall = datetime.combine(day or here.date(), at or here.time().replace(second=0, microsecond=0))
        return first_instant(timezone.get_current_timezone(), wall)


class TaskForm(WhenForm):
    task = forms.CharField(
        label=_("The task, by its id"),
        max_length=300,
        widget=UnfoldAdminTextInputWidget(attrs={"list": "open-tasks", "autocomplete": "off"}),
        help_text=_("The engine's id or ours. Open tasks are suggested as you type."),
        error_messages={"required": _("Choose an open task, or write its id.")},
    )
    field_order = ["task", "day", "time"]

    def clean_task(self) -> Task:
        task_id: str = self.cleaned_data["task"].strip()
        tasks = Task.objects.select_related("engine", "case", "assignee")
        ours = as_uuid(task_id)
        matches = list(tasks.filter(pk=ours)[:1]) if ours else []
        matches = matches or list(tasks.filter(task_id=task_id)[:2])
        if not matches:
            raise ValidationError(gettext("There is no task with this id."))
        if len(matches) > 1:
            raise ValidationError(gettext("Several engines have a task with this id. Open it in the list of tasks."))
        if not matches[0].answerable:
            raise ValidationError(gettext("This task has ended: nobody is notified of it any more."))
        return matches[0]


class EventForm(DryRunForm, WhenForm):
    field_order = ["engine", "body", "day", "time"]


@dataclass
class Foresight:
    """The context of the page."""

    facts: list[Fact] = field(default_factory=list)
    policy: list[Line] = field(default_factory=list)
    event: list[Line] = field(default_factory=list)
    steps: list[ForeseenStep] = field(default_factory=list)
    drawing: Drawing | None = None
    silence: str = ""
    afterwards: list[str] = field(default_factory=list)
    ends_early: str = ""
    plan: Json = field(default_factory=dict)
    """The event's own plan, as it would be stored."""


def simulator_page(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    """Show the page. GET with `?task=` simulates a task, with `?sample=` or `?event=` fills in the form. POST simulates
    the event in the form."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    by_task, by_event, foresight = TaskForm(auto_id="task-%s"), EventForm(auto_id="event-%s"), None
    if request.method == "POST":
        by_event = EventForm(request.POST, auto_id="event-%s")
        if by_event.is_valid() and (inbound := event_of(by_event)) is not None:
            foresight = foreseen(by_event.cleaned_data["engine"], inbound, by_event.instant)
    else:
        by_event = EventForm(initial=starting_event(request), auto_id="event-%s")
        if "task" in request.GET:
            by_task = TaskForm(_as_written(request.GET), auto_id="task-%s")
            if by_task.is_valid():
                task = by_task.cleaned_data["task"]
                foresight = _foresight(simulate.of_task(task, by_task.instant), task, is_stored=True)
    context = {
        "by_task": by_task,
        "by_event": by_event,
        "event_is_open": by_event.errors or {"sample", "event"} & request.GET.keys(),
        "open_tasks": Task.objects.filter(state__in=ANSWERABLE).order_by(DEADLINE.asc(nulls_last=True))[:OFFERED],
        "samples": samples(),
        "chosen": request.GET.get("sample", ""),
        "found": foresight,
    }
    return desk.page(request, "admin/desk/simulator.html", gettext("Simulator"), **context)


def _as_written(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form's fields from a link's query. Links contain our task id; it becomes the engine's id if only one
    engine has that."""
    fields = {name: query[name] for name in ("task", "day", "time") if name in query}
    ours = as_uuid(fields["task"])
    task_id = Task.objects.filter(pk=ours).values_list("task_id", flat=True).first() if ours else None
    if task_id is not None and Task.objects.filter(task_id=task_id).count() == 1:
        fields["task"] = task_id
    return fields


def foreseen(engine: Engine, inbound: InboundEvent, instant: datetime) -> Foresight:
    """Simulate the event as if it came at this instant, and the steps that would follow."""
    lines = arrival(engine, inbound)
    try:
        simulation = simulate.of_event(engine, inbound, instant)
    except Exception as fault:  # errors that would stop the real event are shown to the user
        return Foresight(event=[*lines, explain_failure(fault, engine, inbound)])
    assert simulation.event is not None
    plan = simulation.event.plan.as_json()
    lines += dry_lines(plan, simulation.event.status)
    task = simulation.event.task
    if task is None:
        return Foresight(event=lines, silence=gettext("The event is about no task, so no clock runs."), plan=plan)
    foresight = _foresight(simulation, task, is_stored=Task.objects.filter(pk=task.pk).exists())
    foresight.event, foresight.plan = lines, plan
    return foresight


def _foresight(simulation: Simulation, task: Task, *, is_stored: bool) -> Foresight:
    steps = simulation_words.steps(simulation)
    foresight = Foresight(
        facts=simulation_words.facts(simulation, task, is_stored),
        policy=list(simulation_words.policy_lines(simulation, task)),
        steps=steps,
        silence=simulation_words.why_no_steps(simulation),
    )
    if simulation.rules is not None and simulation.deadline is not None and steps:
        calendar = simulation.rules.calendar if simulation_words.counts_working_time(simulation.rules) else None
        stored = CalendarDay.objects.filter(calendar__name=simulation.rules.calendar_name) if calendar else ()
        notes = {day.date: day.note for day in stored}  # the stored rules have no notes: these are the present ones
        foresight.drawing = Drawing(simulation.now, simulation.deadline, steps, calendar, notes)
    done = dict.fromkeys(row.kind for row in simulation.rows if row.result == RunResult.DONE)
    foresight.afterwards = [str(KINDS[kind].afterwards) for kind in done if KINDS[kind].afterwards]
    if simulation.ends_early:
        text = gettext("More would follow: only the first %(count)d are calculated.")
        foresight.ends_early = text % {"count": MOST_STEPS}
    return foresight
