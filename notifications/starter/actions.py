"""Actions that engines commonly name; `texts/` has their labels. A title in the event goes before these."""

from notifications.starter.shapes import ActionSeed

ACTIONS = (
    ActionSeed("approve", "optional"),
    ActionSeed("reject", "required"),
    ActionSeed("request_info", "required"),
    ActionSeed("acknowledge", "none"),
    ActionSeed("complete", "optional"),
    ActionSeed("resolve", "optional"),
    ActionSeed("accept", "optional"),
    ActionSeed("decline", "required"),
    ActionSeed("confirm", "optional"),
    ActionSeed("return", "required"),
    ActionSeed("resubmit", "optional"),
    ActionSeed("answer", "required"),
    ActionSeed("report", "required"),
    ActionSeed("retry", "optional"),
    ActionSeed("skip", "required"),
    ActionSeed("escalate", "optional"),
    ActionSeed("withdraw", "optional"),
    ActionSeed("cancel", "required"),
)
