import django.db.models.functions.datetime
from django.db import migrations, models

FUNCTION = """
CREATE FUNCTION wfpush_configuration_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN INSERT INTO wfpush_configurationchange DEFAULT VALUES; RETURN NULL; END $body$
"""


class Migration(migrations.Migration):
    """The revision of the configuration (wfpush/postgres/revision.py), the states of services, the time when a worker
    was stopped, and the row that `/readyz` writes. Workers of 0.3.0 delete rows of workers that have been silent
    for an hour."""

    dependencies = [("wfpush", "0004_lead")]

    operations = [
        migrations.CreateModel(
            name="ConfigurationChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "verbose_name": "configuration change",
                "verbose_name_plural": "configuration changes",
            },
        ),
        migrations.CreateModel(
            name="ServiceState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=253)),
                ("state", models.CharField(max_length=10)),
                ("since", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("try_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("reason_fact", models.JSONField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "state of a service",
                "verbose_name_plural": "states of services",
                "constraints": [models.UniqueConstraint(fields=("kind", "name"), name="one_state_a_service")],
            },
        ),
        migrations.CreateModel(
            name="WriteCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("written_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "write check",
                "verbose_name_plural": "write checks",
            },
        ),
        migrations.AddField(
            model_name="heartbeat",
            name="stopped_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION wfpush_configuration_changed() CASCADE"),
    ]
