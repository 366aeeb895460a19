from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while items are written, so it is not in a transaction."""

    atomic = False
    dependencies = [("notifications", "0038_saved_views")]

    operations = [
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                fields=["recipient", "due_at"], condition=models.Q(state="open"), name="notification_waiting"
            ),
        ),
    ]
