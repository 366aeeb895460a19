from django.db import migrations, models

from escalations.models.policies import step_kinds


class Migration(migrations.Migration):
    """The kinds of steps are read when they are asked for: a new one needs no migration. Changes no table."""

    dependencies = [
        ("escalations", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="policystep",
            name="kind",
            field=models.CharField(choices=step_kinds, default="notify", max_length=20, verbose_name="what"),
        ),
    ]
