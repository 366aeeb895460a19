from django.db import migrations


class Migration(migrations.Migration):
    """Leave room in each page of deliveries, so that the new version of an updated row fits beside the old one. Then a
    claim writes to no index (heap-only tuples)."""

    dependencies = [("notifications", "0083_durations")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE notifications_delivery SET (fillfactor = 60)",
            "ALTER TABLE notifications_delivery RESET (fillfactor)",
        )
    ]
