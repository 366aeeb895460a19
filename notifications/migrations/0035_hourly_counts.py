import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Counts by hour for the charts of the desk."""

    dependencies = [("notifications", "0033_retention")]

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
                        to="notifications.countedhour",
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
    ]
