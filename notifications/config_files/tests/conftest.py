from tests.admin.conftest import browse, chromium, day, desk, editor, evening, lived, operator, root, world
from tests.notifications.engines.conftest import receiver, story, told

__all__ = [
    "browse",
    "chromium",
    "day",
    "desk",
    "editor",
    "evening",
    "lived",
    "operator",
    "receiver",
    "root",
    "story",
    "told",
    "world",
]
