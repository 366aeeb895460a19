from typing import Any

from django.db import migrations

from notifications import roles, starter

STARTER = "not_null(startUserId, [by_name(variables).initiator][?type(@) == 'string'] | [0])"
KINDS = ["flowable", "opentext", "camunda7"]


def read_the_starter(apps: Any, schema_editor: Any) -> None:
    mappings = apps.get_model("notifications", "EventMapping").objects
    old = mappings.filter(engine__kind__in=KINDS, member="data.task.initiator", expression="owner")
    mappings.filter(pk__in=list(old.values_list("pk", flat=True))).update(expression=STARTER)


def write_texts(apps: Any, schema_editor: Any) -> None:
    starter.name_facts(apps)
    starter.speak_to_customers(apps)
    starter.add_languages(apps)


def add_groups(apps: Any, schema_editor: Any) -> None:
    roles.ensure_roles(apps, [roles.RULE_EDITORS, roles.CONNECTION_OWNERS, roles.AUDITORS])


def show_to_who_sees_users(apps: Any, schema_editor: Any) -> None:
    for group in apps.get_model("auth", "Group").objects.filter(permissions__codename="view_user"):
        group.permissions.add(roles.permission(apps, "admin", "view", "logentry"))


class Migration(migrations.Migration):
    """Templates and categories that are still as they came with the installation get key facts, texts for customers
    and more languages. Mappings that still have the old expression of the preset read who started a process:
    `owner` is who delegated the task. Groups for rules, connections and auditors are created, unless there are
    groups of these names, and groups that see users see the audit list."""

    dependencies = [
        ("notifications", "0020_triggers"),
        ("admin", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(read_the_starter, migrations.RunPython.noop),
        migrations.RunPython(write_texts, migrations.RunPython.noop),
        migrations.RunPython(add_groups, migrations.RunPython.noop),
        migrations.RunPython(show_to_who_sees_users, migrations.RunPython.noop),
    ]
