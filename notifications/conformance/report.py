"""The report of a run: a table at the terminal, and JSON for a file. Neither has secrets."""

import json
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import get_args
from urllib.parse import urlsplit

from notifications.conformance.contract import Finding, Verdict
from notifications.connectors.oauth2 import hide
from wfpush import VERSION

WIDTH = 100
COLUMN = 18


@dataclass
class Report:
    """`left`: sentences about what the kit could not remove. `aborted`: why the kit did not begin, or stopped early."""

    kind: str
    address: str
    key: str
    began_at: datetime
    findings: list[Finding] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    aborted: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_good(self) -> bool:
        return not self.aborted and not any(finding.verdict == "differs" for finding in self.findings)

    @property
    def shown_address(self) -> str:
        """The address without a query, which may hold a key."""
        return urlsplit(self.address)._replace(query="", fragment="").geturl()

    def summary(self) -> str:
        counts = Counter(finding.verdict for finding in self.findings)
        return ", ".join(f"{verdict}: {counts[verdict]}" for verdict in get_args(Verdict) if counts[verdict])

    def as_json(self, ended_at: datetime) -> str:
        document = {
            "kit": VERSION,
            "kind": self.kind,
            "address": self.shown_address,
            "key": self.key,
            "began_at": self.began_at.isoformat(),
            "ended_at": ended_at.isoformat(),
            "conforms": self.is_good,
            "lines": [asdict(finding) for finding in self.findings],
            "left": self.left,
            "aborted": self.aborted,
        }
        return hide(json.dumps(document, ensure_ascii=False, indent=2), self.secrets) + "\n"


def table_lines(finding: Finding) -> Sequence[str]:
    """Return the lines of the table for one line of the contract."""
    lines = [f"{finding.verdict:<{COLUMN}}{finding.title}"]
    for text in filter(None, (finding.detail, finding.means)):
        lines += textwrap.wrap(text, WIDTH, initial_indent=" " * (COLUMN + 2), subsequent_indent=" " * (COLUMN + 2))
    return lines
