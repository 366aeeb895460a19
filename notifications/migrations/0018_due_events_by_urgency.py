from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Due events by engine and urgency. Built while events come in, without a transaction."""

    atomic = False

    dependencies = [("notifications", "0017_urgency_of_events")]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                fields=["engine", "urgency", "due_at"], condition=Q(due_at__isnull=False), name="event_urgency_due"
            ),
        ),
    ]
