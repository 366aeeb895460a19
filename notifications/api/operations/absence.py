"""When people are away."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import CAROL

TIMES = {"from": "2026-12-21T16:00:00Z", "to": "2027-01-04T08:00:00Z"}
CLAIMS = {"category": None, "engine": None, "case_type": "claim"}
CHOSEN = {"open_items": "offer", "give_back": False}
SAID = {**TIMES, "delegate": "carol", "parts": [{**CLAIMS, "delegate": None}], **CHOSEN}
AWAY = {**TIMES, "delegate": CAROL, "parts": [{**CLAIMS, "delegate": None}], **CHOSEN, "calendar": None}

UNLED = "`not_found`: no such person of the organisation, or the caller does not lead them"

TAG = Tag(
    "Absence",
    "While a person is away, their messages go to their delegate.",
    {
        "absence": Operation("See when one is away", response=AWAY),
        "put_absence": Operation("Be away, or be back", request=SAID, response=AWAY),
        "recipient_absence": Operation("See when somebody else is away", response=AWAY, meanings={404: UNLED}),
        "put_recipient_absence": Operation(
            "Say when somebody else is away", request=SAID, response=AWAY, meanings={404: UNLED}
        ),
    },
)
