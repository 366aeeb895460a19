from django.db import migrations, models


class Migration(migrations.Migration):
    """When a worker was stopped, and the row that `/readyz` writes. Workers of the release before delete the rows of
    those that stopped an hour ago, as they do with any that is silent."""

    dependencies = [("wfpush", "0006_service_states")]

    operations = [
        migrations.AddField("heartbeat", "stopped_at", models.DateTimeField(editable=False, null=True)),
        migrations.CreateModel(
            name="WriteCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("written_at", models.DateTimeField()),
            ],
            options={"verbose_name": "write check", "verbose_name_plural": "write checks"},
        ),
    ]
