"""Actions that engines commonly name; `texts/` has their labels. A title in the event goes before these."""

from notifications.starter.shapes import ActionSeed
from notifications.types import USUAL_COMMENTS

ACTIONS = tuple(ActionSeed(action, comment) for action, comment in USUAL_COMMENTS.items())
