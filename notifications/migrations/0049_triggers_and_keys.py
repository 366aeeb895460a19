import time

import django.db.models.deletion
from django.db import migrations, models, transaction
from django.db.utils import OperationalError

from wfpush.postgres import lock_waits

TRIES = 60
PAUSE = 0.5
"""Seconds between tries, in which those who waited behind one go on."""

# What is searched with items and lies in other tables: the table, its columns, the key that is noted, and which rows
# are searched. Cases and people are made first and named then, in one transaction: nobody has items of these yet.
ELSEWHERE = [
    (
        "notifications_case",
        ["title"],
        "case",
        "EXISTS (SELECT 1 FROM notifications_notification WHERE case_id = NEW.id)",
    ),
    (
        "notifications_task",
        ["initiator_id"],
        "task",
        "EXISTS (SELECT 1 FROM notifications_notification WHERE task_id = NEW.id)",
    ),
    (
        "notifications_recipient",
        ["name", "ref"],
        "person",
        "EXISTS (SELECT 1 FROM notifications_task WHERE initiator_id = NEW.id)"
        " OR EXISTS (SELECT 1 FROM notifications_notification WHERE on_behalf_of_id = NEW.id)",
    ),
]
# Whoever has had so many changes may be gathered just now, by a transaction whose parts cannot be seen here yet.
DELETED = """
CREATE OR REPLACE FUNCTION wfpush_searched_deleted() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO notifications_searchedanew (inbox_id)
    SELECT DISTINCT recipient_id FROM former
    WHERE EXISTS (SELECT 1 FROM notifications_searchedpart part WHERE part.recipient_id = former.recipient_id)
    OR EXISTS (SELECT 1 FROM notifications_recipient person WHERE person.id = recipient_id AND inbox_seq >= 1000);
    RETURN NULL;
END $body$;
CREATE OR REPLACE TRIGGER searched_deleted AFTER DELETE ON notifications_notification REFERENCING OLD TABLE AS former
FOR EACH STATEMENT EXECUTE FUNCTION wfpush_searched_deleted()
"""
KEYS = [
    ("engine_id", "notifications_engine", "notifications_attach_engine_id_68ceed6e_fk_notificat"),
    ("message_id", "notifications_taskmessage", "notifications_attach_message_id_beaa3e07_fk_notificat"),
    ("response_id", "notifications_response", "notifications_attach_response_id_7f12040a_fk_notificat"),
    ("uploader_id", "notifications_recipient", "notifications_attach_uploader_id_cc9a2877_fk_notificat"),
]


def noting(table, columns, key, searched):
    name = f"wfpush_searched_{key}"
    differs = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF {searched} THEN INSERT INTO notifications_searchedanew ({key}_id) VALUES (NEW.id); END IF;
    RETURN NULL;
END $body$;
CREATE OR REPLACE TRIGGER searched_anew AFTER UPDATE OF {", ".join(columns)} ON {table} FOR EACH ROW
WHEN ({differs}) EXECUTE FUNCTION {name}()"""


def leading(column, table, name):
    return f"""
ALTER TABLE notifications_attachment DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name}
FOREIGN KEY ({column}) REFERENCES {table} (id) DEFERRABLE INITIALLY DEFERRED"""


def make(apps, schema_editor):
    for statement in [*(noting(*each) for each in ELSEWHERE), DELETED, *(leading(*each) for each in KEYS)]:
        alone(schema_editor.connection, statement)


def undo(apps, schema_editor):
    for name in [*(key for _table, _columns, key, _searched in ELSEWHERE), "deleted"]:
        alone(schema_editor.connection, f"DROP FUNCTION IF EXISTS wfpush_searched_{name}() CASCADE")
    for _column, _table, name in KEYS:
        alone(schema_editor.connection, f"ALTER TABLE notifications_attachment DROP CONSTRAINT IF EXISTS {name}")


def alone(connection, statement):
    """Run it in a transaction of its own, which waits only briefly for the lock: everybody else waits behind it."""
    for left in reversed(range(TRIES)):
        try:
            with lock_waits.limited(lock_waits.FIRST_SECONDS), transaction.atomic(connection.alias):
                lock_waits.apply()
                with connection.cursor() as cursor:
                    cursor.execute(statement)
            return
        except OperationalError as fault:
            if not left or not lock_waits.in_vain(fault):
                raise
        time.sleep(PAUSE)


def key_to(model, name, verbose_name, **options):
    return migrations.AlterField(
        "attachment",
        name,
        models.ForeignKey(
            blank=True,
            null=True,
            on_delete=django.db.models.deletion.CASCADE,
            related_name="attachments",
            to=f"notifications.{model}",
            verbose_name=verbose_name,
            **options,
        ),
    )


class Migration(migrations.Migration):
    """Processes of the version before write to these tables meanwhile. Each trigger and key is made in a transaction of
    its own, so that no two tables are locked at once, in whatever order others lock them. After a failure all of it can
    be run again."""

    atomic = False
    dependencies = [("notifications", "0048_attachments")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make, undo)],
            state_operations=[
                key_to("engine", "engine", "engine"),
                key_to("taskmessage", "message", "message"),
                key_to("response", "response", "answer"),
                key_to("recipient", "uploader", "sent by", db_index=False),
            ],
        ),
    ]
