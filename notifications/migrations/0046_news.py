from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while items are written, so it is not in a transaction."""

    atomic = False
    dependencies = [("notifications", "0045_texts_for_customers")]

    operations = [
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                fields=["recipient", "-created_at"], condition=models.Q(state="info"), name="notification_news"
            ),
        ),
    ]
