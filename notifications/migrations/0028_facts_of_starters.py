from typing import Any

from django.db import migrations

from notifications import starter


def name_facts(apps: Any, schema_editor: Any) -> None:
    starter.name_facts(apps)


class Migration(migrations.Migration):
    """Templates that are still as they came with the installation name their key facts."""

    dependencies = [("notifications", "0027_key_facts")]

    operations = [migrations.RunPython(name_facts, migrations.RunPython.noop)]
