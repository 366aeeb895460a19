import django.db.models.deletion
from django.db import migrations, models

import wfpush.identifiers


class Migration(migrations.Migration):
    """Files of messages and answers. 0025 makes their foreign keys to other tables: here, four of them would be locked
    by one transaction."""

    dependencies = [("notifications", "0023_conversation")]

    operations = [
        migrations.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "uploader",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="notifications.recipient",
                        verbose_name="sent by",
                    ),
                ),
                (
                    "engine",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="notifications.engine",
                        verbose_name="engine",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="notifications.taskmessage",
                        verbose_name="message",
                    ),
                ),
                (
                    "response",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachments",
                        to="notifications.response",
                        verbose_name="answer",
                    ),
                ),
                (
                    "place",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Among the files of what uses it.", verbose_name="place"
                    ),
                ),
                ("name", models.CharField(max_length=150, verbose_name="name")),
                ("type", models.CharField(blank=True, max_length=100, verbose_name="type")),
                ("size", models.PositiveIntegerField(default=0, help_text="In bytes.", verbose_name="size")),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("at", models.DateTimeField(verbose_name="at")),
            ],
            options={
                "verbose_name": "file",
                "verbose_name_plural": "files",
                "ordering": ["place", "id"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["uploader", "at"], name="attachment_of_person")],
            },
        ),
        migrations.CreateModel(
            name="AttachmentPiece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "attachment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pieces",
                        to="notifications.attachment",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("content", models.BinaryField()),
            ],
            options={
                "verbose_name": "piece of a file",
                "verbose_name_plural": "pieces of files",
                "ordering": ["attachment", "number"],
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("attachment", "number"), name="one_piece_a_number")],
            },
        ),
        # Pictures and PDFs are compressed already: PostgreSQL is not to try it again.
        migrations.RunSQL(
            "ALTER TABLE notifications_attachmentpiece ALTER COLUMN content SET STORAGE EXTERNAL",
            migrations.RunSQL.noop,
        ),
    ]
