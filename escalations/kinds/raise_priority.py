"""Kind `raise_priority`: raises the priority of the task, and of its copies."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalations import reasons
from escalations.kinds.base import Faults, Said, StepKind
from escalations.kinds.step_event import planner_of, told_by
from escalations.kinds.step_run import Taken, Taking, event_of
from escalations.models import PolicyStep, RunResult
from notifications.cases import task_state
from notifications.models import Delivery, Priority
from notifications.reasons import NOTHING, URGENT, label
from notifications.routing import fanout
from notifications.routing.copies import Copies
from wfpush.queue import outbox

ORDER = [priority.value for priority in Priority]


class RaisePriority(StepKind):
    kind = "raise_priority"
    label = gettext_lazy("raise the priority")
    fields = ("priority",)

    def take(self, takings: Sequence[Taking]) -> list[Taken]:
        return [_raise(taking) for taking in takings]

    def faults(self, step: PolicyStep) -> Faults:
        if not step.priority:
            yield "priority", _("Choose the priority that the task gets.")

    def says(self, said: Said) -> str:
        priority = Priority(said.priority).label if said.priority else "–"
        return _("raise the priority to %(priority)s") % {"priority": priority}


def _raise(taking: Taking) -> Taken:
    task, wanted = taking.task, taking.step.priority
    if ORDER.index(task.priority) >= ORDER.index(wanted):
        return Taken(RunResult.DONE, reasons.PRIORITY_WAS(priority=label(Priority(task.priority))))
    task.priority = wanted
    task.data = task_state.merged(task.data, {"task": {"priority": wanted}})  # so that the next event keeps it
    task.save(update_fields=["priority", "data", "updated_at"])
    event = event_of(taking)
    event.save(force_insert=True)
    planner = planner_of(taking, event, {})
    alert = URGENT() if wanted == Priority.URGENT else NOTHING
    planner.rewrite(Copies([task]).of(task), alert=alert)
    fanout.save([planner], taking.now)
    event.plan, event.told = planner.plan.as_json(), Delivery.objects.filter(event=event).count()
    event.save(update_fields=["plan", "told"])
    outbox.wake_on_commit("deliveries")
    return Taken(RunResult.DONE, reasons.PRIORITY_IS(priority=label(Priority(wanted))), told_by(planner.plan), event)
