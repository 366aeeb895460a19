from importlib import import_module
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from notifications import roles

same = import_module("notifications.migrations.0016_configuration_changes")

TABLES = {"notifications_customertext": ""}


def give_rights(apps: Any, schema_editor: Any) -> None:
    roles.give_as(apps, "customertext", like="templatetext")


class Migration(migrations.Migration):
    """Texts for customers are part of a template's version, as its other texts are."""

    dependencies = [
        ("notifications", "0043_links_by_email"),
    ]

    operations = [
        migrations.CreateModel(
            name="CustomerText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(default="en", max_length=20, verbose_name="language")),
                (
                    "channel",
                    models.CharField(
                        blank=True,
                        help_text="Empty: every channel without words of its own.",
                        max_length=20,
                        verbose_name="channel",
                    ),
                ),
                ("title", models.CharField(max_length=500, verbose_name="title")),
                ("body", models.TextField(blank=True, max_length=10000, verbose_name="body")),
                (
                    "short_body",
                    models.CharField(
                        blank=True,
                        help_text="For lock screens; empty: the start of the body.",
                        max_length=500,
                        verbose_name="short body",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="customer_texts",
                        to="notifications.templateversion",
                        verbose_name="version",
                    ),
                ),
            ],
            options={
                "verbose_name": "text for customers",
                "verbose_name_plural": "texts for customers",
                "ordering": ["language", "channel"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("version", "language", "channel"), name="one_customer_text_a_language_and_channel"
                    )
                ],
            },
        ),
        migrations.RunSQL(list(same.triggers(TABLES)), list(same.undo(TABLES))),
        migrations.RunPython(give_rights, migrations.RunPython.noop),
    ]
