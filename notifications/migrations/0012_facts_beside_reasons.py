from django.db import migrations, models

# (table, column): each gets a column of the same name with `_fact` behind.
REASONS = [
    ("notifications_notification", "reason"),
    ("notifications_delivery", "reason"),
    ("notifications_actiontoken", "void_reason"),
]


def forgetting(table, column):
    """Processes of 0.2.0 go on while this version starts. They write the text alone: the fact beside it is then another
    reason's, and goes. Whoever writes both is not concerned."""
    fact, name = f"{column}_fact", f"wfpush_forget_{table}_{column}_fact"
    return [
        f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$
            BEGIN NEW.{fact} := NULL; RETURN NEW; END $body$""",
        f"""CREATE TRIGGER {name} BEFORE UPDATE OF {column} ON {table} FOR EACH ROW
            WHEN (NEW.{column} IS DISTINCT FROM OLD.{column} AND NEW.{fact} IS NOT DISTINCT FROM OLD.{fact})
            EXECUTE FUNCTION {name}()""",
    ]


def remembering(table, column):
    name = f"wfpush_forget_{table}_{column}_fact"
    return [f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION {name}()"]


class Migration(migrations.Migration):
    dependencies = [("notifications", "0011_receipts")]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="reason_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="reason_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="actiontoken",
            name="void_reason_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="historicaldevice",
            name="history_change_reason_fact",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="deliveryattempt",
            name="detail_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="device",
            name="last_fault_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="pausedservice",
            name="reason_fact",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="callback",
            name="detail_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="callback",
            name="alert_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="callbackattempt",
            name="detail_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="engine",
            name="callback_disabled_reason_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="poll",
            name="error_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="connectedaccount",
            name="end_reason_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        *(migrations.RunSQL(forgetting(*each), remembering(*each)) for each in REASONS),
    ]
