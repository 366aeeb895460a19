from collections.abc import Iterator

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from notifications import roles
from wfpush.postgres.revision import create_triggers, drop_triggers

CONFIGURATION = {"notifications_categorydefault": ""}

LOOK = """
CREATE FUNCTION wfpush_review_held() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO notifications_heldreview (recipient_id, due_at, attempts)
    SELECT DISTINCT waits.recipient_id, 'epoch'::timestamptz, 0 FROM notifications_delivery waits
    WHERE waits.held IS NOT NULL AND waits.state = 'pending' AND ({whom}) ORDER BY 1
    ON CONFLICT (recipient_id) DO UPDATE SET due_at = 'epoch', attempts = 0, lease_until = NULL, lease_token = NULL;
    RETURN NULL;
END
$body$
"""

MEMBERS = """
    EXISTS (
        SELECT FROM notifications_team_members member
        WHERE member.recipient_id = waits.recipient_id AND member.team_id IN (OLD.team_id, NEW.team_id)
    ) OR EXISTS (
        SELECT FROM notifications_recipient person
        WHERE person.id = waits.recipient_id AND person.brand_id IN (OLD.brand_id, NEW.brand_id)
    )
"""
JOINED = """
    waits.recipient_id IN (OLD.recipient_id, NEW.recipient_id) AND EXISTS (
        SELECT FROM notifications_categorydefault said WHERE said.team_id IN (OLD.team_id, NEW.team_id)
    )
"""

WATCHED = {
    "recipient": (
        "waits.recipient_id = NEW.id",
        """AFTER UPDATE OF timezone, brand_id ON notifications_recipient FOR EACH ROW
           WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone OR OLD.brand_id IS DISTINCT FROM NEW.brand_id)""",
    ),
    "members": (JOINED, "AFTER INSERT OR UPDATE OR DELETE ON notifications_team_members FOR EACH ROW"),
    "default": (MEMBERS, "AFTER INSERT OR UPDATE OR DELETE ON notifications_categorydefault FOR EACH ROW"),
    "category": (
        """EXISTS (SELECT FROM notifications_notification item
                   WHERE item.id = waits.notification_id AND item.category_id = NEW.id)""",
        """AFTER UPDATE OF frequency ON notifications_category FOR EACH ROW
           WHEN (OLD.frequency IS DISTINCT FROM NEW.frequency)""",
    ),
}
"""Whose messages are looked at again, and after what."""


def review_triggers() -> Iterator[str]:
    for name, (whom, after) in WATCHED.items():
        function = f"wfpush_review_held_{name}"
        yield LOOK.replace("wfpush_review_held", function).replace("{whom}", whom)
        yield f"CREATE TRIGGER review_held {after} EXECUTE FUNCTION {function}()"


def drop_review_triggers() -> Iterator[str]:
    for name in WATCHED:
        yield f"DROP FUNCTION wfpush_review_held_{name}() CASCADE"


class Migration(migrations.Migration):
    """How people want to be reached. Defaults are configuration (wfpush/postgres/revision.py). Messages that are held
    back are reviewed when others change their conditions: rows of triggers are due at once, whatever the clock."""

    dependencies = [("notifications", "0027_case_lists"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
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
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="quiet_hours",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                (
                    "days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveSmallIntegerField(), size=None, verbose_name="days"
                    ),
                ),
                ("begins", models.TimeField(verbose_name="from")),
                ("ends", models.TimeField(verbose_name="until")),
            ],
            options={
                "verbose_name": "quiet hours",
                "verbose_name_plural": "quiet hours",
                "ordering": ["recipient", "begins", "pk"],
            },
        ),
        migrations.CreateModel(
            name="CategoryChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "category",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.category",
                        verbose_name="category",
                    ),
                ),
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
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="category_choices",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "choice of a person",
                "verbose_name_plural": "choices of people",
                "ordering": ["recipient", "category"],
                "constraints": [
                    models.UniqueConstraint(fields=("recipient", "category"), name="one_choice_a_category")
                ],
            },
        ),
        migrations.CreateModel(
            name="CategoryDefault",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "category",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.category",
                        verbose_name="category",
                    ),
                ),
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
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="category_defaults",
                        to="notifications.team",
                        verbose_name="team",
                    ),
                ),
                (
                    "brand",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="category_defaults",
                        to="notifications.brand",
                        verbose_name="brand",
                    ),
                ),
            ],
            options={
                "verbose_name": "default of a category",
                "verbose_name_plural": "defaults of categories",
                "ordering": ["team", "brand", "category"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("team", None), ("brand", None), _connector="XOR"),
                        name="default_of_a_team_or_a_brand",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("brand", None)),
                        fields=("team", "category"),
                        name="one_default_a_team_and_category",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("team", None)),
                        fields=("brand", "category"),
                        name="one_default_a_brand_and_category",
                    ),
                ],
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
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.category",
                        verbose_name="category",
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
                    "brand",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.brand",
                        verbose_name="brand",
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
                "verbose_name": "historical default of a category",
                "verbose_name_plural": "historical defaults of categories",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HeldReview",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "recipient",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="notifications.recipient",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="held_review_due"
                    )
                ],
            },
        ),
        migrations.RunSQL(create_triggers(CONFIGURATION), drop_triggers(CONFIGURATION)),
        migrations.RunSQL(list(review_triggers()), list(drop_review_triggers())),
        roles.give_rights(
            categorydefault="category",
            preferences="absence",
            quiethours="absence",
            categorychoice="absence",
        ),
    ]
