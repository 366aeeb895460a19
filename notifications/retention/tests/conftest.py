from tests.admin.conftest import day, lived, root, world

__all__ = ["day", "lived", "root", "world"]
