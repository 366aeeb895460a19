"""The kinds of steps, one file each: what it does, whom for, what can be wrong with it, how it reads as a sentence.

In: one step of a policy, its clock and task.
Out: copies, deliveries or a callback, and what the step's row says of them.
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
"""By kind, in the order in which people choose. The models' own, which cannot import this package."""
KINDS.update({each.kind: each for each in ALL})
