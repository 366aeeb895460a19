import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import wfpush.crypto
from notifications import roles
from notifications.routing import entitlement_triggers

WATCHED = {
    "calendar_absence": (
        "VALUES (OLD.feed_id), (NEW.feed_id)",
        """AFTER INSERT OR UPDATE OF feed_id, begins_at, ends_at OR DELETE
           ON absences_calendarabsence FOR EACH ROW""",
    ),
    "absence_feed": (
        "SELECT OLD.recipient_id",
        "AFTER UPDATE OF delegate_id OR DELETE ON absences_absencefeed FOR EACH ROW",
    ),
}
"""Whose reasons to have tasks may have ended, and after what."""


class Migration(migrations.Migration):
    """Calendars from which absences are read, and tasks that were handed over."""

    initial = True

    dependencies = [("notifications", "0030_absences"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="AbsenceFeed",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("fault_fact", models.JSONField(blank=True, null=True)),
                (
                    "recipient",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="absence_feed",
                        serialize=False,
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                ("url", wfpush.crypto.EncryptedTextField(editable=False)),
                ("host", models.CharField(editable=False, max_length=255, verbose_name="calendar")),
                (
                    "takes",
                    models.CharField(
                        choices=[
                            ("marked", "those that are marked as out of office"),
                            ("whole_days", "those, and whole days on which it shows the person as busy"),
                            ("all", "all: it is a calendar of absences alone"),
                        ],
                        default="marked",
                        max_length=10,
                        verbose_name="entries that count",
                    ),
                ),
                (
                    "delegate",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: messages wait in the person's own inbox.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="stands_in_by_calendar",
                        to="notifications.recipient",
                        verbose_name="delegate",
                    ),
                ),
                (
                    "open_items",
                    models.CharField(
                        choices=[
                            ("stay", "stay with the person"),
                            ("offer", "are offered to the delegate as well"),
                            (
                                "reassign",
                                "are given to the delegate in their engine, where it can do that; else offered",
                            ),
                        ],
                        default="offer",
                        max_length=10,
                        verbose_name="items that wait already",
                    ),
                ),
                (
                    "give_back",
                    models.BooleanField(
                        default=False,
                        help_text="What was given to the delegate in the engine, and is still open.",
                        verbose_name="give them back afterwards",
                    ),
                ),
                ("back_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("told_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "calendar of absences",
                "verbose_name_plural": "calendars of absences",
                "ordering": ["recipient__name"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="absence_feed_due"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("delegate", models.F("recipient")), _negated=True),
                        name="nobody_stands_in_by_their_own_calendar",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CalendarAbsence",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "feed",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="absences",
                        to="absences.absencefeed",
                    ),
                ),
                ("begins_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("handed_over_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "absence by a calendar",
                "verbose_name_plural": "absences by calendars",
                "ordering": ["begins_at"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["feed", "ends_at"], name="absences_ca_feed_id_d0d16a_idx"),
                    models.Index(fields=["ends_at"], name="absences_ca_ends_at_8dcb0a_idx"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("begins_at"))),
                        name="calendar_absence_ends_after_it_begins",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalAbsenceFeed",
            fields=[
                (
                    "takes",
                    models.CharField(
                        choices=[
                            ("marked", "those that are marked as out of office"),
                            ("whole_days", "those, and whole days on which it shows the person as busy"),
                            ("all", "all: it is a calendar of absences alone"),
                        ],
                        default="marked",
                        max_length=10,
                        verbose_name="entries that count",
                    ),
                ),
                (
                    "open_items",
                    models.CharField(
                        choices=[
                            ("stay", "stay with the person"),
                            ("offer", "are offered to the delegate as well"),
                            (
                                "reassign",
                                "are given to the delegate in their engine, where it can do that; else offered",
                            ),
                        ],
                        default="offer",
                        max_length=10,
                        verbose_name="items that wait already",
                    ),
                ),
                (
                    "give_back",
                    models.BooleanField(
                        default=False,
                        help_text="What was given to the delegate in the engine, and is still open.",
                        verbose_name="give them back afterwards",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                (
                    "delegate",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Empty: messages wait in the person's own inbox.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.recipient",
                        verbose_name="delegate",
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
                "verbose_name": "historical calendar of absences",
                "verbose_name_plural": "historical calendars of absences",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HandedOver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="handed_over",
                        to="notifications.recipient",
                    ),
                ),
                (
                    "to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="notifications.recipient"
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="notifications.task"
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.notification",
                    ),
                ),
                (
                    "callback",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="notifications.callback",
                    ),
                ),
                ("give_back", models.BooleanField(default=False)),
                ("at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("person", "task"), name="one_hand_over_a_task")],
            },
        ),
        migrations.RunSQL(list(entitlement_triggers.create(WATCHED)), list(entitlement_triggers.drop(WATCHED))),
        roles.give_added_rights("absences"),
    ]
