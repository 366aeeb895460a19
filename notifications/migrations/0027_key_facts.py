from importlib import import_module
from typing import Any

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from notifications import roles

same = import_module("notifications.migrations.0016_configuration_changes")

TABLES = {"notifications_templatefact": ""}
PATH = django.core.validators.RegexValidator(
    "^[A-Za-z_][A-Za-z0-9_]*(\\.([A-Za-z_][A-Za-z0-9_]*|\\d+))*$", "Write a path such as task.kind."
)


def give_rights(apps: Any, schema_editor: Any) -> None:
    roles.give_as(apps, "templatefact", like="templateaction")


class Migration(migrations.Migration):
    """Key facts are part of a template's version: configuration, and whoever edits labels of actions edits them."""

    dependencies = [("notifications", "0024_notice")]

    operations = [
        migrations.CreateModel(
            name="TemplateFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="The first is shown large, if it is money or a number.",
                        verbose_name="position",
                    ),
                ),
                ("path", models.CharField(max_length=150, validators=[PATH], verbose_name="path")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "text"),
                            ("number", "number"),
                            ("money", "amount of money"),
                            ("date", "date"),
                            ("datetime", "date and time"),
                            ("person", "person"),
                        ],
                        default="text",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "labels",
                    models.JSONField(
                        default=dict,
                        help_text='Language to label, such as {"en": "Amount", "de": "Betrag"}.',
                        verbose_name="labels",
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        blank=True,
                        help_text="Of money: EUR, or a path. Empty: “currency” beside the amount.",
                        max_length=150,
                        validators=[PATH],
                        verbose_name="currency",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="facts",
                        to="notifications.templateversion",
                        verbose_name="version",
                    ),
                ),
            ],
            options={
                "verbose_name": "key fact",
                "verbose_name_plural": "key facts",
                "ordering": ["position", "pk"],
                "constraints": [models.UniqueConstraint(fields=("version", "path"), name="one_fact_a_path")],
            },
        ),
        migrations.RunSQL(list(same.triggers(TABLES)), list(same.undo(TABLES))),
        migrations.RunPython(give_rights, migrations.RunPython.noop),
    ]
