from typing import Any

import django.contrib.postgres.fields
import django.core.serializers.json
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from notifications import roles
from notifications.customers import first_journeys


def add_journeys(apps: Any, schema_editor: Any) -> None:
    first_journeys.ensure(apps)


class Migration(migrations.Migration):
    """Journeys of cases with their milestones, and those of a fresh installation. Unsubscriptions."""

    initial = True

    dependencies = [
        ("notifications", "0025_keys_of_attachments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Journey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, unique=True, verbose_name="name")),
                (
                    "engine",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: every engine.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.engine",
                        verbose_name="engine",
                    ),
                ),
                (
                    "case_type",
                    models.CharField(
                        blank=True,
                        help_text="As events name it in “case.type”, such as repair. Empty: every kind.",
                        max_length=100,
                        verbose_name="kind of case",
                    ),
                ),
                (
                    "event_type",
                    models.ForeignKey(
                        blank=True,
                        help_text="The type of the events that tell the status of these cases. Empty: every type.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.eventtype",
                        verbose_name="event type",
                    ),
                ),
            ],
            options={
                "verbose_name": "way of a case",
                "verbose_name_plural": "ways of cases",
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("engine", "case_type", "event_type"), name="one_journey_a_kind", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalJourney",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "parts",
                    models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
                ),
                ("name", models.CharField(db_index=True, max_length=120, verbose_name="name")),
                (
                    "case_type",
                    models.CharField(
                        blank=True,
                        help_text="As events name it in “case.type”, such as repair. Empty: every kind.",
                        max_length=100,
                        verbose_name="kind of case",
                    ),
                ),
                (
                    "engine",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Empty: every engine.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.engine",
                        verbose_name="engine",
                    ),
                ),
                (
                    "event_type",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="The type of the events that tell the status of these cases. Empty: every type.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.eventtype",
                        verbose_name="event type",
                    ),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical way of a case",
                "verbose_name_plural": "historical ways of cases",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Milestone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "journey",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="milestones",
                        to="customers.journey",
                        verbose_name="way of a case",
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=1, help_text="Those with the same position are alternatives.", verbose_name="position"
                    ),
                ),
                (
                    "statuses",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100),
                        help_text="As events name them in “case.status”, separated by commas.",
                        size=None,
                        verbose_name="statuses",
                    ),
                ),
                ("labels", models.JSONField(default=dict, verbose_name="what customers read")),
                ("ahead", models.JSONField(blank=True, default=dict, verbose_name="while it lies ahead")),
                ("notes", models.JSONField(blank=True, default=dict, verbose_name="sentence while the case is there")),
                ("ends", models.BooleanField(default=False, verbose_name="the way ends here")),
            ],
            options={
                "verbose_name": "milestone",
                "verbose_name_plural": "milestones",
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Unsubscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unsubscriptions",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.category",
                        verbose_name="category",
                    ),
                ),
                ("channel", models.CharField(max_length=20, verbose_name="channel")),
                ("at", models.DateTimeField(verbose_name="turned off at")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="turned on again at")),
            ],
            options={
                "verbose_name": "unsubscription",
                "verbose_name_plural": "unsubscriptions",
                "ordering": ["-at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at", None)),
                        fields=("recipient", "category", "channel"),
                        name="one_unsubscription",
                    )
                ],
            },
        ),
        roles.give_added_rights("customers"),
        migrations.RunPython(add_journeys, migrations.RunPython.noop),
    ]
