from importlib import import_module
from typing import Any

from django.db import migrations

sentences = import_module("notifications.migrations.0013_sentences_to_facts")

AT_ONCE = 2_000
CHANGED = ("updated", "assigned", "info_supplied", "escalated")
"""Kinds of events that may have changed what a task asks."""

REVISIONS = f"""
UPDATE notifications_notification item
SET revision = rtrim(translate(encode(sha256(convert_to(
        title || chr(10) || body || chr(10) || short_body || chr(10) || details::text,
        'UTF8')), 'base64'), '+/', '-_'), '='),
    revised_at = (SELECT max(event.processed_at) FROM notifications_event event
        WHERE event.task_id = item.task_id AND event.status = 'processed' AND event.processed_at > item.created_at
        AND ({" OR ".join(f"event.type LIKE '%%task.{kind}'" for kind in CHANGED)}))
WHERE id IN (SELECT id FROM notifications_notification
    WHERE state = 'open' AND is_copy AND task_id IS NOT NULL AND revision = '' LIMIT %s FOR NO KEY UPDATE {{locked}})
"""
"""Open items get a revision of what they show; their next event gives them that of their content. Those that may have
changed since they were made say so: nobody answers them who has not looked at them."""

ENDING = "member lead manager manager_of_level delegate".split()
FIRST = f"""
INSERT INTO notifications_entitlementreview (person_id, due_at, attempts)
SELECT DISTINCT recipient_id, 'epoch'::timestamptz, 0 FROM notifications_notification
WHERE state = 'open' AND reason_fact->>'code' IN ({", ".join(f"'{code}'" for code in ENDING)})
ON CONFLICT DO NOTHING
"""
"""What ended before this version is looked at once."""

IS_TAKEN = "item.state = 'withdrawn' AND item.reason_fact->>'code' IN ('reassigned', 'reassigned_to')"
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


# (table, column, key): texts of 0.2.0 that have no fact yet. Later releases have written both.
TEXTS = [
    ("notifications_deliveryattempt", "detail", "id"),
    ("notifications_device", "last_fault", "id"),
    ("notifications_pausedservice", "reason", "id"),
    ("notifications_callback", "detail", "id"),
    ("notifications_callback", "alert", "id"),
    ("notifications_callbackattempt", "detail", "id"),
    ("notifications_engine", "callback_disabled_reason", "id"),
    ("notifications_poll", "error", "engine_id"),
    ("notifications_connectedaccount", "end_reason", "id"),
    ("notifications_refusedanswer", "why", "id"),
]


def give_revisions(apps: Any, schema_editor: Any) -> None:
    """Each statement commits: inboxes are read and answered meanwhile. Locked rows come last, one by one, so that
    nobody waits for a row while holding another."""
    with schema_editor.connection.cursor() as cursor:
        for most, locked in ((AT_ONCE, "SKIP LOCKED"), (1, "")):
            changed = None
            while changed != 0:
                cursor.execute(REVISIONS.format(locked=locked), [most])
                changed = cursor.rowcount


def add_facts(apps: Any, schema_editor: Any) -> None:
    for table, column, key in TEXTS:
        sentences.facts_beside(schema_editor.connection, table, column, key=key)


class Migration(migrations.Migration):
    """Open items get a revision, and every reason a fact, from which its text is made. In batches, without a
    transaction, while processes of 0.3.0 go on."""

    atomic = False
    dependencies = [("notifications", "0021_starter_and_roles")]

    operations = [
        migrations.RunPython(give_revisions, migrations.RunPython.noop),
        migrations.RunSQL([FIRST, FOLLOW_NO_MORE], migrations.RunSQL.noop),
        migrations.RunPython(add_facts, migrations.RunPython.noop),
    ]
