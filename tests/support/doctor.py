"""What `manage.py doctor` says."""

from io import StringIO

from django.core.management import CommandError, call_command


def doctor(*arguments: str) -> str:
    """With its faults, which end it."""
    said = StringIO()
    try:
        call_command("doctor", *arguments, stdout=said)
    except CommandError as faults:
        return said.getvalue() + str(faults)
    return said.getvalue()
