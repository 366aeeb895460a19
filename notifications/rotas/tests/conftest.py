from tests.admin.conftest import root, world
from tests.api.conftest import invoices

__all__ = ["invoices", "root", "world"]
