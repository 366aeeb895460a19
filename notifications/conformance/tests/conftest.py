import logging

import pytest


@pytest.fixture(autouse=True)
def quiet_models(caplog: pytest.LogCaptureFixture) -> None:
    """SpiffWorkflow logs each change of each step."""
    caplog.set_level(logging.WARNING, "spiff")
