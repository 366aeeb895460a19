"""Buttons that engines commonly name. A title in the event goes before these; other names are shown as they are."""

from notifications.starter.shapes import ActionSeed

ACTIONS = (
    ActionSeed("approve", "optional", "Approve", "Genehmigen"),
    ActionSeed("reject", "required", "Reject", "Ablehnen"),
    ActionSeed("request_info", "required", "Ask for information", "Rückfrage stellen"),
    ActionSeed("acknowledge", "none", "Acknowledge", "Zur Kenntnis nehmen"),
    ActionSeed("complete", "optional", "Mark as done", "Als erledigt melden"),
    ActionSeed("resolve", "optional", "Mark as solved", "Als gelöst melden"),
    ActionSeed("accept", "optional", "Accept", "Annehmen"),
    ActionSeed("decline", "required", "Decline", "Ablehnen"),
    ActionSeed("confirm", "optional", "Confirm", "Bestätigen"),
    ActionSeed("return", "required", "Send back", "Zurückgeben"),
    ActionSeed("resubmit", "optional", "Submit again", "Erneut einreichen"),
    ActionSeed("answer", "required", "Send the answer", "Antwort senden"),
    ActionSeed("report", "required", "Send the report", "Bericht senden"),
    ActionSeed("retry", "optional", "Try again", "Erneut versuchen"),
    ActionSeed("skip", "required", "Skip", "Überspringen"),
    ActionSeed("escalate", "optional", "Escalate", "Eskalieren"),
    ActionSeed("withdraw", "optional", "Withdraw", "Zurückziehen"),
    ActionSeed("cancel", "required", "Cancel it", "Abbrechen"),
)
