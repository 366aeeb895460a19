from typing import Any

import django.db.models.deletion
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently, ValidateConstraint
from django.db import migrations, models

from wfpush.postgres.resumable import AddConstraintNotValid
from wfpush.postgres.word_index import Words

PERSON = Words("name", ids=["ref", "email"])
"""The words by which the desk finds people."""

REPLACED = """
notifications_event_engine_id_ce700d8b notifications_case_engine_id_9a7023d8 notifications_task_engine_id_0a7f1ff7
notifications_notification_recipient_id_d055f3f0 notifications_notification_brand_id_3aa7e158
notifications_notification_on_behalf_of_id_fa4fdf84 notifications_delivery_device_id_6d0674f1
""".split()
"""Indexes of foreign keys. Django would make the keys anew as well, and check each row of their tables. Columns come
first in another index of their table, or few rows have them: an index of these rows replaces the one of all rows."""

EVENT_IS_DUE = models.CheckConstraint(
    condition=models.Q(due_at__isnull=False, processed_at__isnull=True)
    | models.Q(due_at__isnull=True, processed_at__isnull=False),
    name="event_is_due_until_processed",
)
DUE_EVENTS = """
UPDATE notifications_event SET processed_at = NULL WHERE due_at IS NOT NULL AND processed_at IS NOT NULL;
UPDATE notifications_event SET processed_at = received_at WHERE due_at IS NULL AND processed_at IS NULL;
"""
CALLBACK_IS_DUE = models.CheckConstraint(
    condition=models.Q(due_at__isnull=False, ended_at__isnull=True)
    | models.Q(due_at__isnull=True, ended_at__isnull=False),
    name="callback_is_due_until_ended",
)
DUE_CALLBACKS = """
UPDATE notifications_callback SET ended_at = NULL WHERE due_at IS NOT NULL AND ended_at IS NOT NULL;
UPDATE notifications_callback SET ended_at = created_at WHERE due_at IS NULL AND ended_at IS NULL;
"""
AUDIT = (
    models.Index(fields=["-action_time", "-id"], name="audit_newest"),
    models.Index(fields=["object_id"], name="audit_object"),
    GinIndex(Words("object_repr"), name="audit_words", fastupdate=False),
)
"""Those by which the audit list finds the newest entries, and what was done to something. The table is Django's."""


def add_audit_indexes(apps: Any, schema_editor: Any) -> None:
    for index in AUDIT:
        schema_editor.add_index(apps.get_model("admin", "LogEntry"), index, concurrently=True)


def remove_audit_indexes(apps: Any, schema_editor: Any) -> None:
    for index in AUDIT:
        schema_editor.remove_index(apps.get_model("admin", "LogEntry"), index, concurrently=True)


class Migration(migrations.Migration):
    """Indexes that are built while events come in, without a transaction, before those that they replace are dropped.

    The indexes by state leave out the usual state: its newest rows are found by their keys as fast. Events of one
    batch share an entry of `event_processed`, so it is small."""

    atomic = False
    dependencies = [("notifications", "0018_histories_and_titles"), ("admin", "0001_initial")]

    operations = [
        AddConstraintNotValid("event", EVENT_IS_DUE),
        migrations.RunSQL(DUE_EVENTS, migrations.RunSQL.noop),
        ValidateConstraint("event", "event_is_due_until_processed"),
        AddConstraintNotValid("callback", CALLBACK_IS_DUE),
        migrations.RunSQL(DUE_CALLBACKS, migrations.RunSQL.noop),
        ValidateConstraint("callback", "callback_is_due_until_ended"),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["engine", "urgency", "due_at", "id"],
                name="event_queue",
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(("processed_at", None)), fields=["engine", "group", "id"], name="event_group"
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(("status", "processed"), _negated=True),
                fields=["status", "id"],
                name="event_ended_otherwise",
            ),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(fields=["engine", "type"], name="event_by_type"),
        ),
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(("processed_at__isnull", False)), fields=["processed_at"], name="event_processed"
            ),
        ),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "delivered"), _negated=True),
                fields=["state", "id"],
                name="delivery_not_delivered",
            ),
        ),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("held__isnull", False), ("state", "pending")),
                fields=["recipient"],
                name="delivery_held",
            ),
        ),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("due_at__isnull", True), ("state", "pending")),
                fields=["notification"],
                name="delivery_reserve",
            ),
        ),
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("device__isnull", False)), fields=["device"], name="delivery_device"
            ),
        ),
        AddIndexConcurrently(
            model_name="device",
            index=models.Index(
                condition=models.Q(("last_fault_fact__isnull", False)), fields=["id"], name="device_with_fault"
            ),
        ),
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "open")), fields=["recipient", "due_at"], name="notification_waiting"
            ),
        ),
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "info")), fields=["recipient", "-created_at"], name="notification_news"
            ),
        ),
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("snoozed_until__isnull", False)),
                fields=["snoozed_until"],
                name="notification_snoozed",
            ),
        ),
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("brand__isnull", False)), fields=["brand"], name="notification_brand"
            ),
        ),
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("on_behalf_of__isnull", False)),
                fields=["on_behalf_of"],
                name="notification_on_behalf_of",
            ),
        ),
        AddIndexConcurrently(
            model_name="callback",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["engine", "due_at"], name="callback_queue"
            ),
        ),
        AddIndexConcurrently("case", GinIndex(Words("title"), name="case_words", fastupdate=False)),
        AddIndexConcurrently(
            "task", GinIndex(Words("name"), name="task_words", condition=models.Q(case=None), fastupdate=False)
        ),
        AddIndexConcurrently(
            "recipient", GinIndex(PERSON, name="person_words", condition=models.Q(engine=None), fastupdate=False)
        ),
        AddIndexConcurrently(
            "recipient",
            GinIndex(PERSON, name="external_person_words", condition=models.Q(engine__isnull=False), fastupdate=False),
        ),
        migrations.RunPython(add_audit_indexes, remove_audit_indexes),
        RemoveIndexConcurrently("callback", "callback_due"),
        RemoveIndexConcurrently("delivery", "notificatio_state_de8064_idx"),
        RemoveIndexConcurrently("event", "event_due"),
        RemoveIndexConcurrently("event", "event_group_due"),
        RemoveIndexConcurrently("event", "notificatio_status_911cff_idx"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)
                for name in REPLACED
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="case",
                    name="engine",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cases",
                        to="notifications.engine",
                        verbose_name="engine",
                    ),
                ),
                migrations.AlterField(
                    model_name="delivery",
                    name="device",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="deliveries",
                        to="notifications.device",
                        verbose_name="device",
                    ),
                ),
                migrations.AlterField(
                    model_name="event",
                    name="engine",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="notifications.engine",
                        verbose_name="engine",
                    ),
                ),
                migrations.AlterField(
                    model_name="notification",
                    name="brand",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="notifications.brand",
                        verbose_name="brand",
                    ),
                ),
                migrations.AlterField(
                    model_name="notification",
                    name="on_behalf_of",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Who is away, and would have had it.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="notifications.recipient",
                        verbose_name="on behalf of",
                    ),
                ),
                migrations.AlterField(
                    model_name="notification",
                    name="recipient",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to="notifications.recipient",
                    ),
                ),
                migrations.AlterField(
                    model_name="task",
                    name="engine",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="notifications.engine",
                        verbose_name="engine",
                    ),
                ),
            ],
        ),
    ]
