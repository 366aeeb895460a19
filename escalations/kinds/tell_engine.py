"""Kind `tell_engine`: tells the engine that the task runs late. What the engine does is up to it."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalations import reasons
from escalations.kinds.base import Said, StepKind
from escalations.kinds.engine_calls import call, no_address
from escalations.kinds.step_run import TYPE, Taken, Taking
from escalations.models import RunResult


class TellEngine(StepKind):
    kind = "tell_engine"
    label = gettext_lazy("tell the engine")

    def take(self, takings: Sequence[Taking]) -> list[Taken]:
        return [_tell(taking) for taking in takings]

    def says(self, said: Said) -> str:
        return _("tell the engine")


def _tell(taking: Taking) -> Taken:
    if not taking.task.engine.callback_url:
        return no_address(taking)
    return Taken(RunResult.DONE, reasons.TOLD(engine=taking.task.engine), event=call(taking, TYPE))
