from tests.admin.conftest import day, lived, nothing_found_before, root, world

__all__ = ["day", "lived", "nothing_found_before", "root", "world"]
