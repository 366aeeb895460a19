from django.db import migrations, models
from django.db.models import Value

# While processes of the version before run, they read and write the string, "info_requested>open". The trigger keeps
# string and list alike, whichever of the two is written; a later release drops it with the string.
BRIDGE = """
CREATE FUNCTION wfpush_states_before() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.states_before IS DISTINCT FROM OLD.states_before THEN
        NEW.state_before := array_to_string(ARRAY(SELECT jsonb_array_elements_text(NEW.states_before)), '>');
    ELSE
        NEW.states_before := to_jsonb(string_to_array(NEW.state_before, '>'));
    END IF;
    RETURN NEW;
END $body$;
CREATE TRIGGER states_before BEFORE UPDATE OF state_before, states_before ON notifications_task FOR EACH ROW
WHEN (OLD.state_before IS DISTINCT FROM NEW.state_before OR OLD.states_before IS DISTINCT FROM NEW.states_before)
EXECUTE FUNCTION wfpush_states_before();
ALTER TABLE notifications_task ALTER COLUMN state_before SET DEFAULT ''
"""
NO_BRIDGE = """
ALTER TABLE notifications_task ALTER COLUMN state_before DROP DEFAULT;
DROP FUNCTION wfpush_states_before() CASCADE
"""

class Migration(migrations.Migration):
    dependencies = [("notifications", "0007_category_names")]

    operations = [
        migrations.AddField(
            "task",
            "states_before",
            models.JSONField(
                blank=True,
                db_default=Value([], models.JSONField()),
                default=list,
                help_text="What an answer or a question returns to.",
            ),
        ),
        migrations.RunSQL(BRIDGE, NO_BRIDGE),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("task", "state_before")]),
    ]
