"""When people are away."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import CAROL

TIMES = {"from": "2026-12-21T16:00:00Z", "to": "2027-01-04T08:00:00Z"}
AWAY = {**TIMES, "delegate": CAROL}

TAG = Tag(
    "Absence",
    "While a person is away, their messages go to their delegate.",
    {
        "absence": Operation("See when one is away", response=AWAY),
        "put_absence": Operation("Be away, or be back", request={**TIMES, "delegate": "carol"}, response=AWAY),
    },
)
