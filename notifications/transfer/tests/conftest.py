from tests.admin.conftest import administrator, browse, chromium, desk, operator, root, world

__all__ = ["administrator", "browse", "chromium", "desk", "operator", "root", "world"]
