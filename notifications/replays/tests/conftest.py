from tests.admin.conftest import day, editor, lived, operator, root, world
from tests.notifications.engines.conftest import receiver, story, told

__all__ = [
    "day",
    "editor",
    "lived",
    "operator",
    "receiver",
    "root",
    "story",
    "told",
    "world",
]
