from django.db import migrations, models

from wfpush.postgres.required_release import RequireRelease


class Migration(migrations.Migration):
    """Releases before 0.4.0 cannot read what 0.4.0 writes, such as the actions of an item, and do not read the new table.
    They refuse to start on one that has a column they do not fill. Their web processes that run do not fill it either:
    they go on, but are not ready any more. So this comes after all of 0.4.0 that may take long."""

    dependencies = [
        ("wfpush", "0007_stopped_workers_and_write_check"),
        ("notifications", "0085_facts_of_all_reasons"),
        ("escalations", "0008_rotas"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequiredRelease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=20, unique=True)),
            ],
            options={"verbose_name": "required release", "verbose_name_plural": "required releases"},
        ),
        RequireRelease("0.4.0"),
        migrations.AddField(
            model_name="heartbeat",
            name="release",
            field=models.CharField(default="", editable=False, max_length=20, verbose_name="version"),
        ),
    ]
