from django.db import migrations, models

HISTORY = {"get_latest_by": ("history_date", "history_id"), "ordering": ("-history_date", "-history_id")}
POSITION = {"default": 100, "help_text": "Smaller numbers are tried first.", "verbose_name": "position"}


class Migration(migrations.Migration):
    """Names on pages alone: the database does not change."""

    dependencies = [("notifications", "0050_hourly_counts")]

    operations = [
        migrations.AlterModelOptions(
            "recipient", {"ordering": ["name", "ref"], "verbose_name": "person", "verbose_name_plural": "people"}
        ),
        migrations.AlterModelOptions(
            "historicalrecipient",
            {**HISTORY, "verbose_name": "historical person", "verbose_name_plural": "historical people"},
        ),
        migrations.AlterField("route", "priority", models.IntegerField(**POSITION)),
        migrations.AlterField("historicalroute", "priority", models.IntegerField(**POSITION)),
    ]
