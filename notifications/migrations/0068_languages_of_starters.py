from typing import Any

from django.db import migrations

from notifications import starter


def add_languages(apps: Any, schema_editor: Any) -> None:
    starter.add_languages(apps)


class Migration(migrations.Migration):
    """Templates, categories and milestones that are still as they came with the installation speak all its languages."""

    dependencies = [("notifications", "0067_push_keys")]

    operations = [migrations.RunPython(add_languages, migrations.RunPython.noop)]
