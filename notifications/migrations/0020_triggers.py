from collections.abc import Iterator

from django.db import migrations

from notifications.routing import entitlement_triggers
from wfpush.postgres.resumable import RunEachSQL
from wfpush.postgres.revision import create_triggers, drop_triggers

CONFIGURATION = {
    "notifications_brand": "",
    "notifications_category": "",
    "notifications_engine": " OF name, slug",
    "notifications_eventtype": "",
    "notifications_eventvariable": "",
    "notifications_route": "",
    "notifications_route_event_types": "",
    "notifications_routecondition": "",
    "notifications_routetarget": "",
    "notifications_template": "",
    "notifications_templateaction": "",
    "notifications_templatetext": "",
    "notifications_templateversion": "",
    "notifications_answermapping": "",
    "notifications_foureyescondition": "",
    "notifications_foureyesrule": "",
    "notifications_personalsignin": " OF mode",
}
"""Tables of the configuration, and the columns that count, where not all do."""

# What is searched with items and lies in other tables: the table, its columns, the key that is noted, and which rows
# are searched. Cases and people are made first and named then, in one transaction: nobody has items of these yet.
SEARCHED = [
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
    "roles": (
        OF_CASE,
        """AFTER UPDATE OF roles, type ON notifications_case FOR EACH ROW
           WHEN (OLD.roles IS DISTINCT FROM NEW.roles OR OLD.type IS DISTINCT FROM NEW.type)""",
    ),
    "case_of_task": (
        "SELECT recipient_id FROM notifications_notification WHERE task_id = NEW.id",
        "AFTER UPDATE OF case_id ON notifications_task FOR EACH ROW WHEN (OLD.case_id IS DISTINCT FROM NEW.case_id)",
    ),
}
"""Whose reasons to have tasks may have ended, and after what."""

EVENT_TIME = """
to_timestamp(('x' || replace(left(event_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
"""
"""When an event was received, by its id (RFC 9562, UUID version 7: milliseconds in the first 48 bits)."""

# (what it is called, the beginning, the end, which rows have just ended, as they are and as they were)
TIMED = [
    ("seconds_to_inbox", "received_at", "processed_at", "status = 'processed'", "status <> 'processed'"),
    (
        "seconds_to_device",
        EVENT_TIME,
        "ended_at",
        "state = 'delivered' AND channel IN ('webpush', 'fcm')",
        "state = 'pending'",
    ),
    ("seconds_to_engine", "created_at", "ended_at", "state = 'delivered'", "state <> 'delivered'"),
]
COUNT = """
CREATE OR REPLACE FUNCTION wfpush_tally_{name}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO wfpush_tally (name, kind, state, count, amount)
    SELECT '{name}', '', wfpush_bucket(seconds), count(*), sum(seconds) FROM (
        SELECT greatest(0, extract(epoch FROM max(ended) - min(began)))::double precision AS seconds FROM (
            SELECT id, {began} AS began, {ended} AS ended FROM fresh WHERE {is_over}
            UNION ALL
            SELECT id, NULL, NULL FROM former WHERE {was_not} AND EXISTS (SELECT FROM fresh WHERE {is_over})
        ) AS either GROUP BY id HAVING count(*) = 2
    ) AS durations WHERE seconds IS NOT NULL GROUP BY 3;
    RETURN NULL;
END $body$
"""


def search_trigger(table: str, columns: list[str], key: str, searched: str) -> str:
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


def search_triggers() -> Iterator[str]:
    yield from (search_trigger(*source) for source in SEARCHED)
    yield DELETED


def drop_search_triggers() -> Iterator[str]:
    for name in [*(key for _table, _columns, key, _searched in SEARCHED), "deleted"]:
        yield f"DROP FUNCTION IF EXISTS wfpush_searched_{name}() CASCADE"


class Migration(migrations.Migration):
    """Processes of 0.3.0 write to these tables meanwhile. Durations of rows that end are counted in one pass over the
    changed rows. A join compared each with each: PostgreSQL keeps the plan that it made for the first rows."""

    atomic = False
    dependencies = [("notifications", "0019_indexes")]

    operations = [
        RunEachSQL(create_triggers(CONFIGURATION), drop_triggers(CONFIGURATION)),
        RunEachSQL(search_triggers(), drop_search_triggers()),
        RunEachSQL(entitlement_triggers.create(WATCHED), entitlement_triggers.drop(WATCHED)),
        migrations.RunSQL(
            [
                COUNT.format(name=name, began=began.strip(), ended=ended, is_over=is_over, was_not=was_not)
                for name, began, ended, is_over, was_not in TIMED
            ],
            migrations.RunSQL.noop,
        ),
    ]
