from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

from wfpush.postgres.resumable import AddConstraintNotValid

ENDED = """
UPDATE notifications_callback SET ended_at = NULL WHERE due_at IS NOT NULL AND ended_at IS NOT NULL;
UPDATE notifications_callback SET ended_at = created_at WHERE due_at IS NULL AND ended_at IS NULL;
"""
IS_DUE_UNTIL_ENDED = models.CheckConstraint(
    condition=Q(due_at__isnull=False, ended_at__isnull=True) | Q(due_at__isnull=True, ended_at__isnull=False),
    name="callback_is_due_until_ended",
)


class Migration(migrations.Migration):
    """The index of waiting answers. Built while answers come in, without a transaction."""

    atomic = False

    dependencies = [("notifications", "0080_event_queue")]

    operations = [
        AddConstraintNotValid(model_name="callback", constraint=IS_DUE_UNTIL_ENDED),
        migrations.RunSQL(ENDED, migrations.RunSQL.noop),
        ValidateConstraint(model_name="callback", name="callback_is_due_until_ended"),
        AddIndexConcurrently(
            model_name="callback",
            index=models.Index(fields=["engine", "due_at"], condition=Q(due_at__isnull=False), name="callback_queue"),
        ),
        RemoveIndexConcurrently(model_name="callback", name="callback_due"),
    ]
