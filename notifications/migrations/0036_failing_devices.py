from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Devices that failed last time: mostly there is none, which is asked every second while messages are sent."""

    dependencies = [("notifications", "0035_timezone_of_browser")]

    operations = [
        migrations.AddIndex(
            "device", models.Index(fields=["id"], condition=Q(last_fault__gt=""), name="device_failing")
        ),
    ]
