from typing import Any

from django.db import migrations

from notifications import starter


def speak_to_customers(apps: Any, schema_editor: Any) -> None:
    starter.speak_to_customers(apps)


class Migration(migrations.Migration):
    """Templates that are still as they came with the installation speak to customers in words of their own."""

    dependencies = [("notifications", "0044_customer_texts")]

    operations = [migrations.RunPython(speak_to_customers, migrations.RunPython.noop)]
