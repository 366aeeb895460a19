from tests.admin.conftest import administrator, operator, root, world
from tests.api.conftest import engine, invoices
from tests.flows.conftest import world as flow_world
from tests.inbox.conftest import as_strangers_find_it, story

__all__ = [
    "administrator",
    "as_strangers_find_it",
    "engine",
    "flow_world",
    "invoices",
    "operator",
    "root",
    "story",
    "world",
]
