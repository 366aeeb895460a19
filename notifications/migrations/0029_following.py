import django.db.models.deletion
from django.db import migrations, models

from notifications import roles


class Migration(migrations.Migration):
    """Cases that people mute, and kinds of cases that they follow."""

    dependencies = [("notifications", "0028_preferences")]

    operations = [
        migrations.CreateModel(
            name="FollowedKind",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="followed_kinds",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                (
                    "engine",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.engine",
                        verbose_name="engine",
                    ),
                ),
                ("case_type", models.CharField(max_length=100, verbose_name="type of case")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="since")),
            ],
            options={
                "verbose_name": "followed kind of case",
                "verbose_name_plural": "followed kinds of cases",
                "ordering": ["engine", "case_type"],
                "constraints": [
                    models.UniqueConstraint(fields=("engine", "case_type", "recipient"), name="kind_followed_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="MutedCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="muted_cases",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.case",
                        verbose_name="case",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="since")),
            ],
            options={
                "verbose_name": "muted case",
                "verbose_name_plural": "muted cases",
                "ordering": ["-created_at"],
                "constraints": [models.UniqueConstraint(fields=("recipient", "case"), name="muted_once")],
            },
        ),
        roles.give_rights(mutedcase="absence", followedkind="absence"),
    ]
