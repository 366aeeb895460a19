import datetime

import django.contrib.postgres.fields
import django.core.serializers.json
import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import notifications.models.validators
from notifications import roles


class Migration(migrations.Migration):
    """Duty rotas."""

    initial = True

    dependencies = [
        ("notifications", "0030_absences"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Rota",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(max_length=100, unique=True, verbose_name="slug")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rotas",
                        to="notifications.team",
                        verbose_name="team",
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default="UTC",
                        help_text="Hand-overs are at its times of day, such as Europe/Berlin.",
                        max_length=60,
                        validators=[notifications.models.validators.validate_timezone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        help_text="Of messages about hand-overs and swaps; it names the channels. Empty: the first category.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="notifications.category",
                        verbose_name="category",
                    ),
                ),
                (
                    "feed_url",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="An https address of an iCalendar feed with the shifts. What it leaves open the layers fill.",
                        max_length=500,
                        verbose_name="calendar to read",
                    ),
                ),
                ("address_digest", models.CharField(blank=True, default="", editable=False, max_length=64)),
            ],
            options={
                "verbose_name": "duty rota",
                "verbose_name_plural": "duty rotas",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalRota",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "parts",
                    models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
                ),
                ("slug", models.SlugField(max_length=100, verbose_name="slug")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "timezone",
                    models.CharField(
                        default="UTC",
                        help_text="Hand-overs are at its times of day, such as Europe/Berlin.",
                        max_length=60,
                        validators=[notifications.models.validators.validate_timezone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "feed_url",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="An https address of an iCalendar feed with the shifts. What it leaves open the layers fill.",
                        max_length=500,
                        verbose_name="calendar to read",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.team",
                        verbose_name="team",
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Of messages about hand-overs and swaps; it names the channels. Empty: the first category.",
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
                "verbose_name": "historical duty rota",
                "verbose_name_plural": "historical duty rotas",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="RotaLayer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rota",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="layers",
                        to="rotas.rota",
                        verbose_name="duty rota",
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="Smaller numbers go first: later layers fill what they leave open.",
                        verbose_name="position",
                    ),
                ),
                (
                    "people",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(),
                        help_text="In the order of their turns.",
                        size=None,
                        verbose_name="people",
                    ),
                ),
                ("begins_on", models.DateField(help_text="The day of the first hand-over.", verbose_name="begins on")),
                ("hand_over", models.TimeField(default=datetime.time(8, 0), verbose_name="hand-over at")),
                (
                    "length",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(366),
                        ],
                        verbose_name="length of a turn",
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        choices=[("days", "days"), ("weeks", "weeks")],
                        default="weeks",
                        max_length=5,
                        verbose_name="unit",
                    ),
                ),
                (
                    "weekdays",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(),
                        blank=True,
                        default=list,
                        help_text="None: every day.",
                        size=None,
                        verbose_name="days of the week",
                    ),
                ),
                (
                    "from_time",
                    models.TimeField(blank=True, help_text="Empty: all day.", null=True, verbose_name="from"),
                ),
                (
                    "until_time",
                    models.TimeField(
                        blank=True,
                        help_text="Not later than “from”: on the day after.",
                        null=True,
                        verbose_name="until",
                    ),
                ),
            ],
            options={
                "verbose_name": "layer",
                "verbose_name_plural": "layers",
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="RotaFeed",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("fault_fact", models.JSONField(blank=True, null=True)),
                (
                    "rota",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="feed",
                        serialize=False,
                        to="rotas.rota",
                    ),
                ),
                ("url", models.CharField(max_length=500)),
                ("etag", models.CharField(blank=True, default="", max_length=200)),
                ("body", models.TextField(blank=True, default="")),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="rota_feed_due")
                ],
            },
        ),
        migrations.CreateModel(
            name="RotaFeedShift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rota",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="feed_shifts", to="rotas.rota"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.recipient",
                    ),
                ),
                ("begins_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("summary", models.CharField(max_length=300)),
            ],
            options={
                "ordering": ["begins_at", "pk"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["rota", "ends_at"], name="rotas_rotaf_rota_id_43f57d_idx")],
            },
        ),
        migrations.CreateModel(
            name="RotaOverride",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rota",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="overrides",
                        to="rotas.rota",
                        verbose_name="duty rota",
                    ),
                ),
                (
                    "layer",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Its position. Empty: whatever the layers say.",
                        null=True,
                        verbose_name="layer",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: nobody.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                ("begins_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
            ],
            options={
                "verbose_name": "override",
                "verbose_name_plural": "overrides",
                "ordering": ["begins_at", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("begins_at"))), name="override_ends_after_it_begins"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RotaSwap",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "rota",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="swaps",
                        to="rotas.rota",
                        verbose_name="duty rota",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="swaps_asked",
                        to="notifications.recipient",
                        verbose_name="asked by",
                    ),
                ),
                (
                    "asked_of",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="swaps_offered",
                        to="notifications.recipient",
                        verbose_name="asked",
                    ),
                ),
                ("begins_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("back_begins_at", models.DateTimeField(blank=True, null=True, verbose_name="in return from")),
                ("back_ends_at", models.DateTimeField(blank=True, null=True, verbose_name="in return until")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "asked"),
                            ("accepted", "accepted"),
                            ("declined", "declined"),
                            ("withdrawn", "withdrawn"),
                            ("over", "nobody answered in time"),
                        ],
                        default="asked",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="answered at")),
            ],
            options={
                "verbose_name": "swap of duty",
                "verbose_name_plural": "swaps of duty",
                "ordering": ["-asked_at"],
                "indexes": [models.Index(fields=["rota", "ends_at"], name="rotas_rotas_rota_id_45ce6a_idx")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("begins_at"))), name="swap_ends_after_it_begins"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("asked_of", models.F("asked_by")), _negated=True),
                        name="nobody_swaps_with_themselves",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RotaWatch",
            fields=[
                (
                    "rota",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="watch",
                        serialize=False,
                        to="rotas.rota",
                    ),
                ),
                ("looked_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="notifications.recipient",
                    ),
                ),
                (
                    "on_duty",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), db_default=[], default=list, editable=False, size=None
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        roles.give_added_rights("rotas"),
    ]
