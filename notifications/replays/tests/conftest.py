from tests.admin.conftest import day, editor, lived, operator, pytest_collection_modifyitems, root, world
from tests.notifications.engines.conftest import receiver, story, told

__all__ = [
    "day",
    "editor",
    "lived",
    "operator",
    "pytest_collection_modifyitems",
    "receiver",
    "root",
    "story",
    "told",
    "world",
]
