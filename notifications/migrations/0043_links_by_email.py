from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import wfpush.identifiers
from notifications import roles


def give_rights(apps: Any, schema_editor: Any) -> None:
    roles.give_as(apps, "linkmail", like="signinlink")


class Migration(migrations.Migration):
    """Sign-in links that are sent by e-mail."""

    dependencies = [
        ("notifications", "0042_values_of_answers"),
    ]

    operations = [
        migrations.CreateModel(
            name="LinkMail",
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
                ("next", models.CharField(default="/", max_length=500, verbose_name="next")),
                (
                    "by",
                    models.CharField(
                        blank=True, help_text="Empty: the person.", max_length=150, verbose_name="asked for by"
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="asked for at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("detail", models.CharField(blank=True, max_length=500, verbose_name="why not")),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="link_mails",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "link by e-mail",
                "verbose_name_plural": "links by e-mail",
                "ordering": ["-created_at"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="link_mail_due"
                    ),
                    models.Index(fields=["created_at"], name="notificatio_created_4fb04d_idx"),
                ],
            },
        ),
        migrations.RunPython(give_rights, migrations.RunPython.noop),
    ]
