import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import Q

REVIEW = """
CREATE FUNCTION wfpush_review_entitlements() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO notifications_entitlementreview (person_id, due_at, attempts)
    SELECT DISTINCT changed.person, 'epoch'::timestamptz, 0 FROM ({people}) AS changed(person)
    WHERE changed.person IS NOT NULL ORDER BY 1
    ON CONFLICT (person_id) DO UPDATE SET due_at = 'epoch', attempts = 0, lease_until = NULL, lease_token = NULL;
    RETURN NULL;
END
$body$
"""

LISTED = """
    SELECT recipient_id FROM notifications_caselist_people WHERE caselist_id = OLD.id
    UNION SELECT member.recipient_id FROM notifications_team_members member
          JOIN notifications_caselist_teams listed ON listed.team_id = member.team_id WHERE listed.caselist_id = OLD.id
"""
OF_CASE = "SELECT recipient_id FROM notifications_notification WHERE case_id = NEW.id AND task_id IS NOT NULL"

WATCHED = {
    "members": (
        "SELECT OLD.recipient_id",
        "AFTER UPDATE OR DELETE ON notifications_team_members FOR EACH ROW",
    ),
    "lead": ("SELECT OLD.lead_id", "AFTER UPDATE OF lead_id OR DELETE ON notifications_team FOR EACH ROW"),
    "manager": (
        "SELECT OLD.manager_id",
        """AFTER UPDATE OF manager_id ON notifications_recipient FOR EACH ROW
           WHEN (OLD.manager_id IS DISTINCT FROM NEW.manager_id)""",
    ),
    "active": (
        "SELECT NEW.id",
        """AFTER UPDATE OF active ON notifications_recipient FOR EACH ROW
           WHEN (OLD.active IS DISTINCT FROM NEW.active)""",
    ),
    "absence": (
        "VALUES (OLD.recipient_id), (NEW.recipient_id)",
        """AFTER INSERT OR UPDATE OF recipient_id, begins_at, ends_at, delegate_id OR DELETE
           ON notifications_absence FOR EACH ROW""",
    ),
    "absence_part": (
        "VALUES (OLD.absence_id), (NEW.absence_id)",
        "AFTER INSERT OR UPDATE OR DELETE ON notifications_absencepart FOR EACH ROW",
    ),
    "calendar_absence": (
        "VALUES (OLD.feed_id), (NEW.feed_id)",
        """AFTER INSERT OR UPDATE OF feed_id, begins_at, ends_at OR DELETE
           ON notifications_calendarabsence FOR EACH ROW""",
    ),
    "absence_feed": (
        "SELECT OLD.recipient_id",
        "AFTER UPDATE OF delegate_id OR DELETE ON notifications_absencefeed FOR EACH ROW",
    ),
    "roles": (
        OF_CASE,
        """AFTER UPDATE OF roles, type ON notifications_case FOR EACH ROW
           WHEN (OLD.roles IS DISTINCT FROM NEW.roles OR OLD.type IS DISTINCT FROM NEW.type)""",
    ),
    "case_of_task": (
        "SELECT recipient_id FROM notifications_notification WHERE task_id = NEW.id",
        "AFTER UPDATE OF case_id ON notifications_task FOR EACH ROW WHEN (OLD.case_id IS DISTINCT FROM NEW.case_id)",
    ),
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

def triggers():
    for name, (people, after) in WATCHED.items():
        function = f"wfpush_review_entitlements_{name}"
        yield REVIEW.replace("wfpush_review_entitlements", function).replace("{people}", people)
        yield f"CREATE TRIGGER review_entitlements_{name} {after} EXECUTE FUNCTION {function}()"


def undo():
    for name in WATCHED:
        yield f"DROP FUNCTION wfpush_review_entitlements_{name}() CASCADE"


class Migration(migrations.Migration):
    """Reasons to have a task are looked at after what may end them. Rows of triggers are due at once, whatever the
    clock."""

    dependencies = [("notifications", "0074_revisions")]

    operations = [
        migrations.CreateModel(
            name="EntitlementReview",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("person_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ],
            options={
                "default_permissions": (),
                "abstract": False,
                "indexes": [
                    models.Index(condition=Q(due_at__isnull=False), fields=["due_at"], name="entitlement_review_due")
                ],
            },
        ),
        migrations.AddField(
            model_name="rotawatch",
            name="on_duty",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), db_default=[], default=list, editable=False, size=None
            ),
        ),
        migrations.RunSQL(list(triggers()), list(undo())),
    ]
