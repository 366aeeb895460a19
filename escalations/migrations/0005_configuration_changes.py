from importlib import import_module

from django.db import migrations

same = import_module("notifications.migrations.0016_configuration_changes")

TABLES = {
    "escalations_businesscalendar": "",
    "escalations_calendarday": "",
    "escalations_personcalendar": "",
    "escalations_policy": "",
    "escalations_policycondition": "",
    "escalations_policystep": "",
    "escalations_teamcalendar": "",
}


class Migration(migrations.Migration):
    """Policies and calendars are configuration, too (wfpush/postgres/revision.py)."""

    dependencies = [("escalations", "0004_sentences_to_facts"), ("notifications", "0016_configuration_changes")]

    operations = [migrations.RunSQL(list(same.triggers(TABLES)), list(same.undo(TABLES)))]
