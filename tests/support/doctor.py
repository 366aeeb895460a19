"""What `manage.py doctor` says."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def doctor(*arguments: str) -> str:
    """With its faults, which end it. The clock is the test's, so the database's is not compared with it."""
    said = StringIO()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("notifications.management.commands.doctor._ahead", timedelta)
            call_command("doctor", *arguments, stdout=said)
    except CommandError as faults:
        return said.getvalue() + str(faults)
    return said.getvalue()
