from typing import Any

import pytest
from django.core.cache import cache

from notifications.signed_answers.models import SignatureRule
from notifications.signed_answers.tests.signer import HERE, Signer, rule
from tests.support.story import Story


@pytest.fixture(autouse=True)
def _here(settings: Any) -> None:
    """Passkeys need a name, not a number."""
    settings.BASE_URL = HERE


@pytest.fixture
def story(db: None) -> Story:
    cache.clear()
    return Story.begin()


@pytest.fixture
def payments(story: Story) -> SignatureRule:
    """Every final answer is signed."""
    return rule()


@pytest.fixture
def bob(story: Story) -> Signer:
    return Signer(story.bob)
