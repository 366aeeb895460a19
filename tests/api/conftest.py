import pytest

from notifications.models import Engine
from tests.factories import EngineFactory
from tests.support.api import Caller, engine_caller
from tests.support.story import Story


@pytest.fixture
def invoices(db: None) -> Engine:
    """The engine of these stories."""
    return EngineFactory(slug="invoices", name="Invoices")


@pytest.fixture
def engine(invoices: Engine) -> Caller:
    """Invoices, with a key that has all scopes."""
    return engine_caller(invoices)


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()
