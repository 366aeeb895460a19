"""A company's configuration comes over whole into an installation that has only the same people."""

from pathlib import Path

import pytest
from django.apps import apps

from notifications.config_files import applying, documents
from notifications.config_files.kinds import tables
from notifications.config_files.tests.folders import OPS
from notifications.models import Case, Event, EventType, Notification, Task
from tests.admin.world import World

pytestmark = pytest.mark.django_db


@pytest.mark.long
def test_a_company_is_exported_and_applied_to_an_empty_installation(evening: World, tmp_path: Path) -> None:
    files = documents.files_of(applying.current())
    documents.write(tmp_path, files)
    _remove_everything()
    assert documents.files_of(applying.current()) == {}

    read = documents.read(tmp_path)
    assert applying.plan(read, OPS).summary == f"{len(read.things)} new, 0 changed, 0 removed."
    applying.apply(read, OPS, "tests")

    assert documents.files_of(applying.current()) == files


def _remove_everything() -> None:
    """Remove all configuration, and the work that hangs on it. People stay."""
    for model in (apps.get_model("retention.legalhold"), Notification, Task, Event, Case):
        model._default_manager.all().delete()
    for table in reversed(tables().values()):
        table.model._default_manager.all().delete()
    assert not EventType.objects.exists()
