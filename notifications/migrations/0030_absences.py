import django.core.serializers.json
import django.db.models.deletion
from django.db import migrations, models

from notifications import roles
from notifications.routing import entitlement_triggers

WATCHED = {
    "absence": (
        "VALUES (OLD.recipient_id), (NEW.recipient_id)",
        """AFTER INSERT OR UPDATE OF recipient_id, begins_at, ends_at, delegate_id OR DELETE
           ON notifications_absence FOR EACH ROW""",
    ),
    "absence_part": (
        "VALUES (OLD.absence_id), (NEW.absence_id)",
        "AFTER INSERT OR UPDATE OR DELETE ON notifications_absencepart FOR EACH ROW",
    ),
}
"""Whose reasons to have tasks may have ended, and after what."""

FIRST = """
INSERT INTO notifications_entitlementreview (person_id, due_at, attempts)
SELECT DISTINCT recipient_id, 'epoch'::timestamptz, 0 FROM notifications_absence
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    """Parts of absences, what is to happen to open items meanwhile, and who entered an absence. Absences of 0.3.0 are
    reviewed when they end."""

    dependencies = [("notifications", "0029_following")]

    operations = [
        migrations.CreateModel(
            name="AbsencePart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "absence",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="parts", to="notifications.absence"
                    ),
                ),
                (
                    "category",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="notifications.category",
                        verbose_name="category",
                    ),
                ),
                (
                    "engine",
                    models.ForeignKey(
                        blank=True,
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
                        help_text="As events name it in “case.type”, such as repair.",
                        max_length=100,
                        verbose_name="kind of case",
                    ),
                ),
                (
                    "delegate",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: messages wait in the person's own inbox.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="notifications.recipient",
                        verbose_name="delegate",
                    ),
                ),
            ],
            options={
                "verbose_name": "part of an absence",
                "verbose_name_plural": "parts of absences",
                "ordering": ["pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("case_type", ""), ("category__isnull", False), ("engine", None)),
                            models.Q(("case_type", ""), ("category", None), ("engine__isnull", False)),
                            models.Q(("category", None), ("engine", None), models.Q(("case_type", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="absence_part_names_one_thing",
                    ),
                    models.UniqueConstraint(
                        fields=("absence", "category", "engine", "case_type"),
                        name="one_part_each",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="absence",
            name="entered_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="notifications.recipient",
            ),
        ),
        migrations.AddField(
            model_name="absence",
            name="give_back",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="What was given to the delegate in the engine, and is still open.",
                verbose_name="give them back afterwards",
            ),
        ),
        migrations.AddField(
            model_name="absence",
            name="handed_over_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="absence",
            name="open_items",
            field=models.CharField(
                choices=[
                    ("stay", "stay with the person"),
                    ("offer", "are offered to the delegate as well"),
                    ("reassign", "are given to the delegate in their engine, where it can do that; else offered"),
                ],
                db_default="stay",
                default="offer",
                max_length=10,
                verbose_name="items that wait already",
            ),
        ),
        migrations.AddField(
            model_name="historicalabsence",
            name="give_back",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="What was given to the delegate in the engine, and is still open.",
                verbose_name="give them back afterwards",
            ),
        ),
        migrations.AddField(
            model_name="historicalabsence",
            name="open_items",
            field=models.CharField(
                choices=[
                    ("stay", "stay with the person"),
                    ("offer", "are offered to the delegate as well"),
                    ("reassign", "are given to the delegate in their engine, where it can do that; else offered"),
                ],
                db_default="stay",
                default="offer",
                max_length=10,
                verbose_name="items that wait already",
            ),
        ),
        migrations.AddField(
            model_name="historicalabsence",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.RunSQL(list(entitlement_triggers.create(WATCHED)), list(entitlement_triggers.drop(WATCHED))),
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
        roles.give_rights(absencepart="absence"),
    ]
