from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

from wfpush.postgres.resumable import AddConstraintNotValid

UNPROCESSED = """
UPDATE notifications_event SET processed_at = NULL WHERE due_at IS NOT NULL AND processed_at IS NOT NULL;
UPDATE notifications_event SET processed_at = received_at WHERE due_at IS NULL AND processed_at IS NULL;
"""
IS_DUE_UNTIL_PROCESSED = models.CheckConstraint(
    condition=Q(due_at__isnull=False, processed_at__isnull=True) | Q(due_at__isnull=True, processed_at__isnull=False),
    name="event_is_due_until_processed",
)


class Migration(migrations.Migration):
    """The indexes of waiting events. Built while events come in, without a transaction."""

    atomic = False

    dependencies = [("notifications", "0079_open_items_before_revisions")]

    operations = [
        AddConstraintNotValid(model_name="event", constraint=IS_DUE_UNTIL_PROCESSED),
        migrations.RunSQL(UNPROCESSED, migrations.RunSQL.noop),
        ValidateConstraint(model_name="event", name="event_is_due_until_processed"),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                fields=["engine", "urgency", "due_at", "id"], condition=Q(due_at__isnull=False), name="event_queue"
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(fields=["engine", "group", "id"], condition=Q(processed_at=None), name="event_group"),
        ),
        RemoveIndexConcurrently(model_name="event", name="event_due"),
        RemoveIndexConcurrently(model_name="event", name="event_group_due"),
        RemoveIndexConcurrently(model_name="event", name="event_urgency_due"),
    ]
