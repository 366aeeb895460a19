from django.db import migrations, models


class Migration(migrations.Migration):
    """A row each worker, instead of one that any cluster wrote. `db_default`: workers of the release before go on
    writing theirs while they are replaced."""

    dependencies = [("wfpush", "0002_tally")]

    operations = [
        migrations.AddField(
            "heartbeat", "machine", models.CharField(db_default="", default="", editable=False, max_length=200)
        ),
        migrations.AddField("heartbeat", "holders", models.TextField(db_default="", default="", editable=False)),
        migrations.RunSQL("DELETE FROM wfpush_heartbeat WHERE name = 'cluster'", migrations.RunSQL.noop),
    ]
