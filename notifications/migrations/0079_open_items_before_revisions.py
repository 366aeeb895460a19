from django.db import migrations

AT_ONCE = 2_000
CHANGED = ("updated", "assigned", "info_supplied", "escalated")
"""Kinds of events that may have changed what a task asks."""

REVISIONS = f"""
UPDATE notifications_notification item
SET revision = rtrim(translate(encode(sha256(convert_to(
        title || chr(10) || body || chr(10) || short_body || chr(10) || details::text, 'UTF8')), 'base64'), '+/', '-_'), '='),
    revised_at = (SELECT max(event.processed_at) FROM notifications_event event
        WHERE event.task_id = item.task_id AND event.status = 'processed' AND event.processed_at > item.created_at
        AND ({" OR ".join(f"event.type LIKE '%%task.{kind}'" for kind in CHANGED)}))
WHERE id IN (SELECT id FROM notifications_notification
    WHERE state = 'open' AND is_copy AND task_id IS NOT NULL AND revision = '' LIMIT %s FOR NO KEY UPDATE {{locked}})
"""
"""Items that wait have a revision from now on, of what they show; their next event gives them that of their content. Those
that may have changed since they were made say so: nobody answers them who has not looked at them."""

ENDING = "member lead manager manager_of_level on_duty has_role on_list delegate delegate_for offered".split()
FIRST = f"""
INSERT INTO notifications_entitlementreview (person_id, due_at, attempts)
SELECT recipient_id, 'epoch'::timestamptz, 0 FROM notifications_absence
UNION SELECT feed_id, 'epoch', 0 FROM notifications_calendarabsence
UNION SELECT recipient_id, 'epoch', 0 FROM notifications_notification
      WHERE state = 'open' AND reason_fact->>'code' IN ({", ".join(f"'{code}'" for code in ENDING)})
ON CONFLICT DO NOTHING
"""
"""What ended before this version is looked at once, and absences are looked at when they end."""

TAKEN = (
    "reassigned reassigned_to offer_is_over no_longer_member no_longer_lead no_longer_manager no_longer_delegate "
    "no_longer_on_duty no_longer_in_role no_longer_on_list"
).split()
IS_TAKEN = f"""
item.state = 'withdrawn' AND item.reason_fact->>'code' IN ({", ".join(f"'{code}'" for code in TAKEN)})
"""
OF_FOLLOWER = """
SELECT FROM notifications_notification item
WHERE item.recipient_id = follower.recipient_id AND item.case_id = follower.case_id
"""
FOLLOW_NO_MORE = f"""
DELETE FROM notifications_case_followers follower
WHERE EXISTS ({OF_FOLLOWER} AND {IS_TAKEN}) AND NOT EXISTS (
    {OF_FOLLOWER} AND (item.reason_fact IS NULL OR NOT ({IS_TAKEN} OR item.reason_fact->>'code' = 'follows'))
)
"""
"""Whoever lost a task before this version, and has no other part in its case, follows it no longer."""


def give_revisions(apps, schema_editor):
    """Each statement commits: inboxes are read and answered meanwhile. Rows that somebody holds come last, one by one, so
    that nobody waits for a row while holding another."""
    with schema_editor.connection.cursor() as cursor:
        for most, locked in ((AT_ONCE, "SKIP LOCKED"), (1, "")):
            changed = None
            while changed != 0:
                cursor.execute(REVISIONS.format(locked=locked), [most])
                changed = cursor.rowcount


class Migration(migrations.Migration):
    """What there was before revisions and reviews gets them, while the processes of the version before go on."""

    atomic = False
    dependencies = [("notifications", "0078_reads_before_answers")]

    operations = [
        migrations.RunPython(give_revisions, migrations.RunPython.noop),
        migrations.RunSQL([FIRST, FOLLOW_NO_MORE], migrations.RunSQL.noop),
    ]
