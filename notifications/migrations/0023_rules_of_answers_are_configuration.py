from importlib import import_module

from django.db import migrations

same = import_module("notifications.migrations.0016_configuration_changes")

TABLES = {
    "notifications_answermapping": "",
    "notifications_foureyescondition": "",
    "notifications_foureyesrule": "",
    "notifications_personalsignin": " OF mode",
}


class Migration(migrations.Migration):
    """What answers go by is read once for each revision of the configuration, too (wfpush/postgres/revision.py)."""

    dependencies = [("notifications", "0022_starters")]

    operations = [migrations.RunSQL(list(same.triggers(TABLES)), list(same.undo(TABLES)))]
