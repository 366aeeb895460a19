from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Events by when they were processed: how many were within the last minute (wfpush/observability/backlog.py). Built
    while events come in, without a transaction. Events of one batch share an entry, so it is small."""

    atomic = False

    dependencies = [("notifications", "0019_events_that_may_wait")]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                fields=["processed_at"], condition=Q(processed_at__isnull=False), name="event_processed"
            ),
        ),
    ]
