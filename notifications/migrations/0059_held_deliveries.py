from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """An index of the messages that are held back, built while deliveries go on."""

    atomic = False

    dependencies = [("notifications", "0058_preferences")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("held__isnull", False), ("state", "pending")),
                fields=["recipient"],
                name="delivery_held",
            ),
        ),
    ]
