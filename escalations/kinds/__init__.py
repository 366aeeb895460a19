"""The kinds of steps, one file each: the action, its targets, its possible faults, and its sentence.

In: one step of a policy, its clock and task.
Out: copies, deliveries or a callback, and the recipients and reason for the step's row.
"""

from escalations.kinds.base import StepKind
from escalations.kinds.notify import Notify
from escalations.kinds.raise_priority import RaisePriority
from escalations.kinds.reassign import Reassign
from escalations.kinds.tell_engine import TellEngine
from escalations.models.policies import STEP_KINDS

ALL: tuple[StepKind, ...] = (
    Notify(),
    RaisePriority(),
    TellEngine(),
    Reassign(),
)

KINDS: dict[str, StepKind] = STEP_KINDS
"""The kinds by name, in the order of the form. The dict is the models' own, which cannot import this package."""
KINDS.update({each.kind: each for each in ALL})
