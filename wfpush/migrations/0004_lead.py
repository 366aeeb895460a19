from django.db import migrations, models


class Migration(migrations.Migration):
    """Which ticker leads, as a row: an advisory lock belongs to a connection of the server, and a pooler that hands
    those on gives the lock to anybody. Tickers of the release before hold theirs while they are replaced; two that
    lead wake twice, which is once too often and nothing else."""

    dependencies = [("wfpush", "0003_a_heartbeat_each_worker")]

    operations = [
        migrations.CreateModel(
            name="Lead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=20, unique=True)),
                ("leader", models.CharField(max_length=40)),
                ("until", models.DateTimeField()),
            ],
            options={"verbose_name": "lead", "verbose_name_plural": "leads"},
        ),
    ]
