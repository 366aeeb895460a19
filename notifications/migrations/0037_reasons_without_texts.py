from django.db import migrations

from wfpush.postgres.required_release import RequireRelease

# (model, column, its length)
TEXTS = [
    ("notification", "reason", 500),
    ("delivery", "reason", 500),
    ("deliveryattempt", "detail", 500),
    ("actiontoken", "void_reason", 200),
    ("callback", "detail", 1000),
    ("callback", "alert", 500),
    ("callbackattempt", "detail", 500),
    ("device", "last_fault", 300),
    ("pausedservice", "reason", 500),
    ("engine", "callback_disabled_reason", 500),
    ("historicalengine", "callback_disabled_reason", 500),
    ("poll", "error", 500),
    ("connectedaccount", "end_reason", 500),
    ("refusedanswer", "why", 300),
]
TRIGGERS = [("notification", "reason"), ("delivery", "reason"), ("actiontoken", "void_reason")]
"""Columns with a trigger for processes of 0.2.0, which write the text alone."""


def drop_trigger(app, model, column):
    table = f"{app}_{model}"
    name = f"wfpush_forget_{table}_{column}_fact"
    return migrations.RunSQL(
        [f"DROP TRIGGER IF EXISTS {name} ON {table}", f"DROP FUNCTION IF EXISTS {name}()"], migrations.RunSQL.noop
    )


def empty_column(app, model, column, length):
    """Web processes of 0.3.0 read and write the column while they run. Their texts name people, and nobody erases them
    from a column without a field: so it is made anew, which changes the catalogue alone. A later release drops it."""
    sql = f"""
        ALTER TABLE {app}_{model} DROP COLUMN IF EXISTS {column},
        ADD COLUMN {column} varchar({length}) NOT NULL DEFAULT ''
    """
    return migrations.SeparateDatabaseAndState(
        [migrations.RunSQL(sql, migrations.RunSQL.noop)], [migrations.RemoveField(model, column)]
    )


class Migration(migrations.Migration):
    """Texts of reasons are made from their facts. Without a transaction: no lock is held while another is awaited."""

    atomic = False
    dependencies = [("notifications", "0030_absences"), ("wfpush", "0006_required_release")]

    operations = [
        RequireRelease("0.4.0"),
        *(drop_trigger("notifications", *each) for each in TRIGGERS),
        *(empty_column("notifications", *each) for each in TEXTS),
    ]
