from importlib import import_module

from django.db import migrations, models

facts = import_module("notifications.migrations.0012_facts_beside_reasons")

REASONS = [
    ("escalations_escalation", "why"),
    ("escalations_escalation", "end_reason"),
    ("escalations_steprun", "why"),
]


class Migration(migrations.Migration):
    dependencies = [("escalations", "0002_step_kinds_without_migrations"), ("notifications", "0012_facts_beside_reasons")]

    operations = [
        migrations.AddField(
            model_name="escalation",
            name="why_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="escalation",
            name="end_reason_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="steprun",
            name="why_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        *(migrations.RunSQL(facts.forgetting(*each), facts.remembering(*each)) for each in REASONS),
    ]
