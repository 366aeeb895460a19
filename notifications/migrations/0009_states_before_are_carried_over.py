from django.db import migrations

# Tasks that have ended return to nothing any more.
CARRY_OVER = """
WITH batch AS (
    SELECT id FROM notifications_task
    WHERE state IN ('answered', 'info_requested') AND state_before <> '' AND id > %s ORDER BY id LIMIT 2000
), carried AS (
    UPDATE notifications_task task SET states_before = to_jsonb(string_to_array(state_before, '>'))
    FROM batch WHERE task.id = batch.id
)
SELECT id FROM batch ORDER BY id DESC LIMIT 1
"""


def carry_over(apps, schema_editor):
    """In small transactions: people answer meanwhile."""
    last = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        while last is not None:
            cursor.execute(CARRY_OVER, [last])
            (last,) = cursor.fetchone() or (None,)


class Migration(migrations.Migration):
    """May be interrupted, and is then done from the beginning."""

    atomic = False

    dependencies = [("notifications", "0008_states_before")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
