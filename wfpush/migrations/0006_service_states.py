from django.db import migrations, models


class Migration(migrations.Migration):
    """Services that do not do what we ask of them. Processes of the version before do not know the table."""

    dependencies = [("wfpush", "0005_configuration_changes")]

    operations = [
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
    ]
