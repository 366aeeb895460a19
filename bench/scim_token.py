"""Makes a directory and its token. Run by bench.inside."""

from django.utils import timezone

from notifications.provisioning import tokens
from notifications.provisioning.models import ScimDirectory


def main() -> str:
    """The token."""
    directory = ScimDirectory.objects.create(name="bench")
    return tokens.issue(directory, timezone.now(), overlap=None)[1]
