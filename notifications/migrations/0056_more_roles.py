from typing import Any

from django.db import migrations

from notifications import roles


def add_groups(apps: Any, schema_editor: Any) -> None:
    roles.ensure_roles(apps, [roles.RULE_EDITORS, roles.CONNECTION_OWNERS, roles.AUDITORS])


class Migration(migrations.Migration):
    """Groups for rules, for connections and for auditors, unless there are groups of these names."""

    dependencies = [("notifications", "0055_history_of_parts"), ("contenttypes", "0002_remove_content_type_name")]

    operations = [migrations.RunPython(add_groups, migrations.RunPython.noop)]
