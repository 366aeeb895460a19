from tests.admin.conftest import day, evening, lived, root
from tests.flows.conftest import world
from tests.inbox.conftest import as_strangers_find_it, story

__all__ = ["as_strangers_find_it", "day", "evening", "lived", "root", "story", "world"]
