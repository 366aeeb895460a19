"""What became of each fault, as rows of a Markdown table."""

import re
from dataclasses import dataclass, field

from tests.soak.fault_table.faults import EVERYWHERE, Fault

COLUMNS = ("fault", "lasted", "recovery", "lost", "doubled", *EVERYWHERE)
LONGEST_CELL = 110


@dataclass
class Row:
    """Times are seconds. `recovery` is None if it did not go on. `said`: by place, what named the part."""

    fault: Fault
    begun: float
    lasted: float = 0.0
    recovery: float | None = None
    is_quiet: bool = False
    said: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def failures(self) -> list[str]:
        found = []
        if not self.said and self.fault.is_mended is None:
            found.append("silent")
        if self.fault.is_mended and self.lasted > self.fault.bound:
            found.append(f"not mended within {self.fault.bound:.0f} s")
        if self.recovery is None or self.recovery > self.fault.bound:
            found.append(f"recovery {_seconds(self.recovery)}, bound {self.fault.bound:.0f} s")
        if not self.is_quiet:
            found.append(f"/readyz is not quiet after {self.fault.quiet_within:.0f} s")
        found += [f"lost {', '.join(self.lost[:5])}"] if self.lost else []
        found += [f"doubled {', '.join(self.doubled[:5])}"] if self.doubled else []
        return found

    def cells(self) -> list[str]:
        lasted = f"{self.lasted:.0f} s{', mended' if self.fault.is_mended else ''}"
        numbers = [lasted, _seconds(self.recovery), str(len(self.lost)), str(len(self.doubled))]
        return [self.fault.name, *numbers, *(shortened(self.said.get(place, "–")) for place in EVERYWHERE)]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def shortened(text: str) -> str:
    """Its first sentence, and no more than a cell holds."""
    first = re.split(r"(?<=[a-z)])[.;] ", text.replace("|", "/"))[0]
    return first if len(first) <= LONGEST_CELL else first[: LONGEST_CELL - 1] + "…"


def markdown(rows: list[Row]) -> str:
    lines = [COLUMNS, ["---"] * len(COLUMNS), *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
