import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

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


def triggers():
    for name, (whom, after) in WATCHED.items():
        function = f"wfpush_review_held_{name}"
        yield LOOK.replace("wfpush_review_held", function).replace("{whom}", whom)
        yield f"CREATE TRIGGER review_held {after} EXECUTE FUNCTION {function}()"


def undo():
    for name in WATCHED:
        yield f"DROP FUNCTION wfpush_review_held_{name}() CASCADE"


class Migration(migrations.Migration):
    """Messages that are held back follow what others change. Rows of triggers are due at once, whatever the clock."""

    dependencies = [("notifications", "0070_absence_calendars")]

    operations = [
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
                "default_permissions": (),
                "abstract": False,
                "indexes": [models.Index(condition=Q(due_at__isnull=False), fields=["due_at"], name="held_review_due")],
            },
        ),
        migrations.RunSQL(list(triggers()), list(undo())),
    ]
