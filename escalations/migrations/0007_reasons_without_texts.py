from importlib import import_module

from django.db import migrations

from wfpush.postgres.required_release import RequireRelease

texts = import_module("notifications.migrations.0037_reasons_without_texts")

# (model, column, its length)
TEXTS = [("escalation", "why", 500), ("escalation", "end_reason", 200), ("steprun", "why", 500)]


class Migration(migrations.Migration):
    """Texts of reasons are made of their facts. Without a transaction: no lock is held while another is waited for."""

    atomic = False

    dependencies = [("escalations", "0006_targets_of_features"), ("wfpush", "0006_required_release")]

    operations = [
        RequireRelease("0.4.0"),
        *(texts.drop_trigger("escalations", model, column) for model, column, _ in TEXTS),
        *(texts.empty_column("escalations", *each) for each in TEXTS),
    ]
