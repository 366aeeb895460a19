from django.db import migrations, models


class Migration(migrations.Migration):
    """Events of urgent tasks are processed first (notifications/routing/claims.py). Processes of the version before go on
    inserting events, which are normal ones."""

    dependencies = [("notifications", "0016_configuration_changes")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="urgency",
            field=models.SmallIntegerField(
                choices=[(0, "urgent"), (1, "high"), (2, "normal"), (3, "low")],
                db_default=2,
                default=2,
                editable=False,
            ),
        ),
    ]
