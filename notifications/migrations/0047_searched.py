import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """New tables, with one foreign key to one that is there, which is locked for this alone. 0049 makes the triggers."""

    dependencies = [("notifications", "0046_news")]

    operations = [
        migrations.CreateModel(
            name="SearchedPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("upto", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("items", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("texts", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="searched_parts",
                        to="notifications.recipient",
                    ),
                ),
            ],
            options={"verbose_name": "part of what is searched", "verbose_name_plural": "parts of what is searched"},
        ),
        migrations.CreateModel(
            name="SearchedAnew",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("case_id", models.BigIntegerField(null=True)),
                ("task_id", models.UUIDField(null=True)),
                ("person_id", models.BigIntegerField(null=True)),
                ("inbox_id", models.BigIntegerField(null=True)),
            ],
            options={
                "verbose_name": "change of what is searched",
                "verbose_name_plural": "changes of what is searched",
            },
        ),
    ]
