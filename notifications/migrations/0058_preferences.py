from importlib import import_module
from typing import Any

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from notifications import roles

same = import_module("notifications.migrations.0016_configuration_changes")

TABLES = {"notifications_categorydefault": ""}


def give_rights(apps: Any, schema_editor: Any) -> None:
    roles.give_as(apps, "categorydefault", like="category")
    for model in ("preferences", "quiethours", "categorychoice"):
        roles.give_as(apps, model, like="absence")


class Migration(migrations.Migration):
    """How people want to be reached. Their defaults are configuration (wfpush/postgres/revision.py)."""

    dependencies = [
        ("notifications", "0057_audit"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CategoryChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channels",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value({}, models.JSONField()),
                        default=dict,
                        verbose_name="channels",
                    ),
                ),
                (
                    "frequency",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("at_once", "at once"),
                            ("digest", "together, at set times"),
                            ("repeats", "the first at once, what repeats together"),
                        ],
                        max_length=10,
                        verbose_name="how often",
                    ),
                ),
                ("category", models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="notifications.category",
                verbose_name="category",
            )),
                ("recipient", models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="category_choices",
                to="notifications.recipient",
                verbose_name="person",
            )),
            ],
            options={
                "verbose_name": "choice of a person",
                "verbose_name_plural": "choices of people",
                "ordering": ["recipient", "category"],
            },
        ),
        migrations.CreateModel(
            name="CategoryDefault",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channels",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value({}, models.JSONField()),
                        default=dict,
                        verbose_name="channels",
                    ),
                ),
                (
                    "frequency",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("at_once", "at once"),
                            ("digest", "together, at set times"),
                            ("repeats", "the first at once, what repeats together"),
                        ],
                        max_length=10,
                        verbose_name="how often",
                    ),
                ),
                ("brand", models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="category_defaults",
                to="notifications.brand",
                verbose_name="brand",
            )),
                ("category", models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="notifications.category",
                verbose_name="category",
            )),
                ("team", models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="category_defaults",
                to="notifications.team",
                verbose_name="team",
            )),
            ],
            options={
                "verbose_name": "default of a category",
                "verbose_name_plural": "defaults of categories",
                "ordering": ["team", "brand", "category"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalCategoryDefault",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "channels",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value({}, models.JSONField()),
                        default=dict,
                        verbose_name="channels",
                    ),
                ),
                (
                    "frequency",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("at_once", "at once"),
                            ("digest", "together, at set times"),
                            ("repeats", "the first at once, what repeats together"),
                        ],
                        max_length=10,
                        verbose_name="how often",
                    ),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                ("brand", models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="notifications.brand",
                verbose_name="brand",
            )),
                ("category", models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="notifications.category",
                verbose_name="category",
            )),
                ("history_user", models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            )),
                ("team", models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="notifications.team",
                verbose_name="team",
            )),
            ],
            options={
                "verbose_name": "historical default of a category",
                "verbose_name_plural": "historical defaults of categories",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "recipient",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="preferences",
                        serialize=False,
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                (
                    "quiet_on_holidays",
                    models.BooleanField(
                        default=False,
                        help_text="All day, by the calendar of the person or their team.",
                        verbose_name="quiet on holidays",
                    ),
                ),
                (
                    "digest_times",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TimeField(),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="what comes together comes at",
                    ),
                ),
                (
                    "repeat_pause",
                    models.PositiveSmallIntegerField(
                        default=60,
                        validators=[
                            django.core.validators.MinValueValidator(5),
                            django.core.validators.MaxValueValidator(1440),
                        ],
                        verbose_name="pause after the first (minutes)",
                    ),
                ),
                (
                    "most_an_hour",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="most messages an hour and channel",
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed at")),
            ],
            options={
                "verbose_name": "preferences",
                "verbose_name_plural": "preferences",
            },
        ),
        migrations.CreateModel(
            name="QuietHours",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), size=None, verbose_name="days"
                    ),
                ),
                ("begins", models.TimeField(verbose_name="from")),
                ("ends", models.TimeField(verbose_name="until")),
                ("recipient", models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="quiet_hours",
                to="notifications.recipient",
                verbose_name="person",
            )),
            ],
            options={
                "verbose_name": "quiet hours",
                "verbose_name_plural": "quiet hours",
                "ordering": ["recipient", "begins", "pk"],
            },
        ),
        migrations.AddField(
            model_name="category",
            name="frequency",
            field=models.CharField(
                choices=[
                    ("at_once", "at once"),
                    ("digest", "together, at set times"),
                    ("repeats", "the first at once, what repeats together"),
                ],
                db_default="at_once",
                default="at_once",
                help_text="Of messages that ask for no answer. People can choose otherwise.",
                max_length=10,
                verbose_name="how often",
            ),
        ),
        migrations.AddField(
            model_name="category",
            name="mandatory",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                db_default=models.Value(
                    [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None)
                ),
                default=list,
                help_text="Channels that nobody can turn off for themselves.",
                size=None,
                verbose_name="people cannot do without",
            ),
        ),
        migrations.AddField(
            model_name="category",
            name="mandatory_reason",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Shown to people.", max_length=200, verbose_name="why"
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="critical",
            field=models.BooleanField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="held",
            field=models.CharField(
                blank=True,
                choices=[
                    ("quiet", "quiet hours"),
                    ("digest", "comes together with others"),
                    ("repeats", "repeats"),
                    ("throttle", "too many at once"),
                ],
                max_length=10,
                null=True,
                verbose_name="held back for",
            ),
        ),
        migrations.AddField(
            model_name="device",
            name="lock_screen",
            field=models.CharField(
                choices=[
                    ("all", "title and text"),
                    ("title", "the title only"),
                    ("nothing", "only that something came"),
                ],
                db_default="all",
                default="all",
                max_length=10,
                verbose_name="on the lock screen",
            ),
        ),
        migrations.AddField(
            model_name="device",
            name="silent",
            field=models.BooleanField(db_default=False, default=False, verbose_name="without a sound"),
        ),
        migrations.AddField(
            model_name="historicalcategory",
            name="frequency",
            field=models.CharField(
                choices=[
                    ("at_once", "at once"),
                    ("digest", "together, at set times"),
                    ("repeats", "the first at once, what repeats together"),
                ],
                db_default="at_once",
                default="at_once",
                help_text="Of messages that ask for no answer. People can choose otherwise.",
                max_length=10,
                verbose_name="how often",
            ),
        ),
        migrations.AddField(
            model_name="historicalcategory",
            name="mandatory",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                db_default=models.Value(
                    [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None)
                ),
                default=list,
                help_text="Channels that nobody can turn off for themselves.",
                size=None,
                verbose_name="people cannot do without",
            ),
        ),
        migrations.AddField(
            model_name="historicalcategory",
            name="mandatory_reason",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Shown to people.", max_length=200, verbose_name="why"
            ),
        ),
        migrations.AddField(
            model_name="historicaldevice",
            name="lock_screen",
            field=models.CharField(
                choices=[
                    ("all", "title and text"),
                    ("title", "the title only"),
                    ("nothing", "only that something came"),
                ],
                db_default="all",
                default="all",
                max_length=10,
                verbose_name="on the lock screen",
            ),
        ),
        migrations.AddField(
            model_name="historicaldevice",
            name="silent",
            field=models.BooleanField(db_default=False, default=False, verbose_name="without a sound"),
        ),
        migrations.AddConstraint(
            model_name="categorychoice",
            constraint=models.UniqueConstraint(fields=("recipient", "category"), name="one_choice_a_category"),
        ),
        migrations.AddConstraint(
            model_name="categorydefault",
            constraint=models.CheckConstraint(
                condition=models.Q(("team", None), ("brand", None), _connector="XOR"),
                name="default_of_a_team_or_a_brand",
            ),
        ),
        migrations.AddConstraint(
            model_name="categorydefault",
            constraint=models.UniqueConstraint(
                condition=models.Q(("brand", None)), fields=("team", "category"), name="one_default_a_team_and_category"
            ),
        ),
        migrations.AddConstraint(
            model_name="categorydefault",
            constraint=models.UniqueConstraint(
                condition=models.Q(("team", None)),
                fields=("brand", "category"),
                name="one_default_a_brand_and_category",
            ),
        ),
        migrations.RunSQL(list(same.triggers(TABLES)), list(same.undo(TABLES))),
        migrations.RunPython(give_rights, migrations.RunPython.noop),
    ]
