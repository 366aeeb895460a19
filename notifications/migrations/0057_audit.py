from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations

from notifications import roles
from wfpush.postgres.words import Words


def index_words(apps: Any, schema_editor: Any) -> None:
    """By which the audit list finds what was done to something. The table is Django's."""
    index = GinIndex(Words("object_repr"), name="audit_words", fastupdate=False)
    statement = index.create_sql(apps.get_model("admin", "LogEntry"), schema_editor, concurrently=True)
    schema_editor.execute(statement, params=None)


def show_to_who_sees_users(apps: Any, schema_editor: Any) -> None:
    for group in apps.get_model("auth", "Group").objects.filter(permissions__codename="view_user"):
        group.permissions.add(roles.permission(apps, "admin", "view", "logentry"))


class Migration(migrations.Migration):
    """The audit list: indexes of Django's table, built while the desk is used, and whoever sees users sees it."""

    atomic = False

    dependencies = [
        ("notifications", "0056_more_roles"),
        ("admin", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_newest ON django_admin_log (action_time DESC, id DESC)",
            "DROP INDEX IF EXISTS audit_newest",
        ),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_object ON django_admin_log (object_id)",
            "DROP INDEX IF EXISTS audit_object",
        ),
        migrations.RunPython(index_words, migrations.RunPython.noop),
        migrations.RunPython(show_to_who_sees_users, migrations.RunPython.noop),
    ]
