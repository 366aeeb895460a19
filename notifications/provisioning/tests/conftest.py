import pytest

from notifications.provisioning.tests.idp import Idp
from tests.admin.conftest import browse, chromium, desk, operator, root, world
from tests.support.story import Story

__all__ = ["browse", "chromium", "desk", "operator", "root", "world"]


@pytest.fixture
def idp(db: None) -> Idp:
    return Idp.begin()


@pytest.fixture
def story(db: None) -> Story:
    return Story.begin()
