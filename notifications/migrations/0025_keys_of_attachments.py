import django.db.models.deletion
from django.db import migrations, models

from wfpush.postgres.resumable import RunEachSQL

KEYS = [
    ("engine_id", "notifications_engine", "notifications_attach_engine_id_68ceed6e_fk_notificat"),
    ("message_id", "notifications_taskmessage", "notifications_attach_message_id_beaa3e07_fk_notificat"),
    ("response_id", "notifications_response", "notifications_attach_response_id_7f12040a_fk_notificat"),
    ("uploader_id", "notifications_recipient", "notifications_attach_uploader_id_cc9a2877_fk_notificat"),
]


def add_key(column: str, table: str, name: str) -> str:
    return f"""
ALTER TABLE notifications_attachment DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name}
FOREIGN KEY ({column}) REFERENCES {table} (id) DEFERRABLE INITIALLY DEFERRED"""


def drop_key(name: str) -> str:
    return f"ALTER TABLE notifications_attachment DROP CONSTRAINT IF EXISTS {name}"


class Migration(migrations.Migration):
    """The foreign keys of files, each in a transaction of its own."""

    atomic = False
    dependencies = [("notifications", "0024_attachments")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                RunEachSQL([add_key(*key) for key in KEYS], [drop_key(name) for _column, _table, name in KEYS])
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="attachment",
                    name="engine",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="notifications.engine",
                        verbose_name="engine",
                    ),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="message",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="notifications.taskmessage",
                        verbose_name="message",
                    ),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="response",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="notifications.response",
                        verbose_name="answer",
                    ),
                ),
                migrations.AlterField(
                    model_name="attachment",
                    name="uploader",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="notifications.recipient",
                        verbose_name="sent by",
                    ),
                ),
            ],
        ),
    ]
