"""What a change of configuration does to clocks, and the dead ends that it opens or closes."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from escalations.admin.policy_change import sentences
from escalations.forecast import policy_change
from escalations.forecast.dead_ends import dead_ends
from escalations.models import Policy


class Effects:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.before = _dead_ends(now)

    def sentences(self, rows: Iterable[Any]) -> Iterator[str]:
        for row in rows:
            if isinstance(row, Policy):
                effect = policy_change.of_policy(row, self.now)
                lines = [*sentences(effect)] if effect.changes or effect.joining else []
                if effect.changes:
                    lines.append("Running clocks keep their rules until somebody saves the policy at the desk.")
                for line in lines:
                    yield (f"SLA policy “{row}”: {line}")
        after = _dead_ends(self.now)
        for place, why in sorted(after - self.before):
            yield (f"Opens a dead end in the {place}: {why}")
        for place, why in sorted(self.before - after):
            yield (f"Closes a dead end in the {place}: {why}")


def _dead_ends(now: datetime) -> set[tuple[str, str]]:
    """Return the places and causes."""
    return {(place.name, line.why.words()) for line in dead_ends(now) for place in line.leads}
