from typing import Any

from django.db import migrations

from notifications import starter


def first_journeys(apps: Any, schema_editor: Any) -> None:
    starter.journeys(apps)


class Migration(migrations.Migration):
    """The ways of cases that a fresh installation has."""

    dependencies = [("notifications", "0040_journeys")]

    operations = [migrations.RunPython(first_journeys, migrations.RunPython.noop)]
