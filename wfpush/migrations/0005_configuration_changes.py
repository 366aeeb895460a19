from django.db import migrations, models
from django.db.models.functions import Now

FUNCTION = """
CREATE FUNCTION wfpush_configuration_changed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN INSERT INTO wfpush_configurationchange DEFAULT VALUES; RETURN NULL; END $body$
"""


class Migration(migrations.Migration):
    """Rows whose number and ids are the revision of the configuration (wfpush/postgres/revision.py). The tables of the
    configuration get triggers that call the function: notifications 0016, escalations 0005."""

    dependencies = [("wfpush", "0004_lead")]

    operations = [
        migrations.CreateModel(
            name="ConfigurationChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("changed_at", models.DateTimeField(db_default=Now())),
            ],
            options={"verbose_name": "configuration change", "verbose_name_plural": "configuration changes"},
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION wfpush_configuration_changed() CASCADE"),
    ]
