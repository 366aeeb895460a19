from django.db import migrations

EVENT_TIME = """
to_timestamp(('x' || replace(left(event_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
"""
"""When an event was received, by its id (RFC 9562, UUID version 7: milliseconds in the first 48 bits)."""

# (what it is called, the beginning, the end, which rows have just ended, as they are and as they were)
TIMED = [
    ("seconds_to_inbox", "received_at", "processed_at",
     "status = 'processed'", "status <> 'processed'"),
    ("seconds_to_device", EVENT_TIME, "ended_at",
     "state = 'delivered' AND channel IN ('webpush', 'fcm')", "state = 'pending'"),
    ("seconds_to_engine", "created_at", "ended_at",
     "state = 'delivered'", "state <> 'delivered'"),
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


class Migration(migrations.Migration):
    """Durations of rows that end are counted in one pass over the changed rows. A join of them compared each with each:
    PostgreSQL keeps the plan that it made for the first rows."""

    dependencies = [("notifications", "0082_deliveries_in_reserve")]

    operations = [
        migrations.RunSQL(
            [
                COUNT.format(name=name, began=began.strip(), ended=ended, is_over=is_over, was_not=was_not)
                for name, began, ended, is_over, was_not in TIMED
            ],
            migrations.RunSQL.noop,
        )
    ]
