import pytest

from tests.support.story import Story


@pytest.fixture
def story(db: None) -> Story:
    """Bob's manager is Carol, who has none and leads Finance; Alice's is Bob."""
    return Story.begin()
