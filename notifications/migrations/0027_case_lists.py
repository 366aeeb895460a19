import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from notifications import roles
from notifications.routing import entitlement_triggers
from wfpush.postgres.revision import create_triggers, drop_triggers

CONFIGURATION = {"notifications_caselist": "", "notifications_caselist_people": "", "notifications_caselist_teams": ""}
LISTED = """
    SELECT recipient_id FROM notifications_caselist_people WHERE caselist_id = OLD.id
    UNION SELECT member.recipient_id FROM notifications_team_members member
          JOIN notifications_caselist_teams listed ON listed.team_id = member.team_id WHERE listed.caselist_id = OLD.id
"""
WATCHED = {
    "listed_person": (
        "SELECT OLD.recipient_id",
        "AFTER UPDATE OR DELETE ON notifications_caselist_people FOR EACH ROW",
    ),
    "listed_team": (
        "SELECT recipient_id FROM notifications_team_members WHERE team_id = OLD.team_id",
        "AFTER UPDATE OR DELETE ON notifications_caselist_teams FOR EACH ROW",
    ),
    "list": (LISTED, "AFTER UPDATE ON notifications_caselist FOR EACH ROW"),
}
"""Whose reasons to have tasks may have ended, and after what."""


class Migration(migrations.Migration):
    """Lists of people for types of cases."""

    dependencies = [("notifications", "0025_keys_of_attachments"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="CaseList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "case_type",
                    models.CharField(
                        help_text="As events name it in “case.type”, such as repair.",
                        max_length=100,
                        verbose_name="kind of case",
                    ),
                ),
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
                    "people",
                    models.ManyToManyField(
                        blank=True, related_name="case_lists", to="notifications.recipient", verbose_name="people"
                    ),
                ),
                (
                    "teams",
                    models.ManyToManyField(
                        blank=True, related_name="case_lists", to="notifications.team", verbose_name="teams"
                    ),
                ),
            ],
            options={
                "verbose_name": "list for cases",
                "verbose_name_plural": "lists for cases",
                "ordering": ["case_type", "engine"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("engine", "case_type"), name="one_list_a_case_type", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalCaseList",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "case_type",
                    models.CharField(
                        help_text="As events name it in “case.type”, such as repair.",
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
                "verbose_name": "historical list for cases",
                "verbose_name_plural": "historical lists for cases",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalCaseList_people",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "caselist",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_tablespace="",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.caselist",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_tablespace="",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.recipient",
                    ),
                ),
                (
                    "history",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="notifications.historicalcaselist",
                    ),
                ),
                ("m2m_history_id", models.AutoField(primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name": "HistoricalCaseList_people",
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalCaseList_teams",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "caselist",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_tablespace="",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.caselist",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_tablespace="",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="notifications.team",
                    ),
                ),
                (
                    "history",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="notifications.historicalcaselist",
                    ),
                ),
                ("m2m_history_id", models.AutoField(primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name": "HistoricalCaseList_teams",
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RunSQL(create_triggers(CONFIGURATION), drop_triggers(CONFIGURATION)),
        migrations.RunSQL(list(entitlement_triggers.create(WATCHED)), list(entitlement_triggers.drop(WATCHED))),
        roles.give_rights(caselist="route"),
    ]
