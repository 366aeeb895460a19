from django.db import migrations

TABLES = {
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
}
"""Tables of the configuration, and the columns that count, where not all do."""


def triggers(tables):
    for table, columns in tables.items():
        yield f"""CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE{columns} OR DELETE OR TRUNCATE ON {table}
                  FOR EACH STATEMENT EXECUTE FUNCTION wfpush_configuration_changed()"""


def undo(tables):
    for table in tables:
        yield f"DROP TRIGGER configuration_changed ON {table}"


class Migration(migrations.Migration):
    """Each statement that changes the configuration changes its revision (wfpush/postgres/revision.py)."""

    dependencies = [("notifications", "0015_why_answers_were_refused"), ("wfpush", "0005_configuration_changes")]

    operations = [migrations.RunSQL(list(triggers(TABLES)), list(undo(TABLES)))]
