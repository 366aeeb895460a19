from tests.admin.conftest import root, world
from tests.api.conftest import engine, invoices
from tests.inbox.conftest import as_strangers_find_it, story

__all__ = ["as_strangers_find_it", "engine", "invoices", "root", "story", "world"]
