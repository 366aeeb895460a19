from django.db import migrations, models

from wfpush.postgres.required_release import RequireRelease


class Migration(migrations.Migration):
    """Releases before 0.4.0 cannot read what 0.4.0 writes, such as the actions of an item, and do not read the new
    table. They refuse to start on one that has a column they do not fill. Their web processes that run do not fill
    it either: they go on, but are not ready any more. So this comes after all of 0.4.0 that may take long.

    Tickers need no leader any more: two of them do no harm. Workers of releases before 0.4.0 have one."""

    dependencies = [("wfpush", "0005_new_tables"), ("notifications", "0030_absences"), ("escalations", "0006_targets_of_features")]

    operations = [
        migrations.CreateModel(
            name="RequiredRelease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.CharField(max_length=20, unique=True)),
            ],
            options={
                "verbose_name": "required release",
                "verbose_name_plural": "required releases",
            },
        ),
        RequireRelease("0.4.0"),
        migrations.DeleteModel("Lead"),
        migrations.AddField(
            model_name="heartbeat",
            name="release",
            field=models.CharField(default="", editable=False, max_length=20, verbose_name="version"),
        ),
    ]
