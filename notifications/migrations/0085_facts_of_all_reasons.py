from importlib import import_module
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

sentences = import_module("notifications.migrations.0013_sentences_to_facts")

# (table, column, key): texts of 0.2.0 that have no fact yet. Later releases have written both.
TEXTS = [
    ("notifications_deliveryattempt", "detail", "id"),
    ("notifications_device", "last_fault", "id"),
    ("notifications_pausedservice", "reason", "id"),
    ("notifications_callback", "detail", "id"),
    ("notifications_callback", "alert", "id"),
    ("notifications_callbackattempt", "detail", "id"),
    ("notifications_engine", "callback_disabled_reason", "id"),
    ("notifications_poll", "error", "engine_id"),
    ("notifications_connectedaccount", "end_reason", "id"),
    ("notifications_refusedanswer", "why", "id"),
]


def add_facts(apps: Any, schema_editor: Any) -> None:
    for table, column, key in TEXTS:
        sentences.facts_beside(schema_editor.connection, table, column, key=key)


class Migration(migrations.Migration):
    """Every reason has a fact, of which its text is made. In batches, without a transaction."""

    atomic = False

    dependencies = [("notifications", "0083_durations")]

    operations = [
        migrations.RunPython(add_facts, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name="device",
            index=models.Index(fields=["id"], condition=Q(last_fault_fact__isnull=False), name="device_with_fault"),
        ),
    ]
