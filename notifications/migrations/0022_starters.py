"""Whoever delegated a task (`owner`) is not whoever started its process: mappings that still have the preset's old
expression get its new one."""

from typing import Any

from django.db import migrations

STARTER = "not_null(startUserId, [by_name(variables).initiator][?type(@) == 'string'] | [0])"
KINDS = ["flowable", "opentext", "camunda7"]


def read_the_starter(apps: Any, schema_editor: Any) -> None:
    mappings = apps.get_model("notifications", "EventMapping").objects
    old = mappings.filter(engine__kind__in=KINDS, member="data.task.initiator", expression="owner")
    mappings.filter(pk__in=list(old.values_list("pk", flat=True))).update(expression=STARTER)


class Migration(migrations.Migration):
    dependencies = [("notifications", "0021_smaller_indexes")]

    operations = [migrations.RunPython(read_the_starter, migrations.RunPython.noop)]
