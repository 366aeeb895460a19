import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

REPLACED = """
notifications_event_engine_id_ce700d8b notifications_case_engine_id_9a7023d8 notifications_task_engine_id_0a7f1ff7
notifications_notification_recipient_id_d055f3f0 notifications_notification_brand_id_3aa7e158
notifications_notification_on_behalf_of_id_fa4fdf84 notifications_delivery_device_id_6d0674f1
""".split()
"""Indexes of foreign keys. Django would make the keys anew as well, and check each row of their tables."""

KEPT = {"on_delete": django.db.models.deletion.CASCADE, "db_index": False}
"""Foreign keys whose columns come first in an index of their table anyway."""
RARE = {"blank": True, "null": True, "on_delete": django.db.models.deletion.SET_NULL, "db_index": False}
"""Foreign keys that few rows have: an index of these rows replaces the one of all rows."""


class Migration(migrations.Migration):
    """Indexes that cost as much and helped less: new ones are built while events come in, without a transaction, before
    those that they replace are dropped.

    `(state, id)` is read backwards as fast as `(state, -id)`, and takes half of its space: new ids come at its end.
    """

    atomic = False

    dependencies = [("notifications", "0020_processed_events")]

    operations = [
        AddIndexConcurrently("event", models.Index(fields=["status", "id"], name="event_status")),
        AddIndexConcurrently("delivery", models.Index(fields=["state", "id"], name="delivery_state")),
        AddIndexConcurrently(
            "delivery", models.Index(fields=["device"], condition=Q(device__isnull=False), name="delivery_device")
        ),
        AddIndexConcurrently(
            "notification", models.Index(fields=["brand"], condition=Q(brand__isnull=False), name="notification_brand")
        ),
        AddIndexConcurrently(
            "notification",
            models.Index(
                fields=["on_behalf_of"], condition=Q(on_behalf_of__isnull=False), name="notification_on_behalf_of"
            ),
        ),
        RemoveIndexConcurrently("event", "notificatio_status_911cff_idx"),
        RemoveIndexConcurrently("delivery", "notificatio_state_de8064_idx"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)
                for name in REPLACED
            ],
            state_operations=[
                migrations.AlterField(
                    "event",
                    "engine",
                    models.ForeignKey(related_name="events", to="notifications.engine", verbose_name="engine", **KEPT),
                ),
                migrations.AlterField(
                    "case",
                    "engine",
                    models.ForeignKey(related_name="cases", to="notifications.engine", verbose_name="engine", **KEPT),
                ),
                migrations.AlterField(
                    "task",
                    "engine",
                    models.ForeignKey(related_name="tasks", to="notifications.engine", verbose_name="engine", **KEPT),
                ),
                migrations.AlterField(
                    "notification",
                    "recipient",
                    models.ForeignKey(related_name="notifications", to="notifications.recipient", **KEPT),
                ),
                migrations.AlterField(
                    "notification",
                    "brand",
                    models.ForeignKey(related_name="+", to="notifications.brand", verbose_name="brand", **RARE),
                ),
                migrations.AlterField(
                    "notification",
                    "on_behalf_of",
                    models.ForeignKey(
                        help_text="Who is away, and would have had it.",
                        related_name="+",
                        to="notifications.recipient",
                        verbose_name="on behalf of",
                        **RARE,
                    ),
                ),
                migrations.AlterField(
                    "delivery",
                    "device",
                    models.ForeignKey(
                        related_name="deliveries", to="notifications.device", verbose_name="device", **RARE
                    ),
                ),
            ],
        ),
    ]
