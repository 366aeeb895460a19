import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import wfpush.crypto
import wfpush.identifiers
from notifications import roles


class Migration(migrations.Migration):
    """Retention rules, legal holds, and erasures of people."""

    initial = True

    dependencies = [
        ("notifications", "0021_starter_and_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Empty: all categories without a rule of their own.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.category",
                        verbose_name="category",
                    ),
                ),
                (
                    "items_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Since they ended, with their answers, messages, files and events. Empty: never. At least 31.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(31)],
                        verbose_name="tasks and items go after … days",
                    ),
                ),
                (
                    "addresses_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="E-mail addresses and phone numbers to which messages went. Empty: never. At least 31.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(31)],
                        verbose_name="addresses of messages go after … days",
                    ),
                ),
                (
                    "events_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Nobody was told anything by them. Empty: never. At least 31.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(31)],
                        verbose_name="events without items go after … days",
                    ),
                ),
                (
                    "devices_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Browsers and apps. Empty: never. At least 31.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(31)],
                        verbose_name="unused devices go after … days",
                    ),
                ),
            ],
            options={
                "verbose_name": "retention rule",
                "verbose_name_plural": "retention rules",
                "ordering": [models.OrderBy(models.F("category__name"), nulls_first=True)],
                "constraints": [
                    models.UniqueConstraint(fields=("category",), name="one_rule_for_all_others", nulls_distinct=False),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("category", None), models.Q(("devices_days", None), ("events_days", None)), _connector="OR"
                        ),
                        name="of_no_category",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalRetentionRule",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "items_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Since they ended, with their answers, messages, files and events. Empty: never. At least 31.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(31)],
                        verbose_name="tasks and items go after … days",
                    ),
                ),
                (
                    "addresses_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="E-mail addresses and phone numbers to which messages went. Empty: never. At least 31.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(31)],
                        verbose_name="addresses of messages go after … days",
                    ),
                ),
                (
                    "events_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Nobody was told anything by them. Empty: never. At least 31.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(31)],
                        verbose_name="events without items go after … days",
                    ),
                ),
                (
                    "devices_days",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Browsers and apps. Empty: never. At least 31.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(31)],
                        verbose_name="unused devices go after … days",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Empty: all categories without a rule of their own.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.category",
                        verbose_name="category",
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
                "verbose_name": "historical retention rule",
                "verbose_name_plural": "historical retention rules",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="notifications.case",
                        verbose_name="case",
                    ),
                ),
                ("why", models.CharField(max_length=500, verbose_name="why")),
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
                ("since", models.DateTimeField(verbose_name="since")),
                ("lifted_at", models.DateTimeField(blank=True, null=True, verbose_name="lifted at")),
                (
                    "lifted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="lifted by",
                    ),
                ),
            ],
            options={
                "verbose_name": "legal hold",
                "verbose_name_plural": "legal holds",
                "ordering": ["-since"],
                "indexes": [
                    models.Index(condition=models.Q(("lifted_at", None)), fields=["case"], name="hold_in_force")
                ],
            },
        ),
        migrations.CreateModel(
            name="Erasure",
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
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="erasure",
                        to="notifications.recipient",
                        verbose_name="person",
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
                ("ordered_at", models.DateTimeField(verbose_name="ordered at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "under way"),
                            ("held", "the rest waits for legal holds to be lifted"),
                            ("done", "done"),
                        ],
                        default="running",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("terms", wfpush.crypto.EncryptedTextField(blank=True, editable=False)),
                ("step", models.CharField(blank=True, default="", editable=False, max_length=60)),
                ("cursor", models.CharField(blank=True, default="", editable=False, max_length=40)),
                ("changed", models.PositiveIntegerField(default=0, verbose_name="rows changed")),
                ("left", models.PositiveIntegerField(default=0, verbose_name="rows to look at again")),
                ("held", models.PositiveIntegerField(default=0, verbose_name="rows of held cases")),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
                "ordering": ["-id"],
                "abstract": False,
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="erasure_due")
                ],
            },
        ),
        migrations.CreateModel(
            name="Pruning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("step", models.CharField(blank=True, default="", max_length=60)),
                ("cursor", models.CharField(blank=True, default="", max_length=40)),
                ("removed", models.JSONField(default=dict)),
                ("began_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "pruning",
                "verbose_name_plural": "prunings",
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[],
            options={
                "verbose_name": "person",
                "verbose_name_plural": "people",
                "proxy": True,
                "default_permissions": ("export", "erase"),
                "indexes": [],
                "constraints": [],
            },
            bases=("notifications.recipient",),
        ),
        roles.give_added_rights("retention"),
    ]
