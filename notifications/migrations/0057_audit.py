from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations
from django.db.models import Index

from notifications import roles
from wfpush.postgres.word_index import Words

INDEXES = (
    Index(fields=["-action_time", "-id"], name="audit_newest"),
    Index(fields=["object_id"], name="audit_object"),
    GinIndex(Words("object_repr"), name="audit_words", fastupdate=False),
)


def add_indexes(apps: Any, schema_editor: Any) -> None:
    """Those by which the audit list finds the newest entries, and what was done to something. The table is Django's."""
    entry = apps.get_model("admin", "LogEntry")
    for index in INDEXES:
        schema_editor.add_index(entry, index, concurrently=True)


def remove_indexes(apps: Any, schema_editor: Any) -> None:
    entry = apps.get_model("admin", "LogEntry")
    for index in INDEXES:
        schema_editor.remove_index(entry, index, concurrently=True)


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
        migrations.RunPython(add_indexes, remove_indexes),
        migrations.RunPython(show_to_who_sees_users, migrations.RunPython.noop),
    ]
