from tests.flows.conftest import world

__all__ = ["world"]
