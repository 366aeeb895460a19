from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while items are written, so it is not in a transaction."""

    atomic = False
    dependencies = [("notifications", "0033_snoozing")]

    operations = [
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                fields=["snoozed_until"],
                condition=models.Q(snoozed_until__isnull=False),
                name="notification_snoozed",
            ),
        ),
    ]
