from tests.admin.conftest import root, world
from tests.flows.conftest import world as flow_world
from tests.inbox.conftest import as_strangers_find_it, story

__all__ = ["as_strangers_find_it", "flow_world", "root", "story", "world"]
