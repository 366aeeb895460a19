from django.db import migrations, models

import escalations.models.policies


class Migration(migrations.Migration):
    """Targets of steps that features add."""

    dependencies = [("escalations", "0005_configuration")]

    operations = [
        migrations.AddField(
            model_name="policystep",
            name="ref",
            field=models.CharField(blank=True, db_default="", default="", max_length=40, verbose_name="what it names"),
        ),
        migrations.AlterField(
            model_name="policystep",
            name="target",
            field=models.CharField(
                blank=True, choices=escalations.models.policies.step_targets, max_length=20, verbose_name="whom"
            ),
        ),
    ]
