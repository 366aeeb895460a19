"""Kind `tell_engine`: tells the engine that the task is late. The engine decides how it reacts."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalations import reasons
from escalations.kinds import engine_calls
from escalations.kinds.base import TYPE, StepDescription, StepKind, StepOutcome, Taking
from escalations.models import RunResult


class TellEngine(StepKind):
    kind = "tell_engine"
    label = gettext_lazy("notify the engine")

    def take(self, takings: Sequence[Taking]) -> list[StepOutcome]:
        called = [taking for taking in takings if taking.task.engine.callback_url]
        events = engine_calls.make([engine_calls.Call(taking, TYPE) for taking in called])
        outcomes = {
            taking.escalation.pk: StepOutcome(RunResult.DONE, reasons.TOLD(engine=taking.task.engine), event=event)
            for taking, event in zip(called, events, strict=True)
        }
        return [outcomes.get(taking.escalation.pk) or engine_calls.no_address(taking) for taking in takings]

    def says(self, step: StepDescription) -> str:
        return _("notify the engine")
