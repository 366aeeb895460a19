from django.db import migrations

from wfpush.postgres.required_release import RequireRelease


class Migration(migrations.Migration):
    """Tickers need no leader: two of them do no harm. Workers of releases before 0.4.0 have one."""

    dependencies = [("wfpush", "0008_required_release")]

    operations = [
        RequireRelease("0.4.0"),
        migrations.DeleteModel("Lead"),
    ]
