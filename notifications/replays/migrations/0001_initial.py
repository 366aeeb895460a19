import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import wfpush.identifiers
from notifications import roles


class Migration(migrations.Migration):
    """Failed work that operators have sent again."""

    initial = True

    dependencies = [("notifications", "0021_starter_and_roles"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Replay",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("events", "events"),
                            ("deliveries", "deliveries"),
                            ("callbacks", "answers to engines"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                ("selection", models.CharField(blank=True, max_length=1000, verbose_name="selection")),
                ("as_of", models.DateTimeField()),
                ("ordered_at", models.DateTimeField(verbose_name="ordered at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "under way"),
                            ("done", "done"),
                            ("undoing", "being undone"),
                            ("undone", "undone"),
                        ],
                        default="running",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("chosen", models.PositiveIntegerField(default=0, verbose_name="chosen")),
                ("again", models.PositiveIntegerField(default=0, verbose_name="sent again")),
                ("left", models.PositiveIntegerField(default=0, verbose_name="left as they were")),
                ("put_back", models.PositiveIntegerField(default=0, verbose_name="put back")),
                ("too_late", models.PositiveIntegerField(default=0, verbose_name="too late to put back")),
            ],
            options={
                "verbose_name": "replay",
                "verbose_name_plural": "replays",
                "ordering": ["-id"],
                "abstract": False,
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="replay_due")
                ],
            },
        ),
        migrations.CreateModel(
            name="ReplayedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "replay",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="replays.replay",
                    ),
                ),
                ("row", models.UUIDField(verbose_name="row")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits"),
                            ("again", "sent again"),
                            ("left", "left as it was"),
                            ("put_back", "put back"),
                            ("too_late", "too late to put back"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("before", models.JSONField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "replayed row",
                "verbose_name_plural": "replayed rows",
                "ordering": ["row"],
                "indexes": [
                    models.Index(fields=["replay", "state", "row"], name="replayed_of"),
                    models.Index(fields=["row", "-id"], name="replayed_row"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")), fields=("row",), name="waits_in_one_replay"
                    )
                ],
            },
        ),
        roles.give_added_rights("replays"),
    ]
