import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Counts by hour, for charts and for how people react to notifications."""

    initial = True

    dependencies = [("notifications", "0022_rows_of_former_releases")]

    operations = [
        migrations.CreateModel(
            name="CountedHour",
            fields=[
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("counted_at", models.DateTimeField()),
                ("settled", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="HourlyCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "hour",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="counts",
                        to="insight.countedhour",
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("events", "Events"),
                            ("told", "Told"),
                            ("answers", "Answers"),
                            ("messages", "Messages"),
                            ("waiting", "Waiting"),
                            ("late", "Late"),
                        ],
                        max_length=20,
                    ),
                ),
                ("of", models.CharField(blank=True, max_length=80)),
                ("count", models.PositiveBigIntegerField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("hour", "what", "of"), name="one_count_each")],
            },
        ),
        migrations.CreateModel(
            name="EngagementHour",
            fields=[
                ("hour", models.DateTimeField(primary_key=True, serialize=False)),
                ("counted_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="EngagementCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "hour",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="counts",
                        to="insight.engagementhour",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.category",
                    ),
                ),
                (
                    "template",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.template",
                    ),
                ),
                ("channel", models.CharField(blank=True, max_length=20)),
                ("told", models.PositiveIntegerField(default=0)),
                ("ignored", models.PositiveIntegerField(default=0)),
                (
                    "seen",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                (
                    "answered",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(), default=list, size=None
                    ),
                ),
                ("people", models.BigIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]
