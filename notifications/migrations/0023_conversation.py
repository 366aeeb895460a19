import django.db.models.deletion
from django.db import migrations, models

import wfpush.identifiers


class Migration(migrations.Migration):
    """Questions, replies and comments about tasks."""

    dependencies = [("notifications", "0022_rows_of_former_releases")]

    operations = [
        migrations.CreateModel(
            name="TaskMessage",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "id",
                    models.UUIDField(
                        default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="notifications.task",
                    ),
                ),
                (
                    "number",
                    models.PositiveIntegerField(
                        help_text="Its place in the task's conversation.", verbose_name="number"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("question", "question"), ("reply", "reply"), ("comment", "comment")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="task_messages",
                        to="notifications.recipient",
                        verbose_name="author",
                    ),
                ),
                ("author_name", models.CharField(blank=True, max_length=200, verbose_name="author in the engine")),
                ("text", models.TextField(verbose_name="text")),
                (
                    "reply_to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replies",
                        to="notifications.taskmessage",
                        verbose_name="reply to",
                    ),
                ),
                ("via", models.CharField(blank=True, max_length=20, verbose_name="via")),
                (
                    "late",
                    models.BooleanField(
                        default=False, help_text="The task was decided before it came.", verbose_name="late"
                    ),
                ),
                ("key", models.CharField(blank=True, max_length=200, verbose_name="idempotency key")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("told_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "ordering": ["task", "number"],
                "abstract": False,
                "default_permissions": (),
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="message_due")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("task", "number"), name="one_message_a_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=("task", "author", "key"),
                        name="message_key_is_unique",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Addressee",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addressees",
                        to="notifications.taskmessage",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="addressed_messages",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                (
                    "away",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="notifications.recipient",
                        verbose_name="on behalf of",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="addressed",
                        to="notifications.notification",
                        verbose_name="notification",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "asked"),
                            ("replied", "has replied"),
                            ("over", "need not reply any more"),
                            ("told", "told"),
                        ],
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("replied_at", models.DateTimeField(blank=True, null=True, verbose_name="replied at")),
            ],
            options={
                "verbose_name": "addressee",
                "verbose_name_plural": "addressees",
                "ordering": ["id"],
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("message", "person"), name="one_addressee_a_person")],
            },
        ),
        migrations.AddField(
            model_name="response",
            name="asked",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Who is to answer the question.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="notifications.recipient",
                verbose_name="asked",
            ),
        ),
    ]
