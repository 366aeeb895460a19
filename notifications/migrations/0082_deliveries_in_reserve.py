from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """The index of the few deliveries in reserve. Built while others are sent, without a transaction."""

    atomic = False

    dependencies = [("notifications", "0081_callback_queue")]

    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                fields=["notification"],
                condition=Q(state="pending", due_at__isnull=True),
                name="delivery_reserve",
            ),
        ),
    ]
